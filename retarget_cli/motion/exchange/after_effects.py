"""Keyframes for After Effects, as its clipboard holds them."""

from __future__ import annotations

from retarget_cli.motion.exchange.tracks import Tracks


def to_after_effects(tracks: Tracks) -> str:
    """Text that can be copied and pasted onto a layer: a point control for each point, in their order.

    Positions are pixels from the top left corner; frame 0 is where the time indicator stands when it is pasted.
    """
    width, height = tracks.size
    lines = [
        "Adobe After Effects 8.0 Keyframe Data",
        "",
        f"\tUnits Per Second\t{float(tracks.rate):.6g}",
        f"\tSource Width\t{width}",
        f"\tSource Height\t{height}",
        "\tSource Pixel Aspect Ratio\t1",
        "\tComp Pixel Aspect Ratio\t1",
    ]
    for index in range(len(tracks.names)):
        lines += ["", f"Effects\tPoint Control #{index + 1}\tPoint #2", "\tFrame\tX pixels\tY pixels\t"]
        lines += [f"\t{frame}\t{x:.3f}\t{y:.3f}\t" for frame, (x, y) in enumerate(tracks.points[:, index])]
    return "\n".join([*lines, "", "", "End of Keyframe Data", ""])
