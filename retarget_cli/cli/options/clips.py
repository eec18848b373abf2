"""Options about clips: what is used of them, where their objects are, and a clip that drives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.cli.options.declare import ADVANCED, DRIVER, OBJECT, Group, choice, option, renamed
from retarget_cli.cli.options.general import flip
from retarget_cli.config import BACKENDS, COLOURS, CUTS
from retarget_cli.errors import UsageError
from retarget_cli.pipeline import options as words
from retarget_cli.pipeline.hints import parse_hints

if TYPE_CHECKING:
    from retarget_cli.pipeline.clips import ClipInput

BOX = "[FRAME:]X,Y,W,H"


@dataclass(frozen=True)
class Segmenter(Group):
    """The way to find an object."""

    backend: str | None = choice(None, BACKENDS, "How to find it: {}.", OBJECT)
    weights: str | None = option(None, "FILE", "Network for sam and sam2: a file, a folder, or a name.", ADVANCED)


def _mask(clip: str, panel: str) -> Any:
    return option(None, "M", f"Matte of {clip}: a video or a folder of PNGs.", panel)


def _box(clip: str, panel: str) -> Any:
    return option(None, BOX, f"Box of the object in {clip}; repeat it for more frames.", panel)


def fps_in(panel: str | None = None) -> Any:
    """The option that gives the frame rate of image sequences."""
    return option(None, "RATE", "Frames a second of a sequence of pictures.", panel, ("--fps-in",))


def colour(text: str, panel: str | None = None) -> Any:
    """The option that says how the numbers of a clip stand for light."""
    return choice(None, COLOURS, text, panel)


def cuts() -> Any:
    """The option for clips with cuts."""
    text = "Clips with cuts: {}."
    return choice(None, CUTS, text, OBJECT, parse=lambda word: word and words.choose(word, CUTS, "--cuts"))


def old_frame(suffix: str = "") -> Any:
    """The option that once gave the frame of a box or point that names none."""
    return renamed(f"--frame{suffix}", f"stands before the box now: --box{suffix} 37:X,Y,WIDTH,HEIGHT", min=0)


@dataclass(frozen=True)
class Objects(Group):
    """Hints and mattes of the objects in both clips of a training."""

    mask_a: Path | None = _mask("A", OBJECT)
    mask_b: Path | None = _mask("B", OBJECT)
    box_a: list[str] | None = _box("A", OBJECT)
    box_b: list[str] | None = _box("B", OBJECT)
    fps_in: str | None = fps_in(OBJECT)
    begin: str | None = option(None, "TIME[,TIME]", "Where A and B begin: 12.5, 40f; or ,40f.", OBJECT, ("--from",))
    end: str | None = option(None, "TIME[,TIME]", "Where they end.", OBJECT, ("--to",))
    cuts: str | None = cuts()
    colour: str | None = colour("Light in A, and after a comma in B: {}.", OBJECT)
    frame_a: int | None = old_frame("-a")
    frame_b: int | None = old_frame("-b")

    def clips(self, a: Path, b: Path) -> tuple[ClipInput, ClipInput]:
        """Both clips with what is said about their objects."""
        from retarget_cli.pipeline.footage.told import clips_of_pair

        return clips_of_pair(a, b, **self.chosen())


@dataclass(frozen=True)
class Driver(Group):
    """A clip or a motion file in the place of the pair's other clip."""

    driver: Path | None = option(None, "FILE", "A clip, a folder of pictures, or a motion file.", DRIVER)
    mask_driver: Path | None = _mask("that clip", DRIVER)
    box_driver: list[str] | None = _box("that clip", DRIVER)
    fps_in: str | None = fps_in(DRIVER)
    colour: str | None = colour("How its numbers stand for light: {}.", DRIVER)
    flip: str = flip("auto", "Mirror that clip; auto: if it faces the other way.", DRIVER)
    frame_driver: int | None = old_frame("-driver")

    def chosen(self) -> dict[str, Any]:
        """The clip that drives, if another one does. UsageError for a matte of none."""
        from retarget_cli.pipeline.clips import ClipInput
        from retarget_cli.pipeline.footage.told import parse_colour, parse_fps_in

        clip = None
        if self.driver is not None:
            hints = parse_hints(self.frame_driver or 0, self.box_driver, None, "--box-driver")
            rate = parse_fps_in(self.fps_in)
            clip = ClipInput(self.driver, self.mask_driver, hints, rate, colour=parse_colour(self.colour))
        elif self.mask_driver or self.box_driver:
            fix = "Name the clip with --driver; those of the pair have their mattes from training."
            raise UsageError("the matte of which driver?", where="--mask-driver, --box-driver", fix=fix)
        return {"driver": clip, "flip": self.flip}
