"""The command lines that lead to what a run record tells of, to be copied and run again, and the files they made."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retarget_cli.config import DEFAULT_WORKSPACE
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.runs import find_record
from retarget_cli.pipeline.settings import load_config
from retarget_cli.store.engine import Store
from retarget_cli.utils.fields import shown, to_json
from retarget_cli.utils.text import command_line

_OPTIONS = {"seed": "--seed", "device": "--device", "precision": "--precision", "max_memory": "--max-memory",
            "start": "--init-from", "matte.backend": "--backend", "matte.weights": "--weights"}  # fmt: skip
_RENDER_OPTIONS = {"start": "--from", "stop": "--to"}  # those that are not called as their fields are
_APART = ("preset", "method")


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a stored configuration by its dotted key, as ``--set`` takes it."""
    for key, value in tree.items():
        if key == "method_config":
            yield from ((name if "." in name else f"method.{name}", leaf) for name, leaf in flat(value))
        elif isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def as_named(path: Path) -> str:
    """An absolute path as one names it here. Links are kept: results are called after the link."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def differing(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a stored configuration that are not those of its preset now."""
    plain = dict(flat(to_json(load_config(config["preset"], None, (), method=config["method"]))))
    return {key: value for key, value in flat(config) if key not in plain or plain[key] != value}


class Commands:
    """The commands for one run. record: of a training; root: the workspace."""

    def __init__(self, record: Mapping[str, Any], root: Path) -> None:
        self._record = record
        self._workspace = [] if root == DEFAULT_WORKSPACE.absolute() else ["--workspace", as_named(root)]
        self._clips = [Path(as_named(Path(record["clips"][side]["path"]))) for side in "ab"]

    def train(self) -> str:
        """The training itself, with all that was given to it."""
        config = self._record["config"]
        words = ["--preset", config["preset"]]
        if config["method"] != "jokr":
            words += ["--method", config["method"]]
        return self._line("train", *self._clips, *words, *self._changes(), *self._matte_words())

    def import_(self, kind: str) -> str:
        """The import of a pair that was trained elsewhere; where its checkpoint lies is not known."""
        words = self._changes(("device", "matte.backend", "matte.weights"))
        return self._line("import", "CHECKPOINT", *self._clips, "--as", kind, *words, *self._matte_words())

    def render(self, look: str, direction: str, *more: str) -> str:
        """Drawing one look with the options it was drawn with last. direction: ``cat-as-fox``."""
        options = self._record.get("rendered", {}).get(direction, {})
        return self._line("render", *self._clips, *_render_words(look, options), *more)

    def drawing(self, look: str, options: Mapping[str, Any], out: Path | None) -> str:
        """Drawing one look with these options, which are not the usual ones, to its usual place or to `out`."""
        words = ["--out", as_named(out)] if out is not None else []
        return self._line("render", *self._clips, *_render_words(look, options), *words)

    def plain(self, name: str) -> str:
        """A command that takes the pair and nothing else."""
        return self._line(name, *self._clips)

    def compare(self) -> str:
        """Comparing all methods that have the preset of the run."""
        return self._line("compare", *self._clips, "--preset", self._record["config"]["preset"])

    def _line(self, *words: str | Path) -> str:
        return command_line("retarget", *words, *self._workspace)

    def _changes(self, options: Collection[str] = tuple(_OPTIONS)) -> list[str]:
        """The settings that differ from the preset; of what has an option of its own, only what is among `options`."""
        words: list[str] = []
        for key, value in differing(self._record["config"]).items():
            if key in options:
                words += [_OPTIONS[key], shown(value)]
            elif key not in _OPTIONS and key not in _APART:
                words += ["--set", f"{key}={shown(value)}"]
        return words

    def _matte_words(self) -> list[str]:
        clips = [self._record["clips"][side] for side in "ab"]
        rates = [f"--fps-in={clip['rate']}" for clip in clips if "rate" in clip][:1]  # one is given for both
        return [
            *rates,
            *part_words(clips),
            *(word for side, clip in zip("ab", clips, strict=True) for word in _matte(side, clip)),
        ]


