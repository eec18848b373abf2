"""The interface of a motion method. Nothing here knows how a method works."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from retarget_cli.errors import UsageError
from retarget_cli.findings import Finding
from retarget_cli.utils.fields import change_fields, nearest, to_json

if TYPE_CHECKING:
    from torch import Tensor

    from retarget_cli.training.clips import ClipArray
    from retarget_cli.training.phase import Phase

Look = Literal["a", "b"]
BOTH: tuple[Look, ...] = ("a", "b")


@dataclass(frozen=True)
class LayerFrame:
    """One frame drawn by a method, in the subject's crop.

    rgba: (S, S, 4) uint8, straight alpha.
    silhouette: (S, S) uint8 {0, 255}.
    keypoints: (K, 2) float32 in [-1, 1], order (x, y), already moved into the subject's space.
    driver_keypoints: (K, 2), the same points where the driver has them.
    confidence: (K,) float32 in [0, 1], how sure each point is.
    """

    rgba: np.ndarray
    silhouette: np.ndarray
    keypoints: np.ndarray
    driver_keypoints: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class Playback:
    """The moments of the driver to draw, in ticks of one clock, each `tick` seconds long.

    times: when each of its frames shows, increasing.
    moments: one for each frame to draw.
    shown: which of its frames shows then; what cannot be drawn between frames is drawn of that one.
    loop: (first frame, the one after the last, tick at which the last one ends) when the end leads into the beginning.
    smooth: how much the driver's poses are steadied first: 0 not at all, up to 1 as
        :func:`~retarget_cli.methods.playback.smoothed` says, or ``auto``.
    """

    tick: Fraction
    times: tuple[int, ...]
    moments: tuple[Fraction, ...]
    shown: tuple[int, ...]
    loop: tuple[int, int, int] | None = None
    smooth: float | Literal["auto"] = 0.0


@dataclass(frozen=True)
class NewDriver:
    """A clip that was not trained on, in the place of the driver.

    flip: ``yes`` or ``no``: mirror it, so that it faces as the clips did in training; ``auto``: find out.
    """

    clip: ClipArray
    flip: str = "auto"


@dataclass(frozen=True)
class Poses:
    """Keypoints in the place of a driver's pictures. points: (N, K, 2); confidence: (N, K).

    drawn: true for those of a drawn frame, in the subject's crop; false for what the networks saw in a driver.
    """

    points: np.ndarray
    confidence: np.ndarray
    drawn: bool


@dataclass(frozen=True)
class KeypointSubset:
    """Only some keypoints follow the driver, the others do as the subject does in its own clip.

    points: the numbers of those that follow. own: the moments of the subject's clip that go with the frames to draw.
    """

    points: tuple[int, ...]
    own: Playback


@dataclass(frozen=True)
class TransferRequest:
    """A drawing that is wanted.

    look: ``a`` draws clip A moving like B, ``b`` the other way.
    affine: a mode (``auto``, ``balanced``, ``proportions``, ``relative``, ``matched``, ``learned``, ``moments``,
        ``aligner``, ``none``), or six numbers row by row.
    playback: None for every frame of the driver once.
    driver: what drives instead of the pair's other clip, ``subject`` for the subject's own clip.
    regional: None when every keypoint follows.
    """

    look: Look
    affine: str | tuple[float, ...] = "auto"
    playback: Playback | None = None
    driver: NewDriver | Poses | Literal["subject"] | None = None
    regional: KeypointSubset | None = None


@dataclass(frozen=True)
class Transfer:
    """A transfer about to run; frames: one a driver frame, or one a moment of the playback that was asked for.

    report: JSON-ready facts: the affine that was taken, the candidates and why; "driver_mirrored", true when the
    driver was mirrored for the networks; "warnings", a list of sentences on what makes the result doubtful; "light",
    that of the subject's frames (`Light.to_json` of vision/light) where it drifts and the layer is drawn in one light.
    """

    report: Mapping[str, Any]
    frames: Iterator[LayerFrame]


@dataclass(frozen=True)
class Imported:
    """A pair that another program trained.

    config: the method's settings with the sizes of the networks. states: phase → module → tensors by name; phases that
    were not trained yet are missing.
    """

    config: Any
    states: Mapping[str, Mapping[str, Mapping[str, Tensor]]]


@dataclass(frozen=True)
class Startable:
    """The part of a phase that may begin with the networks of another run of the same method.

    modules: their names in the phase; settings: dotted names of the method's settings that decide their shapes.
    """

    modules: tuple[str, ...]
    settings: tuple[str, ...]


@dataclass(frozen=True)
class PairContext:
    """Two clips and what was learned of them.

    config: the method's settings.
    clips: A and B, cropped.
    states: the folders with the results of phases, by phase; those that were not trained yet are missing.
    device: where to train or draw.
    kind: the kind of body of both that the base knows, for what begins with the base; None for what does not.
    """

    config: Any
    clips: tuple[ClipArray, ClipArray]
    states: Mapping[str, Path]
    device: str
    kind: str | None = None


class MotionMethod(ABC):
    """A way to learn the motion of two clips and to draw one with the motion of the other.

    name: as ``--method`` has it.
    key: as stage keys have it, kept where a method was called otherwise once.
    trained_as: the key of the method whose phases it has, in the keys of their stages; none where they are its own.
    version: raised by hand when the same settings learn something else; part of every stage's key.
    presets: settings by the name of the preset, frozen dataclasses with a field for each phase.
    phase_classes: all phases in the order of training, each as ``module:class`` with ``build(pair, seed)``; imported
        when it is trained.
    startable_parts: by phase, see :meth:`startable`.
    based: the phases that may begin with the base, the networks that come with the program.
    """

    name: ClassVar[str]
    key: ClassVar[str]
    trained_as: ClassVar[str] = ""
    version: ClassVar[int] = 1
    presets: ClassVar[Mapping[str, Any]]
    phase_classes: ClassVar[Mapping[str, str]]
    startable_parts: ClassVar[Mapping[str, Startable]] = {}
    based: ClassVar[tuple[str, ...]] = ()

    @property
    def phase_names(self) -> tuple[str, ...]:
        """The names of all phases; a configuration may do without some of them."""
        return tuple(self.phase_classes)

    def config(self, preset: str, changes: Sequence[str]) -> Any:
        """The preset with ``geometry.steps=100`` and the like applied; UsageError for what it does not know."""
        if preset not in self.presets:
            fix = nearest(preset, self.presets)
            raise UsageError(f"{self.name} has no preset '{preset}'", where="--preset", fix=fix)
        config = change_fields(self.presets[preset], changes)
        self.check(config)
        return config

    def check(self, config: Any) -> None:  # noqa: B027 - most settings fit each other
        """UsageError when settings do not fit each other."""

    def phases(self, config: Any) -> tuple[str, ...]:
        """The names of the phases that `config` asks for, in the order of training."""
        return self.phase_names

    def crop_size(self, config: Any, phase: str) -> int | None:
        """Side of the crops that `phase` trains on, in pixels; None for the usual ones, which drawing sees too."""
        return None

    def phase_config(self, config: Any, phase: str) -> Mapping[str, Any]:
        """The JSON-ready part of `config` that decides the result of `phase` (it becomes part of the stage's key)."""
        return to_json(getattr(config, phase))

    def mirrored(self, config: Any, clips: tuple[ClipArray, ClipArray]) -> str:
        """The clip that is mirrored for training: ``a``, ``b`` or nothing."""
        return ""

    def held_out_frames(self, config: Any, count: int) -> tuple[int, ...]:
        """The frames of a clip of `count` frames that no phase trains on or copies from, by their numbers.

        None where there are none, or nobody knows: then such frames are not scored.
        """
        return ()

    def startable(self, config: Any, phase: str) -> Startable:
        """The part of `phase` that may begin with the networks of another run whose settings are of the same kind."""
        return self.startable_parts.get(phase, Startable((), ()))

    def base_misfits(self, config: Any) -> tuple[str, ...]:
        """What must be set otherwise for the phases in `based` to begin with the base, as ``key=value``."""
        return ()

    def steps(self, config: Any, phase: str, based: bool = False) -> int | None:
        """The steps of `phase`, None where nobody knows; based: it begins with the base."""
        steps = getattr(getattr(config, phase), "steps", None)
        return steps if isinstance(steps, int) else None

    def work(self, config: Any, phase: str) -> float | None:
        """How long a step of `phase` takes on a CPU, in a unit that is the same for all phases; None: nobody knows."""
        return None

    def recognise(self, base: Path, clips: tuple[ClipArray, ClipArray], named: str | None = None) -> Mapping[str, Any]:
        """Tell which kind of body both clips show, of those that the file `base` knows. named: somebody said it.

        Returns plain JSON: ``kind``, a name or null; ``confidence``, by ``a`` and ``b``, 0 to 1; ``keypoints``, their
        names or null; ``why``, a sentence. Raises EnvironmentProblem for a file that is damaged.
        """
        raise NotImplementedError(f"{self.name} has no base")

    def sketch(self, config: Any) -> Any | None:
        """Settings that give a first video long before those of `config` do, after the same first phase.

        None where there are none that are much quicker.
        """
        return None

    def build_phase(self, phase: str, pair: PairContext, seed: int) -> Phase:
        """The phase ready to train, on clips of the size that it asks for and the results of the phases before it."""
        built: Phase = load_named(self.phase_classes[phase]).build(pair, seed)
        return built

    @abstractmethod
    def transfer(self, pair: PairContext, request: TransferRequest) -> Transfer:
        """Draw every frame of the driver, or every moment of the request's playback, with the look of the subject."""

    @abstractmethod
    def diagnose(self, pair: PairContext) -> list[Finding]:
        """Findings on what is good and what is weak about the trained phases; it should take seconds."""


def load_named(path: str) -> Any:
    """Import what ``module:name`` names. Methods name so what must not be imported, with torch, before it is needed."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
