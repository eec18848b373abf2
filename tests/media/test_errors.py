from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from make_clips import make_clip, make_sound

from retarget_cli.errors import EnvironmentProblem, MediaError, RetargetError
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.errors import writing
from retarget_cli.media.probe import probe
from retarget_cli.media.timing import Timing


def _text(path: Path) -> None:
    path.write_text("this is not a video\n" * 100)


def _playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://localhost/a.ts\n#EXT-X-ENDLIST\n")


def _without_index(path: Path) -> None:
    make_clip(path)
    path.write_bytes(path.read_bytes()[:-900])


def _sound_only(path: Path) -> None:
    make_sound(path.with_suffix(".m4a")).rename(path)


def _cover_art(path: Path) -> None:
    """An MP3 file whose tag holds a picture (ID3v2.3, frame APIC)."""
    sound = make_sound(path.with_suffix(".mp3"), "libmp3lame").read_bytes()
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 16, 16, "rgb24", Fraction(1)
    picture = b"".join(bytes(p) for f in (av.VideoFrame(16, 16, "rgb24"), None) for p in encoder.encode(f))
    body = b"\0image/png\0\3\0" + picture
    frame = b"APIC" + len(body).to_bytes(4, "big") + b"\0\0" + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    start = sound.index(b"\xff\xfb") if b"\xff\xfb" in sound else 0
    path.write_bytes(b"ID3\3\0\0" + size + frame + sound[start:])


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "no such file"),
    "folder": (lambda path: path.mkdir(), "folder"),
    "empty": (lambda path: path.touch(), "empty"),
    "text": (_text, "not a video"),
    "playlist": (_playlist, "not a video"),
    "no index": (_without_index, "before its index"),
    "sound only": (_sound_only, "no picture"),
    "cover art": (_cover_art, "no picture"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_file_is_one_clear_error(tmp_path: Path, name: str):
    path = tmp_path / "clip.mp4"
    make, words = BROKEN[name]
    make(path)
    for use in (probe, scan, lambda p: next(read_frames(p))):
        with pytest.raises(MediaError, match=words) as caught:
            use(path)
        assert caught.value.where == str(path)
        assert caught.value.fix.endswith(".")
        assert caught.value.exit_code == 3


def test_a_file_without_the_right_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = make_clip(tmp_path / "a.mp4")

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MediaError, match="may not be read"):
        probe(path)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.ENOSPC, EnvironmentProblem, "no room"),
        (errno.EROFS, EnvironmentProblem, "may not be written"),
        (errno.EIO, EnvironmentProblem, "disk fails"),
    ],
)
def test_failures_to_write_have_their_kind(tmp_path: Path, code: int, kind: type[RetargetError], words: str):
    with pytest.raises(kind, match=words), writing(tmp_path / "a.mp4"):
        raise OSError(code, "reason")


def test_a_folder_that_refuses_files(tmp_path: Path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder = tmp_path / "sealed"
    folder.mkdir(mode=0o500)
    with (
        pytest.raises(EnvironmentProblem, match="may not be written"),
        VideoWriter(folder / "a.mp4", (16, 16), Timing.constant(2, 25)),
    ):
        pass


def test_nothing_of_ffmpegs_own_talk_reaches_the_terminal(tmp_path: Path):
    path = make_clip(tmp_path / "a.mp4", container={"movflags": "+faststart"})
    path.write_bytes(path.read_bytes()[:-300])
    code = (
        "import sys; from pathlib import Path\n"
        "from retarget_cli.media.decode import scan\n"
        "try: scan(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "MediaError\n"
    assert done.stderr == ""
