"""Drawn sample clips with exact mattes and the true answer to every transfer: for trying out, and for measuring."""

from retarget_cli.samples.drawing import Actor, frames
from retarget_cli.samples.pair import SamplePair, draw_pair, roles
from retarget_cli.samples.scenarios import KINDS, Role

__all__ = ["KINDS", "Actor", "Role", "SamplePair", "draw_pair", "frames", "roles"]
