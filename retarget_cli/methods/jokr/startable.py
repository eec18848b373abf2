"""Which networks of each recipe may begin as those of another run. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from retarget_cli.methods.base import Startable
from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.paper.config import PaperConfig

# What belongs to the two clips alone, T and D among it, always begins afresh.
_SHAPE, _PAINTERS = ("extractor", "shape"), ("painter_a", "painter_b")
_PAPER_SHAPE = ("keypoints", "strong", "widths", "most_width", "levels", "generator_width", "residual_blocks")

STARTABLE: Mapping[type, Mapping[str, Startable]] = {
    JokrConfig: {
        "geometry": Startable(_SHAPE, ("geometry.keypoints", "geometry.widths", "geometry.point_widths")),
        "texture": Startable(_PAINTERS, ("geometry.keypoints", "texture.widths")),
        "detail": Startable((), ()),  # the refiners carry a frame of their clip
    },
    PaperConfig: {
        "geometry": Startable(_SHAPE, tuple(f"geometry.{name}" for name in _PAPER_SHAPE)),
        "texture": Startable(_PAINTERS, ("texture.generator_width", "texture.residual_blocks")),
    },
}
