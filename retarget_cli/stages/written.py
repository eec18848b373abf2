"""What a result is written as: kind of file, names of pictures, layers, frame, timecode."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from retarget_cli.media.outputs import OutputFormat
from retarget_cli.media.series.layers import Layout, Names
from retarget_cli.media.series.timecode import Timecode
from retarget_cli.media.transfer import Colour


@dataclass(frozen=True)
class Written:
    """How a result is written. Only what is unusual decides its key.

    timecode: of the first frame. names: of the pictures of a folder. layout: how layers are written, None for no
    layers. run: the training's id, for headers. back: the curve that colours go back to where pictures are no EXR.
    shape: w : h to cut to round the object; size: (w, h) in pixels.
    """

    form: OutputFormat
    timecode: Timecode | None = None
    names: Names = field(default_factory=lambda: Names(".png"))
    layout: Layout | None = None
    run: str = ""
    back: Colour = "srgb"
    shape: Fraction | None = None
    size: tuple[int, int] | None = None

    @property
    def in_layers(self) -> bool:
        """True when it is made of layers in linear light, and not of pictures of 8 bits."""
        return self.layout is not None or self.form.kind.deep

    def params(self) -> dict[str, Any]:
        """What of it decides a result, and is not as usual."""
        told: dict[str, Any] = {"suffix": self.form.suffix}
        if not self.form.is_usual:
            told["kind"] = self.form.word
        if self.timecode is not None:
            told["timecode"] = [str(self.timecode), self.timecode.rate]
        if self.names != Names(".png"):
            told["names"] = [self.names(0), self.names.number]
        more: dict[str, Any] = {"layout": self.layout, "run": self.run, "shape": self.shape and str(self.shape)}
        more |= {"back": "" if self.back == "srgb" else self.back, "size": self.size and list(self.size)}
        return told | {name: value for name, value in more.items() if value}
