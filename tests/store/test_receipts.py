from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from retarget_cli.store.receipts import NAME, Broken, content_digest, make_receipt, read_receipt, versions

KEY = "a" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "entry"
    (path / "sub").mkdir(parents=True)
    (path / "a.bin").write_bytes(b"abc")
    (path / "sub" / "b.bin").write_bytes(b"")
    return path


def receipt_of(folder: Path, **changes: object) -> dict:
    facts = {"params": {"n": (1, 2)}, "inputs": {"clip": KEY}, "notes": {}, "timings": {"seconds": 1.0}, **changes}
    return make_receipt(folder, "crop", KEY, **facts)  # type: ignore[arg-type]


def test_a_receipt_says_what_is_there_and_how_it_was_made(folder: Path) -> None:
    receipt = receipt_of(folder, notes={"loss": math.nan, "where": folder})
    assert receipt["files"]["a.bin"] == {
        "size": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    assert list(receipt["files"]) == ["a.bin", "sub/b.bin"]
    assert receipt["params"] == {"n": [1, 2]}
    assert receipt["inputs"] == {"clip": KEY}
    assert receipt["notes"] == {"loss": None, "where": str(folder)}
    assert receipt["timings"] == {"seconds": 1.0}
    assert {"retarget", "python"} <= set(receipt["versions"])


def test_versions_name_the_declared_packages_only() -> None:
    assert "filelock" in versions()
    assert "pytest" not in versions()


def test_what_was_written_is_read(folder: Path) -> None:
    receipt = receipt_of(folder)
    (folder / NAME).write_text(json.dumps(receipt))
    assert read_receipt(folder, "crop", KEY, deep=True) == receipt


def test_the_digest_depends_on_key_and_files_alone(folder: Path) -> None:
    first = receipt_of(folder)
    later = receipt_of(folder, timings={"seconds": 99.0}, notes={"device": "other"})
    assert content_digest(first) == content_digest(later)
    (folder / "a.bin").write_bytes(b"abd")
    assert content_digest(first) != content_digest(receipt_of(folder))
    assert content_digest(first) != content_digest({**first, "key": "b" * 64})


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "matte"},
        {"params": {"n": [1, 3]}},
        {"files": {}},
        {"files": {"../../secret": {"size": 1, "sha256": KEY}}},
        {"seal": KEY},
        {"added": 1},
    ],
)
def test_a_changed_receipt_is_broken(folder: Path, change: dict) -> None:
    (folder / NAME).write_text(json.dumps({**receipt_of(folder), **change}))
    with pytest.raises(Broken, match="damaged"):
        read_receipt(folder, "crop", KEY, deep=False)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"seal": 1}', "\x00\xff"])
def test_a_text_that_is_no_receipt_is_broken(folder: Path, text: str) -> None:
    (folder / NAME).write_text(text)
    with pytest.raises(Broken, match="damaged"):
        read_receipt(folder, "crop", KEY, deep=False)


def test_the_receipt_of_another_entry_is_broken(folder: Path) -> None:
    (folder / NAME).write_text(json.dumps(receipt_of(folder)))
    with pytest.raises(Broken, match="another"):
        read_receipt(folder, "crop", "b" * 64, deep=False)


def test_only_plain_files_are_published(folder: Path) -> None:
    (folder / "link").symlink_to("a.bin")
    with pytest.raises(ValueError, match="link"):
        receipt_of(folder)


def test_the_name_of_the_receipt_is_taken(folder: Path) -> None:
    (folder / NAME).write_text("{}")
    with pytest.raises(ValueError, match=NAME):
        receipt_of(folder)
