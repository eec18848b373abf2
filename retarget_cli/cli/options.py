"""The options of the commands. Those that several commands take stand here once, in groups.

A group is a dataclass whose fields are options. A command decorated with :func:`grouped` has groups as parameters.
Their fields become options of the command, which is handed the filled dataclasses.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from retarget_cli.cli import completion
from retarget_cli.cli.parsing import for_each, parse_colour, parse_fps_in
from retarget_cli.config import BACKENDS, COLOURS, CUTS, DEFAULT_WORKSPACE, FLIPS, PRESETS
from retarget_cli.errors import UsageError
from retarget_cli.pipeline import options as words
from retarget_cli.pipeline.hints import parse_hints
from retarget_cli.utils import streams

if TYPE_CHECKING:
    from retarget_cli.pipeline.clips import ClipInput

# Panels of the help, beside the one for everyday options, which has no name.
OBJECT, DRIVER, GENERAL, ADVANCED = "Where the object is", "The driver", "General", "Advanced"
_LAST_PANELS = (GENERAL, ADVANCED)
BOX = "[FRAME:]X,Y,W,H"


class Group:
    """Options that belong together."""

    def chosen(self) -> dict[str, Any]:
        """Return what they say, by the names that the pipeline has for it."""
        return dict(vars(self))


def option(
    default: Any, metavar: str | None, text: str, panel: str | None = None, names: Sequence[str] = (), **more: Any
) -> Any:
    """An option, as the default of a field of a group or of a parameter of a command.

    default: MISSING for an option that must be given
    metavar: stands for the value in the help
    text: the help
    panel: of the help; None for everyday options
    names: such as ``("--out", "-o")``; that of the field or parameter unless given
    more: `parse`, which turns the word into the value, and further arguments of typer.Option
    """
    parse = more.pop("parse", None)
    more = {"metavar": metavar, "help": text, "rich_help_panel": panel, "show_default": False, **more}
    make = functools.partial(typer.Option, **more)
    return field(default=default, metadata={"make": make, "names": names, "parse": parse})


def choice(default: Any, known: Sequence[str], text: str, panel: str | None = None, **more: Any) -> Any:
    """An option that takes one of the words known, which replace the braces in `text`. It does not check them."""
    more = {"metavar": "NAME", "autocompletion": lambda: list(known), **more}
    return option(default, text=text.format(", ".join(known)), panel=panel, **more)


def argument(metavar: str, text: str, default: Any = MISSING, **more: Any) -> Any:
    """An argument; it must be given unless it has a default."""
    more = {"metavar": metavar, "help": text, "show_default": False, **more}
    return field(default=default, metadata={"make": functools.partial(typer.Argument, **more)})


def renamed(name: str, now: str, **more: Any) -> Any:
    """An option of the release before: hidden, and a notice says what it is `now`."""

    def tell(context: typer.Context, value: Any) -> Any:
        if value is not None and not context.params.get("quiet"):
            streams.complain(f"note: {name} {now}")
        return value

    return option(None, None, "", names=(name,), hidden=True, callback=tell, **more)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command as Typer understands it, with the options of its groups in the place of the groups."""
    groups: dict[str, type[Group]] = {}
    stated: dict[str, tuple[Any, Any]] = {}  # type and default of each option
    hints = get_type_hints(command)
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and issubclass(kind, Group):
            groups[name], types = kind, get_type_hints(kind)
            stated |= {each.name: (types[each.name], each) for each in fields(kind)}  # type: ignore[arg-type]
        else:
            stated[name] = kind, parameter.default
    parsers = {name: each.metadata.get("parse") for name, (_, each) in stated.items() if isinstance(each, Field)}
    parameters = [_parameter(name, *each) for name, each in stated.items()]
    parameters.sort(key=_panel_rank)

    @functools.wraps(command)
    def run(**given: Any) -> None:
        given |= {name: parse(given[name]) for name, parse in parsers.items() if parse}
        for name, kind in groups.items():
            given[name] = kind(**{each: given.pop(each) for each in inspect.signature(kind).parameters})
        command(**given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _parameter(name: str, kind: Any, stated: Any) -> inspect.Parameter:
    """The parameter for what :func:`option` returned; anything else, such as the context, stays as it is."""
    if isinstance(stated, Field):
        make, names = stated.metadata["make"], stated.metadata.get("names")
        names = () if names is None else names or (f"--{name.replace('_', '-')}",)
        kind = Annotated[kind, make(*names)]
        stated = inspect.Parameter.empty if stated.default is MISSING else stated.default
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=stated)


