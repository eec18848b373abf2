"""A script for Blender that makes moving empties."""

from __future__ import annotations

import json

import numpy as np

from retarget_cli.motion.exchange.tracks import Tracks

_SCRIPT = '''"""Keypoints of a motion as empties in the plane of the picture. In Blender: Scripting > Open > Run Script.

The picture lies in the X-Z plane as Blender's front view shows it: its middle is the origin, its longer side PICTURE
units long. Each empty has the name of its keypoint and a key on every frame, from frame FIRST on; its property
"confidence", 0 to 1, says how sure the network was.
"""

import bpy

PICTURE = 10.0
FIRST = 1
SIZE = {size}
RATE = {rate}
POINTS = {points}

scale = PICTURE / max(SIZE)
scene = bpy.context.scene
scene.render.fps, scene.render.fps_base = RATE
scene.frame_start, scene.frame_end = FIRST, FIRST + {frames} - 1
collection = bpy.data.collections.new("keypoints")
scene.collection.children.link(collection)
for name, rows in POINTS.items():
    empty = bpy.data.objects.new(name, None)
    empty.empty_display_size = 0.02 * PICTURE
    collection.objects.link(empty)
    for frame, (x, y, confidence) in enumerate(rows, start=FIRST):
        empty.location = ((x - SIZE[0] / 2) * scale, 0.0, (SIZE[1] / 2 - y) * scale)
        empty["confidence"] = confidence
        empty.keyframe_insert("location", frame=frame)
        empty.keyframe_insert('["confidence"]', frame=frame)
'''


def to_blender(tracks: Tracks) -> str:
    """A Python script that makes an empty for each point, with a key on every frame."""
    values = np.concatenate([tracks.points, tracks.confidence[..., None]], axis=2)
    rows = (
        f"    {json.dumps(name)}: {json.dumps(np.round(values[:, index], 3).tolist())},"
        for index, name in enumerate(tracks.names)
    )
    whole = max(1, round(tracks.rate))
    return _SCRIPT.format(
        size=tuple(tracks.size),
        rate=(whole, float(whole / tracks.rate)),  # Blender divides the one by the other
        points="{\n" + "\n".join(rows) + "\n}",
        frames=len(tracks.points),
    )
