"""The options of the commands. Those that several commands take stand here once, in groups.

A group is a dataclass whose fields are options. A command decorated with :func:`grouped` has groups as parameters.
Their fields become options of the command, which is handed the filled dataclasses.
"""

from retarget_cli.cli.options.clips import BOX, Driver, Objects, Segmenter, colour, cuts, fps_in, old_frame
from retarget_cli.cli.options.declare import (
    ADVANCED,
    DRIVER,
    GENERAL,
    OBJECT,
    Group,
    argument,
    choice,
    grouped,
    option,
    renamed,
)
from retarget_cli.cli.options.general import (
    Device,
    General,
    InWorkspace,
    Machine,
    Pair,
    Recipe,
    Working,
    changes,
    flip,
    force,
    init_from,
    look,
)
from retarget_cli.cli.options.results import Part, Picture, Pose, Tempo, render_options

__all__ = [
    "ADVANCED",
    "BOX",
    "DRIVER",
    "GENERAL",
    "OBJECT",
    "Device",
    "Driver",
    "General",
    "Group",
    "InWorkspace",
    "Machine",
    "Objects",
    "Pair",
    "Part",
    "Picture",
    "Pose",
    "Recipe",
    "Segmenter",
    "Tempo",
    "Working",
    "argument",
    "changes",
    "choice",
    "colour",
    "cuts",
    "flip",
    "force",
    "fps_in",
    "grouped",
    "init_from",
    "look",
    "old_frame",
    "option",
    "renamed",
    "render_options",
]  # fmt: skip
