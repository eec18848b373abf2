from __future__ import annotations

from pathlib import Path

from retarget_cli.pipeline.looking.offered import clips_in


def test_videos_and_folders_of_pictures_are_offered_and_results_are_not(tmp_path: Path) -> None:
    for name in ("cat.mp4", "notes.txt", ".hidden.mp4", "deep/fox.MOV", "retargeted/x/y.mp4", "1/2/3/4/far.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / "shots").mkdir()
    for number in range(3):
        (tmp_path / "shots" / f"{number}.png").touch()
    found = {each["path"]: (each["kind"], each["size"]) for each in clips_in(tmp_path)}
    assert found == {"cat.mp4": ("video", 5), "deep/fox.MOV": ("video", 5), "shots": ("pictures", 3)}