def _render_words(look: str, options: Mapping[str, Any]) -> list[str]:
    words = ["--look", look] if look != "a" else []
    for name, value in options.items():
        words += _driver(value) if name == "driver" else [_RENDER_OPTIONS.get(name, f"--{name}"), shown(value)]
    return words


def _driver(clip: Mapping[str, Any]) -> list[str]:
    rate = ["--fps-in", clip["rate"]] if "rate" in clip else []
    colour = ["--colour", clip["colour"]] if "colour" in clip else []
    return ["--driver", as_named(Path(clip["path"])), *rate, *colour, *_matte("driver", clip)]


def _matte(side: str, clip: Mapping[str, Any]) -> list[str]:
    """The words about the object of a clip; side: ``a``, ``b`` or ``driver``."""
    given = [f"--mask-{side}", as_named(Path(clip["matte"]))] if clip["matte"] else []
    return [*given, *(word for hint in clip["hints"] for word in _hint(side, hint, clip.get("number", 0)))]


def _hint(side: str, hint: Mapping[str, Any], number: int) -> Sequence[str]:
    if hint["box"] is None:
        return ()
    return f"--box-{side}", f"{hint['frame'] + number}:{shown(hint['box'])}"


def part_words(clips: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is used of a clip, or of A and B, and in which light: a word for A, and after a comma one for B.

    clips: as a run's record has them; of ``number``, ``part`` and ``colour`` each may be missing.
    """
    begins = [clip.get("number", 0) for clip in clips]
    parts = [
        (first, first + clip["part"][1]) if "part" in clip else None for first, clip in zip(begins, clips, strict=True)
    ]
    told = {
        "--from": [part and f"{part[0]}f" for part in parts],
        "--to": [part and f"{part[1]}f" for part in parts],
        "--colour": [clip.get("colour") for clip in clips],
    }
    joined = {name: ",".join(word or "" for word in words).rstrip(",") for name, words in told.items()}
    return [f"{name}={words}" for name, words in joined.items() if words]


@dataclass(frozen=True)
class RenderedFile:
    """A result. file: the video or folder; there: whether it still is; when: UTC; command: what draws it again."""

    file: Path
    there: bool
    pair: str
    run: str
    when: str
    command: str


def row_of(target: Path, look: str, options: RenderOptions) -> dict[str, Any]:
    """What a run's record notes of a file that was drawn."""
    return {
        "file": str(target.resolve()),
        "look": look,
        "options": options.unusual,
        "named": options.out is not None,
        **({"out": str(options.out.absolute())} if options.out is not None and options.out != target else {}),
        "time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }


def rendered_files(pair: tuple[Path, Path] | None, store: Store) -> list[RenderedFile]:
    """The files that were drawn of a pair, or of all pairs where none is named; the newest first.

    Raises UsageError when that pair was not trained.
    """
    records = store.runs() if pair is None else _of(find_record(store, pair), store)
    found = [_file(row, record, store) for record in records for row in record.get("renders", [])]
    return sorted(found, key=lambda one: one.when)[::-1]  # of one second, the last first


def _of(newest: Mapping[str, Any], store: Store) -> list[Mapping[str, Any]]:
    """All records of a pair."""
    digests = [newest["clips"][side]["digest"] for side in "ab"]
    return [
        record
        for record in store.runs()
        if "clips" in record and [record["clips"][side]["digest"] for side in "ab"] == digests
    ]


def _file(row: Mapping[str, Any], record: Mapping[str, Any], store: Store) -> RenderedFile:
    file = Path(row["file"])
    out = Path(row.get("out", file)) if row.get("named") else None
    command = Commands(record, store.root).drawing(row["look"], row["options"], out)
    return RenderedFile(file, file.exists(), record["pair"], record["id"], row["time"], command)
