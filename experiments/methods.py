"""`retarget compare` with every method on four drawn pairs with known truth: quadrupeds, people, plants, opposite ways.

    python -m experiments.methods --out FOLDER [--methods jokr,fomm] [--set texture.steps=300] [name ...]

Prints the tables of docs/methods.md and keeps the sheets: driver, subject and every method beside each other.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from experiments.pairs import FRAMES, SIZE
from experiments.unseen import body, puppets
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.comparison.compare import compare
from retarget_cli.pipeline.demo import truths
from retarget_cli.samples.pair import SamplePair, roles, write_pair
from retarget_cli.store.engine import Store
from retarget_cli.viz.comparison_table import markdown

METHODS = "jokr,fomm,tps,crossid,gfla,edn,transmomo"


def opposite(folder: Path) -> object:
    """Writes a pair of puppets of which one faces left and one right."""
    return write_pair(folder, *roles("quadrupeds", 2, SIZE, opposite=True), FRAMES, SIZE)


PAIRS: dict[str, Callable[[Path], object]] = {
    "quadrupeds": puppets("quadrupeds", 1),
    "people": body("biped", 1),
    "plants": puppets("plants", 1),
    "opposite": opposite,
}


def compared(name: str, out: Path, methods: str, changes: list[str]) -> str:
    """Draw a pair, compare the methods on it, keep its sheets, and return its tables."""
    sample = SamplePair.at(out / name)
    if not sample.truth_b_as_a_colour.exists():
        PAIRS[name](out / name)
    clips = ClipInput(sample.a, sample.a_mask), ClipInput(sample.b, sample.b_mask)
    tell = partial(print, flush=True)
    result = compare(
        clips, methods, Store(out / ".retarget"), tell, preset="draft", changes=changes, truth=truths(sample)
    )
    for look, sheet in result.sheets.items():
        shutil.copy(sheet, out / f"{name}-{look}.png")
    return markdown(result.found, name, {f"look {look}": f"{name}-{look}.png" for look in result.sheets})


def main() -> None:
    """Print the tables of each pair."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(PAIRS)}; all of them if left out")
    parser.add_argument("--out", type=Path, required=True, help="where clips, results and sheets go")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    told = parser.parse_args()
    told.out.mkdir(parents=True, exist_ok=True)
    for name in told.names or PAIRS:
        tables = compared(name, told.out, told.methods, told.changes)
        (told.out / f"{name}.md").write_text(tables)
        print(f"## {name}\n\n{tables}", flush=True)


if __name__ == "__main__":
    main()
