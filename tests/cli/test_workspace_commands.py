"""`runs` and `cache` on a real store."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from retarget_cli.cli import options, output
from retarget_cli.cli.app import run
from retarget_cli.store.engine import Store
from retarget_cli.store.keys import stage_key


@pytest.fixture
def space(tmp_path: Path) -> Iterator[str]:
    store = Store(tmp_path / "space")
    for name in ("one", "two"):
        key = stage_key("crop", 1, {"name": name}, {})
        with store.draft("crop", key, params={"name": name}, inputs={}) as draft:
            (draft.path / "clip.bin").write_bytes(name.encode() * 1000)
    store.record_run({"kind": "train", "pair": "cat--fox", "config": {"preset": "draft", "seed": 4, "start": "2025-a"}})
    yield str(store.root)


def test_runs(space: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "--workspace", space]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["time", "(UTC)"]
    assert row.split()[2:6] == ["train", "cat--fox", "draft", "4"]
    assert (header.split()[-1], row.split()[-1]) == ("start", "2025-a")
    assert run(["runs", "--workspace", space, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["pair"] == "cat--fox"


def test_listing(space: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cache", "ls", "--workspace", space]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["crop", "2", "6.0", "kB"]
    assert run(["cache", "ls", "--workspace", space, "--json"]) == 0
    assert [entry["bytes"] for entry in json.loads(capsys.readouterr().out)["entries"]] == [3000, 3000]


def test_verify_finds_a_flipped_byte(space: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cache", "verify", "--workspace", space]) == 0
    damaged = next(Path(space).glob("crop/*/clip.bin"))
    damaged.write_bytes(b"x" + damaged.read_bytes()[1:])
    capsys.readouterr()
    assert run(["cache", "verify", "--workspace", space, "--json"]) == 5
    answer = json.loads(capsys.readouterr().out)
    assert (answer["whole"], len(answer["damaged"])) == (1, 1)
    assert answer["damaged"][0]["key"] == damaged.parent.name
    assert not damaged.exists()


def test_repair_puts_a_workspace_right(space: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(space)
    assert run(["cache", "repair", "--workspace", space]) == 0
    damaged = next(root.glob("crop/*/clip.bin"))
    damaged.write_bytes(b"x" + damaged.read_bytes()[1:])
    (root / "workspace.json").write_text('{"layout":3,"program":"retarget"}')
    (root / "runs" / "x.json").write_text("{")
    (root / "digests.json").write_text("[]")
    (root / "runs" / ".00000000000000ff.part").write_text("half")
    os.utime(root / "runs" / ".00000000000000ff.part", (1e9, 1e9))
    assert run(["cache", "ls", "--workspace", space]) == 5
    assert "cache repair" in capsys.readouterr().err
    assert run(["cache", "repair", "--workspace", space, "--json"]) == 5
    answer = json.loads(capsys.readouterr().out)
    assert (answer["whole"], [each["key"] for each in answer["damaged"]]) == (1, [damaged.parent.name])
    assert [each["path"] for each in answer["records"]] == [str(root / "runs" / "x.json")]
    assert not (root / "digests.json").exists()
    assert [path.name for path in (root / "runs").iterdir() if path.name.startswith(".")] == []
    (root / "runs" / "x.json").unlink()
    assert run(["cache", "repair", "--workspace", space]) == 0


def test_repair_leaves_other_folders_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "holiday.mp4").write_text("x")
    assert run(["cache", "repair", "--workspace", str(tmp_path)]) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.mp4"]


def test_a_damaged_record_is_named(space: str, capsys: pytest.CaptureFixture[str]) -> None:
    (Path(space) / "runs" / "99990101T000000.000000Z-x.json").write_text('{"kind": "train", "pair": "../../x"}')
    assert run(["runs", "--workspace", space]) == 0
    out, err = capsys.readouterr()
    assert "cat--fox" in out
    assert "../../x" not in out
    assert "99990101T000000.000000Z-x.json" in err


def test_prune(space: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Young entries stay, so the trial run has nothing to free."""
    assert run(["cache", "prune", "--workspace", space, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"freed_bytes": 0, "dry_run": True, "keep": 5}
    assert run(["cache", "prune", "--workspace", space]) == 0
    assert capsys.readouterr().out == "freed 0 B; what was used within the last hour stays\n"


@pytest.mark.parametrize(
    "command", [["runs"], ["cache", "ls"], ["cache", "verify"], ["cache", "repair"], ["cache", "prune"]]
)
def test_looking_creates_nothing(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--workspace", str(tmp_path / "none")]) == 0
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "command", [["runs"], ["cache", "ls"], ["cache", "verify"], ["cache", "repair"], ["cache", "prune"]]
)
def test_a_workspace_that_is_a_file(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run([*command, "--workspace", str(tmp_path / "file")]) == 5
    assert capsys.readouterr().err.count("error: ") == 1


@pytest.mark.parametrize("by", ["option", "variable"])
def test_the_size_of_the_cache_reaches_the_store(by: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if by == "variable":
        monkeypatch.setenv("RETARGET_CACHE_SIZE", "20GB")
    general = options.Working(workspace=tmp_path / "ws", cache_size="20GB" if by == "option" else None, quiet=True)
    with output.working(general) as session:
        assert session.store.cache_size == 20 * 10**9


def test_a_wrong_size_of_the_cache_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"")
    words = ["segment", str(clip), "--cache-size", "much", "--workspace", str(tmp_path / "ws")]
    assert run(words) == 2
    assert "'much' is no size of memory" in capsys.readouterr().err
