"""The page over all pairs of a batch: pictures, scores, the best of each clip; sorted by a click, also offline."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from retarget_cli.batch.delivery import Delivered
from retarget_cli.errors import RetargetError
from retarget_cli.findings import counted
from retarget_cli.media.decode import read_frames
from retarget_cli.media.images import write_png
from retarget_cli.media.outputs import OutputFormat
from retarget_cli.media.probe import probe
from retarget_cli.pipeline import outputs
from retarget_cli.utils import text
from retarget_cli.viz.report.markup import Content, Markup, element, link, table
from retarget_cli.viz.report.style import STYLE

INDEX = "index.html"
THUMBNAIL = "thumbnail.png"
_WIDTH = 160  # of a thumbnail, pixels
_OWN_STYLE = """
td:nth-child(4) { min-width: 0; } th[data-sort] { cursor: pointer; white-space: nowrap; }
th[data-sort]::after { content: " \\2195"; color: var(--soft); } td img { width: 10rem; }
"""
_SCRIPT = """
for (const head of document.querySelectorAll("table.sortable thead th")) {
  head.dataset.sort = ""; head.tabIndex = 0;
  const sort = () => {
    const body = head.closest("table").tBodies[0], at = head.cellIndex, down = head.ariaSort !== "descending";
    for (const other of head.parentNode.cells) other.ariaSort = null;
    head.ariaSort = down ? "descending" : "ascending";
    const value = row => row.cells[at].dataset.value ?? row.cells[at].textContent.trim();
    const compare = (a, b) => {
      const x = value(a), y = value(b), m = parseFloat(x), n = parseFloat(y);
      if (x === "" || y === "") return (x === "") - (y === "");
      return (isNaN(m) || isNaN(n) ? x.localeCompare(y) : m - n) * (down ? -1 : 1);
    };
    body.append(...[...body.rows].sort(compare));
  };
  head.addEventListener("click", sort);
  head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
}
"""


def write_index(path: Path, jobs: Sequence[Delivered]) -> Path:
    """Write the page, and a thumbnail into the folder of each pair that has a video. Raises EnvironmentProblem."""
    for job in jobs:
        _draw_thumbnail(job)
    return outputs.write_text(path, draw_index(path, jobs))


def draw_index(path: Path, jobs: Sequence[Delivered]) -> str:
    """The page as HTML that refers to nothing but files beside it. path: where it will be."""
    failed = sum(job.exit_code != 0 for job in jobs)
    told = f"{len(jobs)} trainings" + (f", {failed} with failures" if failed else "")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", "All pairs: retarget"),
        element("style", Markup(STYLE + _OWN_STYLE)),
    )
    body = element(
        "body",
        element("header", element("h1", "All pairs"), element("p", told, class_="soft")),
        element("main", _best(path, jobs), _all(path, jobs), _failures(jobs)),
        element("script", Markup(_SCRIPT)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _best(path: Path, jobs: Sequence[Delivered]) -> Markup | None:
    """For each clip, the training in which it is drawn best."""
    best: dict[str, tuple[float, Delivered, str]] = {}
    for job, (look, clip) in itertools.chain.from_iterable(
        ((job, pair) for pair in zip("ab", job.clips, strict=False)) for job in jobs
    ):
        score = score_of(job, look)
        if score is not None and (clip not in best or score > best[clip][0]):
            best[clip] = score, job, look
    if not best:
        return None
    rows = [
        (clip, _linked(path, job), f"{look.upper()}", f"{score:.2f}")
        for clip, (score, job, look) in sorted(best.items())
    ]
    caption = "The training in which each clip is drawn best, by the product of motion and shape"
    return element(
        "section", element("h2", "Best of each clip"), table(("clip", "pair", "look", "score"), rows, caption)
    )


def score_of(job: Delivered, look: str) -> float | None:
    """Motion times shape of a look, larger is better; None where it was not scored."""
    found = job.scores.get(look, {})
    motion, shape = found.get("motion"), found.get("shape")
    return None if motion is None or shape is None else motion * shape


_COLUMNS = ("pair", "", "held-out frames", "motion A", "shape A", "motion B", "shape B", "verdict", "time", "state")


def _all(path: Path, jobs: Sequence[Delivered]) -> Markup:
    rows = (element("tr", *_row(path, job)) for job in jobs)
    head = element("tr", *(element("th", column, scope="col") for column in _COLUMNS))
    drawn = element("table", element("thead", head), element("tbody", *rows), class_="sortable")
    return element("section", element("h2", "All trainings"), element("div", drawn, class_="wide", tabindex="0"))


def _row(path: Path, job: Delivered) -> list[Markup]:
    held_out = [score for values in job.held_out.values() for score in text.by_clip(values)[:1]]
    scores = [job.scores.get(look, {}).get(name) for look in "ab" for name in ("motion", "shape")]
    state = "done" if not job.exit_code else f"failed ({job.exit_code})"
    bad = str(sum(10 ** ("weak", "bad").index(each.severity) for each in job.verdict if each.severity != "good"))
    return [
        element("th", _linked(path, job), scope="row"),
        element("td", _picture(path, job)),
        element("td", ", ".join(held_out)),
        *(element("td", "" if score is None else f"{score:.2f}") for score in scores),
        element("td", counted(job.verdict) if job.verdict else "", data_value=bad if job.verdict else ""),
        element("td", text.duration(job.seconds), data_value=f"{job.seconds:.1f}"),
        element("td", state),
    ]


def _failures(jobs: Sequence[Delivered]) -> Markup | None:
    items: list[Content] = []
    for job in jobs:
        for part, fault in job.faults.items():
            place = f" ({fault.where})" if fault.where else ""
            items.append(element("li", element("b", f"{job.name}, {part}: "), f"{fault.what}{place}. {fault.fix}",
                                 class_="bad"))  # fmt: skip
    if not items:
        return None
    return element("section", element("h2", "What failed"), element("ul", *items, class_="findings"))


def _linked(path: Path, job: Delivered) -> Markup:
    report = job.report
    return element("a", job.name, href=_address(path, report)) if report is not None else element("span", job.name)


def _picture(path: Path, job: Delivered) -> Markup | None:
    file = None if job.folder is None else job.folder / THUMBNAIL
    if file is None or not file.is_file():
        return None
    video = job.videos[0] if job.videos else file
    picture = element("img", src=_address(path, file), alt=f"a frame of {video.name}", loading="lazy")
    return element("a", picture, href=_address(path, video))


def _address(page: Path, file: Path) -> str:
    return link(Path(os.path.relpath(file, page.parent)).as_posix())


def _draw_thumbnail(job: Delivered) -> None:
    video = next((video for video in job.videos if OutputFormat(video.suffix).browsers_play), None)
    if video is None or job.folder is None:
        return
    with suppress(RetargetError, OSError, StopIteration):
        info = probe(video)
        size = _WIDTH, max(2, round(_WIDTH * info.height / info.width))
        write_png(job.folder / THUMBNAIL, next(iter(read_frames(video, size=size))).image)
