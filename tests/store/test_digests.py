from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from retarget_cli.errors import InputError
from retarget_cli.store import digests
from retarget_cli.store.digests import FileDigests


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Paths whose content was read; files count as settled from the start."""
    seen: list[Path] = []
    plain = digests.hash_file

    def counted(path: Path) -> str:
        seen.append(path)
        return plain(path)

    monkeypatch.setattr(digests, "hash_file", counted)
    monkeypatch.setattr(digests, "SETTLE_NS", 0)
    return seen


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"first")
    return path


def test_digest_is_the_sha256_of_the_content(tmp_path: Path, clip: Path) -> None:
    assert FileDigests(tmp_path).digest(clip) == hashlib.sha256(b"first").hexdigest()


def test_an_unchanged_file_is_read_once(tmp_path: Path, clip: Path, reads: list[Path]) -> None:
    first = FileDigests(tmp_path)
    assert first.digest(clip) == first.digest(clip) == FileDigests(tmp_path).digest(clip)
    assert reads == [clip]


def test_a_link_shares_the_memory_of_its_target(tmp_path: Path, clip: Path, reads: list[Path]) -> None:
    link = tmp_path / "link.mp4"
    link.symlink_to(clip)
    memory = FileDigests(tmp_path)
    assert memory.digest(link) == memory.digest(clip)
    assert len(reads) == 1


def test_a_change_is_seen_even_with_size_and_time_set_back(tmp_path: Path, clip: Path, reads: list[Path]) -> None:
    memory = FileDigests(tmp_path)
    before = memory.digest(clip)
    times = clip.stat()
    clip.write_bytes(b"other")
    os.utime(clip, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert memory.digest(clip) == hashlib.sha256(b"other").hexdigest() != before
    assert len(reads) == 2


def test_a_young_file_is_not_remembered(tmp_path: Path, clip: Path, reads: list[Path], monkeypatch) -> None:
    monkeypatch.setattr(digests, "SETTLE_NS", 3_600_000_000_000)
    memory = FileDigests(tmp_path)
    memory.digest(clip)
    memory.digest(clip)
    assert len(reads) == 2
    assert not (tmp_path / "digests.json").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"a": 1}', b'[["x", [1, "nonsense"]]]', b"\xff\xfe"])
def test_a_damaged_memory_is_only_a_loss_of_time(tmp_path: Path, clip: Path, content: bytes, reads: list[Path]) -> None:
    (tmp_path / "digests.json").write_bytes(content)
    assert FileDigests(tmp_path).digest(clip) == hashlib.sha256(b"first").hexdigest()
    FileDigests(tmp_path).digest(clip)
    assert len(reads) == 1


def test_a_flipped_bit_anywhere_in_the_memory_gives_no_wrong_digest(
    tmp_path: Path, clip: Path, reads: list[Path]
) -> None:
    right = FileDigests(tmp_path).digest(clip)
    memory = tmp_path / "digests.json"
    whole = memory.read_bytes()
    for place in range(len(whole)):
        memory.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert FileDigests(tmp_path).digest(clip) == right, f"byte {place}"


def test_a_file_that_was_replaced_since_it_was_asked_for_is_noticed(tmp_path: Path, clip: Path) -> None:
    memory = FileDigests(tmp_path)
    memory.digest(clip)
    memory.check_unchanged(clip)
    os.utime(clip)
    memory.check_unchanged(clip)  # another time, the same content
    other = tmp_path / "other"
    other.write_bytes(b"other")
    other.replace(clip)
    with pytest.raises(InputError, match="changed"):
        memory.check_unchanged(clip)


def test_a_picture_that_was_replaced_in_a_folder_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "mattes"
    folder.mkdir()
    (folder / "0.png").write_bytes(b"zero")
    memory = FileDigests(tmp_path)
    memory.digest(folder / "0.png")
    memory.check_unchanged(folder)
    (folder / "0.png").write_bytes(b"one!")
    with pytest.raises(InputError, match="changed"):
        memory.check_unchanged(folder)


def test_a_memory_that_cannot_be_written_is_no_error(tmp_path: Path, clip: Path, reads: list[Path]) -> None:
    assert FileDigests(tmp_path / "nowhere").digest(clip) == hashlib.sha256(b"first").hexdigest()


def test_two_stores_keep_what_the_other_remembered(tmp_path: Path, clip: Path, reads: list[Path]) -> None:
    other = tmp_path / "b.mp4"
    other.write_bytes(b"second")
    one, two = FileDigests(tmp_path), FileDigests(tmp_path)
    one.digest(clip)
    two.digest(other)
    one.digest(other)
    FileDigests(tmp_path).digest(clip)
    FileDigests(tmp_path).digest(other)
    assert reads.count(clip) == 1


def test_the_oldest_are_forgotten_first(tmp_path: Path, reads: list[Path], monkeypatch) -> None:
    monkeypatch.setattr(digests, "_MOST", 2)
    paths = [tmp_path / name for name in ("z", "m", "a")]
    for path in paths:
        path.write_bytes(path.name.encode())
        FileDigests(tmp_path).digest(path)
    reads.clear()
    for path in (paths[2], paths[1], paths[0]):
        FileDigests(tmp_path).digest(path)
    assert reads == [paths[0]]


def test_a_folder_is_known_by_names_and_contents(tmp_path: Path, reads: list[Path]) -> None:
    folder = tmp_path / "mattes"
    (folder / "sub").mkdir(parents=True)
    (folder / "0.png").write_bytes(b"zero")
    (folder / "sub" / "1.png").write_bytes(b"one")
    memory = FileDigests(tmp_path)
    before = memory.digest(folder)
    assert FileDigests(tmp_path).digest(folder) == before
    assert len(reads) == 2
    (folder / "0.png").rename(folder / "2.png")
    renamed = memory.digest(folder)
    (folder / "2.png").write_bytes(b"two!")
    assert len({before, renamed, memory.digest(folder)}) == 3


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        FileDigests(tmp_path).digest(tmp_path / "none.mp4")
    assert "none.mp4" in str(caught.value)
    assert caught.value.fix


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, clip: Path, monkeypatch) -> None:
    def growing(path: Path) -> str:
        with path.open("ab") as file:
            file.write(b"more")
        return "0" * 64

    monkeypatch.setattr(digests, "hash_file", growing)
    with pytest.raises(InputError, match="changes"):
        FileDigests(tmp_path).digest(clip)
