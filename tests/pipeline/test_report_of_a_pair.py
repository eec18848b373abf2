"""The report in a pair's folder, through training, rendering and scoring; in a browser where there is one."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import page
import pytest
import toy
from worlds import World, config

from retarget_cli.cli.app import run
from retarget_cli.errors import UsageError
from retarget_cli.events import Artifact, StageStarted
from retarget_cli.media.images import read_picture
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.evaluate import evaluate as evaluate_pair
from retarget_cli.pipeline.report import make_report
from retarget_cli.pipeline.settings import from_record

FOLDER = Path("retargeted/disc--bar")
REPORT = FOLDER / "report.html"
PHONE = 390  # pixels


def shown() -> tuple[page.Element, set[str]]:
    tree = page.read(REPORT.read_text(encoding="utf-8"))
    return tree, page.check_links(tree, FOLDER)


def commands(tree: page.Element) -> list[list[str]]:
    (listing,) = tree.all("pre")
    return [shlex.split(line) for line in listing.words.splitlines() if not line.startswith("#")]


def test_training_writes_it_rendering_and_scoring_add_to_it(world: World) -> None:
    assert Artifact("report", REPORT) in world.events
    tree, files = shown()
    assert {"crops.png", "disc_overlay.mp4", "bar_overlay.mp4", "training/polish-00004.png"} <= files
    assert "80×96" in tree.words  # of bar
    assert "12 frames in 1.20 s, 10 per second on average" in tree.words
    assert "not rendered since this training" in tree.words
    world.render(look="b", compare=True)
    tree, files = shown()
    assert {"bar-as-disc.mp4", "bar-as-disc-compare.mp4", "bar-as-disc-compare.png"} <= files
    assert "disc-as-bar.mp4" not in files
    assert len([found for found in tree.all("figcaption") if found.text == "p0"]) == 1
    scores = evaluate_pair(None, world.store)
    tree, _ = shown()
    (table,) = [found for found in tree.all("table") if "Scores of" in found.all("caption")[0].words]
    cells = {row.inside[0].words: [cell.words for cell in row.inside[1:3]] for row in table.all("tr")}
    assert cells["motion"] == [f"{scores[look]['motion']:.3f}" for look in "ab"]


def test_a_driver_in_other_time_is_drawn_by_frames(world: World) -> None:
    world.render(slow=2, fps=10)
    tree, files = shown()
    assert "disc-as-bar.fps10.slow2.mp4" in files
    (figure,) = [found for found in tree.all("figure") if "p0" in found.words]
    assert figure.words.endswith("23 frames")
    assert "--slow" in commands(tree)[1]


def test_a_transparent_result_is_linked_with_a_frame_of_it(world: World) -> None:
    world.render(background="alpha")
    tree, files = shown()
    assert {"disc-as-bar.mov", "disc-as-bar-still.png"} <= files
    assert "disc-as-bar.mov" not in {found.attributes["src"] for found in tree.all("video")}
    assert tree.all("img", src="disc-as-bar-still.png")
    world.render(background="black", out=FOLDER / "disc-as-bar.mkv")  # the picture there is of another result
    tree, files = shown()
    assert "disc-as-bar.mkv" in files
    assert not tree.all("img", src="disc-as-bar-still.png")


def test_a_result_of_an_earlier_training_is_not_shown_as_this_ones(world: World) -> None:
    world.render()
    assert "disc-as-bar.mp4" in shown()[1]
    world.train("polish.steps=5")
    assert (FOLDER / "disc-as-bar.mp4").exists()
    assert "disc-as-bar.mp4" not in shown()[1]
    world.render()
    assert "disc-as-bar.mp4" in shown()[1]


def test_scores_of_an_older_run_leave_it_alone(world: World) -> None:
    older = world.store.runs()[0]["id"]
    world.train("polish.steps=5")
    before = REPORT.read_bytes()
    evaluate_pair(None, world.store, run_id=older)
    assert REPORT.read_bytes() == before


def test_no_folder_is_made_for_it_alone(world: World) -> None:
    shutil.rmtree("retargeted")
    evaluate_pair(None, world.store)
    world.render(out=Path("mine.mp4"))
    assert not Path("retargeted").exists()


def test_the_command_makes_it_again_and_computes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.render(look="both")
    before = shown()[1]
    for gone in (*(FOLDER / "training").iterdir(), FOLDER / "crops.png", REPORT):
        gone.unlink()
    events: list[object] = []
    assert make_report((world.a.path, world.b.path), world.store, events.append) == REPORT
    assert not [event for event in events if isinstance(event, StageStarted)]
    assert shown()[1] == before
    for clip in (world.a.path, world.b.path):
        clip.unlink()  # what was made of them can still be told
    capsys.readouterr()
    assert run(["report", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(REPORT)}


def test_what_was_pruned_is_left_out(world: World) -> None:
    world.render()
    for stage in ("transfer", "polish", "ingest", "curves"):
        shutil.rmtree(world.store.root / stage)
    make_report(None, world.store)
    tree, files = shown()
    assert not [found for found in tree.all("figcaption") if found.text.startswith("point")]
    assert "disc-as-bar.mp4" in files


def test_nothing_to_report_on(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was trained"):
        make_report(None, World(tmp_path, ClipInput(tmp_path), ClipInput(tmp_path)).store)


def test_its_commands_lead_to_the_same_run(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.train("polish.steps=5", "colour.rate=0.25", seed=3)
    world.render(look="b", background="#102030", affine=(1.0, 0.0, 0.25, 0.0, 1.0, 0.0))
    newest = world.store.runs()[0]
    train, _, back, evaluate, report = commands(shown()[0])
    assert train[:4] == ["retarget", "train", "disc.mp4", "bar.mp4"]
    assert "--seed" in train
    capsys.readouterr()
    for command in (train, back, evaluate, report):
        assert run([*command[1:], "--quiet", "--json"]) == 0, command
        answer = json.loads(capsys.readouterr().out)
        if command is train:
            assert answer["run"] == newest["id"]
        if command is back:
            assert re.search(r"bar-as-disc\.affine-\w+\.on-102030\.mp4$", answer["videos"][0])
    drawn = world.store.find("transfer", newest["results"]["transfer:bar-as-disc"]["key"])
    assert drawn is not None
    assert drawn.receipt["params"]["affine"] == [1, 0, 0.25, 0, 1, 0]
    assert {"--affine", "1,0,0.25,0,1,0", "--background", "#102030"} <= set(back)


def test_settings_that_differ_from_the_preset_stand_out(world: World) -> None:
    world.train("polish.steps=5")
    (table,) = [found for found in shown()[0].all("table") if "Preset draft" in found.all("caption")[0].words]
    rows = {row.inside[0].words: [cell.words for cell in row.inside[1:]] for row in table.all("tr")[1:]}
    assert rows["polish.steps"] == ["5", "changed"]
    assert rows["colour.steps"] == ["6", ""]
    assert from_record(world.store.runs()[0]["config"]) == config("polish.steps=5")


def test_names_of_clips_may_be_odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ('<b>füchs & "co" #1%41?', "雪 'x';`y`")
    a, b = (ClipInput(*toy.draw_clip(tmp_path, name, kind, 8)) for name, kind in zip(names, toy.COLOURS, strict=True))
    odd = World(tmp_path, a, b)
    folder = odd.train().folder
    odd.render(look="both", compare=True)
    tree = page.read((folder / "report.html").read_text(encoding="utf-8"))
    assert len(page.check_links(tree, folder)) > 8
    assert f"{names[0]}.mp4" in tree.words
    assert commands(tree)[0][2:4] == [f"{name}.mp4" for name in names]


BROWSERS = (
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)

# Tells again and again how the page comes out; the browser's clock stands while files are read.
PROBE = """<script>
const pictures = [...document.images];
pictures.forEach(one => one.loading = "eager");
setInterval(() => document.body.setAttribute("data-found", JSON.stringify({
  beyond: document.documentElement.scrollWidth - innerWidth,
  pictures: pictures.length, broken: pictures.filter(one => !one.naturalWidth).length,
  videos: document.querySelectorAll("video").length,
  pointless: [...document.querySelectorAll("svg polyline")].filter(one => !one.getTotalLength()).length})), 100)