def _panel_rank(parameter: inspect.Parameter) -> int:
    """The general panel comes after all others, and the advanced one after that."""
    panels = [getattr(each, "rich_help_panel", None) for each in getattr(parameter.annotation, "__metadata__", ())]
    return max((_LAST_PANELS.index(panel) + 1 for panel in panels if panel in _LAST_PANELS), default=0)


@dataclass(frozen=True)
class General(Group):
    """Options of every command."""

    quiet: bool = option(False, None, "Show nothing but errors.", GENERAL, ("--quiet", "-q"), is_eager=True)
    verbose: bool = option(False, None, "Show every step, its time and its key.", GENERAL, ("--verbose", "-v"))
    json: bool = option(False, None, "Print one JSON document on stdout.", GENERAL)


@dataclass(frozen=True)
class InWorkspace(General):
    """Options of every command that keeps or reads results."""

    workspace: Path = option(
        DEFAULT_WORKSPACE, "FOLDER", "Where results are kept.", GENERAL, show_default=True,
        envvar="RETARGET_WORKSPACE", show_envvar=False,
    )  # fmt: skip


@dataclass(frozen=True)
class Working(InWorkspace):
    """Options of the commands that make most of what is kept."""

    cache_size: str | None = option(None, "SIZE", "Most disk for crops and drawings, e.g. 20GB.", GENERAL)


@dataclass(frozen=True)
class Pair(Group):
    """Both clips of a trained pair, or none for the one trained last."""

    a: Path | None = argument("A", "First clip of the pair; without it, the pair trained last.", None)
    b: Path | None = argument("B", "Second clip of the pair.", None)

    def chosen(self) -> dict[str, Any]:
        """Both clips or neither; UsageError for one."""
        if self.a is not None and self.b is None:
            fix = "Name both clips of the pair, A first, or none at all."
            raise UsageError("one clip was given", where=str(self.a), fix=fix)
        return {"pair": None if self.a is None else (self.a, self.b)}


def flip(default: str | None, text: str, panel: str) -> Any:
    """The option that says whether a clip is mirrored."""
    return choice(default, list(FLIPS), text, panel, metavar="|".join(FLIPS))


def look(looks: Sequence[str], default: str = "a", text: str = "a: A moves like B; b: B moves like A.") -> Any:
    """The option that says whose look is drawn."""
    allowed = list(dict.fromkeys((*looks, default)))
    return choice(
        default, looks, text, metavar="|".join(looks), parse=lambda word: words.choose(word, allowed, "--look")
    )


@dataclass(frozen=True)
class Device(Group):
    """The device to compute on."""

    device: str | None = choice(None, ("auto", "cpu", "cuda"), "{} or cuda:N.")


@dataclass(frozen=True)
class Machine(Device):
    """The device to compute on, and how much memory to take there."""

    max_memory: str | None = option(None, "SIZE", "Most memory of a GPU to use, e.g. 4GB.", ADVANCED)


def changes() -> Any:
    """The option that changes settings."""
    text = "Change one of `retarget settings`, e.g. geometry.steps=3000."
    return option(None, "KEY=VALUE", text, names=("--set",), autocompletion=completion.setting_keys)


@dataclass(frozen=True)
class Recipe(Group):
    """Preset and settings of a training. `chosen` gives what :func:`~.load_config` takes."""

    preset: str | None = choice(None, list(PRESETS), "How large and how long: {}.", names=("--preset", "-p"))
    changes: list[str] | None = changes()

    def chosen(self) -> dict[str, Any]:
        """The preset and a list of changes."""
        return {"preset": self.preset, "changes": self.changes or []}


def init_from() -> Any:
    """The option that names the networks that a training begins with."""
    text = "Networks to begin with: base (usual), base:KIND, none, a run."
    return option(None, "WHAT", text, autocompletion=completion.beginnings)


@dataclass(frozen=True)
class Segmenter(Group):
    """The way to find an object."""

    backend: str | None = choice(None, BACKENDS, "How to find it: {}.", OBJECT)
    weights: str | None = option(None, "FILE", "Network for sam and sam2: a file, a folder, or a name.", ADVANCED)


def _mask(clip: str, panel: str) -> Any:
    return option(None, "M", f"Matte of {clip}: a video or a folder of PNGs.", panel)


