"""Options of most commands: what is shown, the workspace, the pair, the device, the settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.cli import completion
from retarget_cli.cli.options.declare import ADVANCED, GENERAL, Group, argument, choice, option
from retarget_cli.config import DEFAULT_WORKSPACE, FLIPS, PRESETS
from retarget_cli.errors import UsageError
from retarget_cli.pipeline import options as words


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


def force() -> Any:
    """The option that lets results replace files that this program did not make."""
    return option(False, None, "Replace files of these names even if retarget did not make them.")
