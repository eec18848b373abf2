"""What becomes of errors: the message, the exit code, the JSON document, the log."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from retarget_cli.cli import failures
from retarget_cli.cli.app import run
from retarget_cli.errors import EnvironmentProblem, InputError, Interrupted, MediaError, UsageError, WorkspaceError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("what", fix="fix"), 2),
        (InputError("what", where=Path("x.mp4"), fix="fix"), 3),
        (MediaError("what", fix="fix"), 3),
        (EnvironmentProblem("what", fix="fix"), 4),
        (WorkspaceError("what", fix="fix"), 5),
        (Interrupted("what", fix="fix"), 130),
        (Interrupted("what", fix="fix", signal=15), 143),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 4),
        (OSError(errno.ENOSPC, "No space left on device", "file"), 4),
        (PermissionError(errno.EACCES, "Permission denied", "file"), 4),
        (ModuleNotFoundError("No module named 'torch'", name="torch.nn"), 4),
        (ModuleNotFoundError("No module named 'retarget_cli.x'", name="retarget_cli.x"), 1),
        (RecursionError("maximum recursion depth exceeded"), 3),
        (OverflowError("int too large to convert to float"), 3),
        (UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"), 3),
        (OSError(errno.ENAMETOOLONG, "File name too long", "a" * 5000), 3),
        (OSError(errno.ELOOP, "Too many levels of symbolic links", "file"), 3),
        (OSError(errno.EIO, "Input/output error", "file"), 4),
        (OSError(errno.ESTALE, "Stale file handle"), 4),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 7 bytes"), 4),
    ],
)
def test_exit_codes(error: BaseException, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert failures.report(error, as_json=True, log_folder=tmp_path) == code
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["exit_code"] == code
    assert err.startswith("error: ")
    assert "\n  fix: " in err
    puzzling = isinstance(error, (RecursionError, OverflowError, UnicodeError))
    assert bool(list(tmp_path.iterdir())) == (code == failures.BUG or puzzling)
    assert len(err) < 1000


def test_what_only_python_noticed_is_logged_from_within_a_command_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OverflowError("int too large to convert to float")

    monkeypatch.setattr("retarget_cli.pipeline.segment.segment", fail)
    assert run(["segment", "a.mp4", "--workspace", str(tmp_path / "ws")]) == 3
    (log,) = (tmp_path / "ws" / "logs").iterdir()
    assert str(log) in capsys.readouterr().err
    assert "OverflowError" in log.read_text()


def test_gpu_memory_is_told_by_name(tmp_path: Path) -> None:
    class OutOfMemoryError(RuntimeError):
        pass

    assert failures.report(OutOfMemoryError("CUDA out of memory"), as_json=False, log_folder=tmp_path) == 4


def test_the_message_has_what_where_and_fix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failures.report(InputError("it is empty", where="a.mp4", fix="Give another."), as_json=False, log_folder=tmp_path)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "error: it is empty (a.mp4)\n  fix: Give another.\n")


def test_no_part_of_a_message_steers_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nasty = "a\x1b]0;b\x07\u202e\udcff\x9b"
    failures.report(InputError(nasty, where=nasty, fix=nasty), as_json=False, log_folder=tmp_path)
    assert capsys.readouterr().err.count("a\\x1b]0;b\\x07\\u202e\\xff\\x9b") == 3
    log = failures.write_log(ValueError(nasty), tmp_path)
    assert not set(nasty) - set("a]0;b") & set(log.read_text(encoding="utf-8"))


def test_a_bug_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("seven is not eight\nmore")
    except ValueError as error:
        assert failures.report(error, as_json=True, log_folder=tmp_path / "logs") == failures.BUG
    out, err = capsys.readouterr()
    (log,) = (tmp_path / "logs").iterdir()
    assert str(log) in err
    assert str(log) in json.loads(out)["error"]["fix"]
    assert "Traceback" not in err
    assert "seven is not eight" in err
    assert "Traceback" in log.read_text()


def test_the_log_goes_elsewhere_when_the_workspace_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    log = failures.write_log(ValueError("x"), tmp_path / "file" / "logs")
    assert log.parent == tmp_path / "temp"