def _box(clip: str, panel: str) -> Any:
    return option(None, BOX, f"Box of the object in {clip}; repeat it for more frames.", panel)


def force() -> Any:
    """The option that lets results replace files that this program did not make."""
    return option(False, None, "Replace files of these names even if retarget did not make them.")


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
        from retarget_cli.pipeline.clips import ClipInput

        hints_a = parse_hints(self.frame_a or 0, self.box_a, (), "--box-a")
        hints_b = parse_hints(self.frame_b or 0, self.box_b, (), "--box-b")
        rate = parse_fps_in(self.fps_in, a, b)
        start, stop, cuts = for_each(self.begin, "--from"), for_each(self.end, "--to"), self.cuts or CUTS[0]
        colours = [parse_colour(word) for word in for_each(self.colour, "--colour")]
        return (
            ClipInput(a, self.mask_a, hints_a, rate, start[0], stop[0], cuts, colours[0]),
            ClipInput(b, self.mask_b, hints_b, rate, start[1], stop[1], cuts, colours[1]),
        )


@dataclass(frozen=True)
class Pose(Group):
    """The fit of the driver's keypoints to the subject, and the ones that follow."""

    affine: str = choice(
        "auto", list(words.AFFINES), "{}, numbers, or a file.", metavar="MODE",
        parse=words.parse_affine, autocompletion=completion.affines,
    )  # fmt: skip
    follow: str = option(
        "", "NAMES", "Only these keypoints follow the driver: tail,nose or p3,p4.", ADVANCED, parse=words.parse_names
    )


@dataclass(frozen=True)
class Picture(Group):
    """Background and file of a result."""

    background: str = choice("subject", words.BACKGROUNDS, "{}, or a colour: '#808080'.", parse=words.parse_background)
    out: Path | None = option(
        None, "FILE", ".mp4 .mov .webm .gif .webp .mkv .mxf, a folder, or x.%04d.exr.", names=("--out", "-o")
    )


def _size(word: str | None) -> str | None:
    words.parse_picture_size(word)
    return word


def _crop(word: str | None) -> str | None:
    words.parse_crop(word)
    return word


@dataclass(frozen=True)
class Delivery(Group):
    """Kind of file, layers and frame of a result."""

    format: str | None = choice(
        None, words.FORMATS, "Another kind: prores4444, hevc, av1, dnxhr, png, tiff, exr.", metavar="NAME"
    )
    layers: str | None = choice(
        None, words.LAYOUTS, "Layers of a sequence: {}.",
        parse=lambda word: word and words.choose(word, words.LAYOUTS, "--layers"),
    )  # fmt: skip
    size: str | None = option(None, "WxH", "Size of the result: 1080x1920.", parse=_size)
    crop: str | None = option(None, "SHAPE", "Cut to a shape round the object: square or 9:16.", parse=_crop)


@dataclass(frozen=True)
class Part(Group):
    """The part of the driver that plays."""

    start: str | None = option(None, "TIME", "Where the driver begins: 1:02.5, 12.5 or 12f.", DRIVER, ("--from",))
    stop: str | None = option(None, "TIME", "Where it ends.", DRIVER, ("--to",))


@dataclass(frozen=True)
class Tempo(Group):
    """Speed and rounds of the driver."""

    fps: str | None = option(None, "RATE", "Frames a second, instead of the driver's.", DRIVER)
    slow: str | None = option(None, "FACTOR", "Take so many times longer, smoothly.", DRIVER)
    loop: int = option(1, "N", "Play it N times without a jump.", DRIVER)
    smooth: str = option("0", "HOW", "Steady poses that tremble: auto, or 0 to 1.", DRIVER)


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

        clip = None
        if self.driver is not None:
            hints = parse_hints(self.frame_driver or 0, self.box_driver, None, "--box-driver")
            rate = parse_fps_in(self.fps_in, self.driver)
            clip = ClipInput(self.driver, self.mask_driver, hints, rate, colour=parse_colour(self.colour))
        elif self.mask_driver or self.box_driver:
            fix = "Name the clip with --driver; those of the pair have their mattes from training."
            raise UsageError("the matte of which driver?", where="--mask-driver, --box-driver", fix=fix)
        return {"driver": clip, "flip": self.flip}


def render_options(*groups: Group, **more: Any) -> words.RenderOptions:
    """Put together what all these groups say about a render."""
    for group in groups:
        more |= group.chosen()
    return words.RenderOptions(**more)
