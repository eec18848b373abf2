"""Where a body is seen from, and the pictures' coordinates of what it sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retarget_cli.samples.bodies.skeleton import rotations


@dataclass(frozen=True)
class View:
    """azimuth: by how much the body is turned about the vertical, 0 shows it facing right; elevation: of the camera
    above the ground; tilt: of the camera; all in radians. nearness: how much larger a point one unit nearer looks."""

    azimuth: float = 0.0
    elevation: float = 0.0
    tilt: float = 0.0
    nearness: float = 0.0

    def project(self, places: np.ndarray) -> np.ndarray:
        """World places (..., 3) to (..., 3): x to the right, y down, and depth towards the viewer."""
        seen = places @ rotations(np.array([0.0, self.azimuth, 0.0])).T
        seen = seen @ rotations(np.array([0.0, 0.0, self.elevation])).T
        seen = seen @ rotations(np.array([self.tilt, 0.0, 0.0])).T
        scale = self.scale(seen[..., 2])
        return np.stack([seen[..., 0] * scale, -seen[..., 1] * scale, seen[..., 2]], axis=-1)

    def scale(self, depth: np.ndarray) -> np.ndarray:
        """How large things at this depth look."""
        return np.asarray(1 / (1 - np.clip(self.nearness * depth, -0.6, 0.6)))


def random_view(random: np.random.Generator, turned: float, raised: float) -> View:
    """A view from about the side. turned, raised: largest azimuth and elevation."""
    return _camera(random, random.uniform(-turned, turned), random.uniform(-0.15, raised))


def near_view(random: np.random.Generator, view: View, azimuth: float, elevation: float) -> View:
    """Another camera that sees the body from about the same side."""
    turn, rise = random.uniform(-azimuth, azimuth), random.uniform(-elevation, elevation)
    return _camera(random, view.azimuth + turn, view.elevation + rise)


def _camera(random: np.random.Generator, azimuth: float, elevation: float) -> View:
    """A camera there, tilted a little and somewhere near."""
    return View(float(azimuth), float(elevation), float(random.normal() * 0.05), float(random.uniform(0, 0.18)))
