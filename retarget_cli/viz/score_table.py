"""Scores as rows of a table for people, with what each of them means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

COLUMNS = ("score", "A's look", "B's look", "meaning")
MEANING = {
    "motion": "follows the driver's motion (0 chance, the true answer 0.6 to 0.9)",
    "shape": "keeps the subject's shapes (IoU, 1 the same)",
    "appearance": "distance from the subject's texture at the crop's size (two halves of a clip: 2 to 5)",
    "appearance_native": "the same at the size that is delivered",
    "jitter": "trembling against the driver's (1 the same)",
    "still": "the same overlap for the subject's best single frame",
    "gain": "share of the way from standing still to the true answer",
    "iou": "overlap of the silhouettes (1 the same)",
    "psnr": "dB, foreground (higher is better)",
    "ssim": "structural similarity (1 the same)",
    "l1": "mean absolute difference (0 the same)",
    "lpips": "perceptual distance (0 the same)",
}
_KINDS = {"motion": "motion", "shape": "shape", "strange": "implausible", "outside": "out of crop", "total": "total"}
"""Names of the candidates' scores in results, and for people."""


def candidate_rows(candidates: Mapping[str, Mapping[str, Any]], taken: str) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of what an affine was chosen from, the best first, with a mark at the one taken."""
    found = {kind for values in candidates.values() for kind in values}
    kinds = [*(kind for kind in _KINDS if kind in found), *sorted(found - set(_KINDS))]
    best_first = sorted(candidates.items(), key=lambda item: (item[0] != taken, -_number(item[1].get("total"))))
    rows = [
        [name, *(_text(values.get(kind)) for kind in kinds), "*" if name == taken else ""]
        for name, values in best_first
    ]
    return ["candidate", *(_KINDS.get(kind, kind) for kind in kinds), "taken"], rows


def _number(value: Any) -> float:
    return value if isinstance(value, (int, float)) else 0.0


def rows(scores: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The scores of both looks side by side, then those on held-out frames: (name, A's, B's, meaning)."""
    looks = [dict(leaves(scores.get(look, {}))) for look in ("a", "b")]
    names = sorted({**looks[0], **looks[1]}, key=_order)
    found = [(name, looks[0].get(name, ""), looks[1].get(name, ""), meaning(name)) for name in names]
    held_out = dict(leaves(scores.get("held_out", {})))
    for name, value in held_out.items():
        stem, side = name.rpartition("_")[::2]
        if side == "a":
            found.append((f"held out: {stem}", value, held_out.get(f"{stem}_b", ""), meaning(stem)))
        elif side != "b" or f"{stem}_a" not in held_out:
            found.append((f"held out: {name}", value, "", meaning(name)))
    return found


def _order(name: str) -> tuple[int, int, str]:
    """Sorts the plain scores first, each group in the order of MEANING."""
    known = list(MEANING)
    last = name.rpartition(".")[2]
    return name.count("."), known.index(last) if last in known else len(known), name


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every number or word of nested scores as (dotted name, text); the details of the affine are left out."""
    for name, value in values.items():
        if name == "affine":
            continue
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        elif value is None or isinstance(value, (int, float, str)):
            yield f"{prefix}{name}", _text(value)


def _text(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def meaning(name: str) -> str:
    """Return what a score says, by the first of its words that is known."""
    if name in MEANING:
        return MEANING[name]
    words = name.replace(".", "_").split("_")
    return next((MEANING[word] for word in words if word in MEANING), "")