</script>"""


@pytest.fixture
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"none of these browsers is here: {', '.join(BROWSERS)}")
    return found


def browse(browser: str, file: Path, width: int, *more: str) -> subprocess.CompletedProcess[str]:
    words = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--hide-scrollbars"]
    words += [f"--window-size={width},1600", "--virtual-time-budget=10000", *more, file.absolute().as_uri()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not said
    return done


def test_a_browser_shows_all_of_it(world: World, browser: str) -> None:
    world.render(look="both", compare=True)
    evaluate_pair(None, world.store)
    picture = world.folder / "shot.png"
    browse(browser, REPORT, 1200, f"--screenshot={picture}")
    seen = read_picture(picture)
    assert seen.shape == (1600, 1200, 3)
    assert len({tuple(pixel) for pixel in seen[::8, ::8].reshape(-1, 3)}) > 50  # not an empty page
    probe = FOLDER / "probe.html"
    probe.write_text(REPORT.read_text(encoding="utf-8").replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    for width in (1200, PHONE):
        dom = browse(browser, probe, width, "--dump-dom").stdout
        told = re.search(r'data-found="([^"]*)"', dom)
        assert told, dom[-500:]
        found = json.loads(told[1].replace("&quot;", '"'))
        assert found["beyond"] <= 0  # no scrolling to the side
        assert (found["broken"], found["pointless"]) == (0, 0)
        assert (found["pictures"] > 5, found["videos"]) == (True, 6)
