from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from known_sam import SIZE, Scene, Thing, draw, scores_of

from retarget_cli.errors import EnvironmentProblem, InputError
from retarget_cli.segmentation import sam2
from retarget_cli.segmentation.backends import make_segmenter
from retarget_cli.segmentation.base import Hint, MatteReport
from retarget_cli.segmentation.sam2 import Sam2, Session, config_name, load_predictor
from retarget_cli.segmentation.still import Sam2Still

COUNT = 16
INSTALLED = importlib.util.find_spec("sam2") is not None


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A block that goes right and is not there on the last three frames."""
    return draw(COUNT, Thing(lambda frame: (6 + 4 * frame, 20) if frame < 13 else None))


class Fake:
    """A video predictor with the API of sam2's, that knows the masks of a scene."""

    image_size = 64

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.prompts: list[tuple[int, dict[str, Any]]] = []
        self.images: list[torch.Tensor] = []
        self.looked_at = 0
        self.most_remembered = 0

    def init_state(self, video_path: str, offload_video_to_cpu: bool = False) -> dict[str, Any]:
        (picture,) = Path(video_path).glob("*.jpg")
        assert cv2.imread(str(picture)) is not None
        outputs: dict[str, dict[int, Any]] = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
        return {"images": [None], "num_frames": 1, "output_dict_per_obj": {0: outputs}, "cached_features": {0: 1}}

    def add_new_points_or_box(
        self,
        state: dict[str, Any],
        frame_idx: int,
        obj_id: int,
        points: Any = None,
        labels: Any = None,
        box: Any = None,
    ) -> tuple[int, list[int], torch.Tensor]:
        self.prompts.append((frame_idx, {"points": points, "labels": labels, "box": box}))
        self._put(state, "cond_frame_outputs", frame_idx)
        if frame_idx not in state["cached_features"]:
            self.looked_at += 1
            state["cached_features"] = {frame_idx: state["images"][frame_idx]}
        return frame_idx, [1], (torch.from_numpy(self.scene.masks[0][frame_idx]).float() * 16 - 8)[None, None]

    def reset_state(self, state: dict[str, Any]) -> None:
        self.prompts.clear()
        state["output_dict_per_obj"] = {0: {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}}

    def add_new_mask(self, state: dict[str, Any], frame_idx: int, obj_id: int, mask: np.ndarray) -> None:
        self.prompts.append((frame_idx, {"mask": mask}))
        self._put(state, "cond_frame_outputs", frame_idx)

    def propagate_in_video(
        self, state: dict[str, Any], start_frame_idx: int, reverse: bool = False
    ) -> Iterator[tuple[int, list[int], torch.Tensor]]:
        state["cached_features"].clear()
        order = range(start_frame_idx, -1, -1) if reverse else range(start_frame_idx, state["num_frames"])
        for frame in order if not reverse or start_frame_idx else ():
            outputs = state["output_dict_per_obj"][0]
            if frame not in outputs["cond_frame_outputs"]:
                self._put(state, "non_cond_frame_outputs", frame)
            self.images.append(state["images"][frame])
            self.most_remembered = max(self.most_remembered, len(outputs["non_cond_frame_outputs"]))
            mask = torch.from_numpy(self.scene.masks[0][frame]).float()
            assert mask.shape == (state["video_height"], state["video_width"])
            yield frame, [1], (mask * 16 - 8)[None, None]

    def _put(self, state: dict[str, Any], kind: str, frame: int) -> None:
        score = 6.0 if self.scene.masks[0][frame].any() else -6.0
        state["output_dict_per_obj"][0][kind][frame] = {"object_score_logits": torch.full((1, 1), score)}


def segment(predictor: Any, scene: Scene, *hints: Hint) -> tuple[list[np.ndarray], MatteReport, list[tuple[int, int]]]:
    mattes: list[np.ndarray] = []
    steps: list[tuple[int, int]] = []
    report = Sam2(None, "cpu", predictor).segment(scene.clip, hints, mattes.append, lambda *step: steps.append(step))
    return mattes, report, steps


def test_a_hint_goes_both_ways(scene: Scene) -> None:
    fake = Fake(scene)
    mattes, report, steps = segment(
        fake, scene, Hint(5, (26.0, 20.0, 18.0, 18.0), ((30.0, 25.0, True), (1.0, 2.0, False)))
    )
    assert scores_of(mattes, scene.masks[0]).min() > 0.99
    assert all(matte.shape == SIZE[::-1] and set(np.unique(matte)) <= {0, 255} for matte in mattes)
    ((frame, prompt),) = fake.prompts
    assert frame == 5
    assert prompt["box"].tolist() == [26, 20, 44, 38]
    assert prompt["points"].tolist() == [[30, 25], [1, 2]]
    assert prompt["labels"].tolist() == [1, 0]
    assert min(report.frame_confidence[:13]) > 0.9
    assert set(report.frame_confidence[13:]) == {0.0}
    assert "--box 14:" in report.notices[0]
    assert report.backend == "sam2"
    assert steps[:COUNT] == [(done, COUNT) for done in range(1, COUNT + 1)]


def test_every_frame_is_shown_as_the_network_was_trained(scene: Scene) -> None:
    fake = Fake(scene)
    segment(fake, scene, Hint(0, (6.0, 20.0, 18.0, 18.0)))
    frame = cv2.resize(scene.clip.frames[3], (64, 64), interpolation=cv2.INTER_AREA)
    expected = (frame / 255.0 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert fake.images[3].dtype == torch.float32
    np.testing.assert_allclose(fake.images[3].numpy(), expected.transpose(2, 0, 1), atol=1e-5)


def test_several_hints_and_lone_points_beside_the_object(scene: Scene) -> None:
    fake = Fake(scene)
    hints = [
        Hint(9, None, ((45.0, 25.0, True),)),
        Hint(2, (14.0, 20.0, 18.0, 18.0)),
        Hint(4, None, ((1.0, 1.0, False),)),
    ]
    _, report, _ = segment(fake, scene, *hints)
    assert [frame for frame, _ in fake.prompts] == [2, 9]
    assert any("frame 4 were not used" in notice for notice in report.notices)


def test_without_a_hint_the_embedded_guess_is_shown() -> None:
    scene = draw(COUNT, Thing(lambda frame: (6 + 4 * frame, 20)))
    fake = Fake(scene)
    mattes, _, steps = segment(fake, scene)
    ((frame, prompt),) = fake.prompts
    assert prompt["mask"].shape == SIZE[::-1]
    assert scores_of([prompt["mask"]], scene.masks[0][frame : frame + 1])[0] > 0.7
    assert scores_of(mattes, scene.masks[0]).min() > 0.99
    assert steps == sorted(steps)


def test_only_what_the_network_looks_back_at_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sam2, "REMEMBERED", 4)
    scene = draw(60, Thing(lambda frame: (6 + frame, 20)))
    fake = Fake(scene)
    segment(fake, scene, Hint(30, scene.box(0, 30)))
    assert fake.most_remembered <= 10


def test_a_picture_is_seen_once_and_each_answer_is_to_the_hint_alone(scene: Scene) -> None:
    fake, first = Fake(scene), ((15.0, 25.0, True),)
    still = Sam2Still(fake, scene.clip, "cpu")
    for points in (first, (*first, (1.0, 2.0, False)), first):
        found = still.found(Hint(0, None, points), None)
        assert found is not None
        assert ((found > 0) == scene.masks[0][0]).all()
        ((_, prompt),) = fake.prompts
        assert len(prompt["points"]) == len(points)
    assert fake.looked_at == 1
    assert still.found(Hint(0, None, ((1.0, 2.0, False),)), None) is None


def test_nothing_seen_is_an_input_error(scene: Scene) -> None:
    empty = Scene(scene.clip, [np.zeros_like(scene.masks[0])])
    with pytest.raises(InputError, match="saw nothing at the hints"):
        segment(Fake(empty), empty, Hint(0, (6.0, 20.0, 18.0, 18.0)))


def run(scene: Scene, weights: Path | None) -> EnvironmentProblem:
    with pytest.raises(EnvironmentProblem) as caught:
        make_segmenter("sam2", weights=weights).segment(scene.clip, (), lambda matte: None, lambda *step: None)
    return caught.value


def test_without_weights_it_says_so(scene: Scene) -> None:
    assert "--weights FILE" in run(scene, None).fix


@pytest.mark.skipif(INSTALLED, reason="the package sam2 is installed")
def test_without_the_package_it_says_what_to_install(scene: Scene, tmp_path: Path) -> None:
    assert "pip install 'retarget[sam2]'" in run(scene, tmp_path / "any.pt").fix


@pytest.mark.parametrize(
    ("width", "blocks", "newer", "name"),
    [
        (96, 12, True, "configs/sam2.1/sam2.1_hiera_t.yaml"),
        (96, 16, False, "configs/sam2/sam2_hiera_s.yaml"),
        (112, 24, True, "configs/sam2.1/sam2.1_hiera_b+.yaml"),
        (144, 48, False, "configs/sam2/sam2_hiera_l.yaml"),
    ],
)
def test_the_sizes_are_read_from_the_file(width: int, blocks: int, newer: bool, name: str) -> None:
    state = {"image_encoder.trunk.patch_embed.proj.weight": torch.zeros(width, 3, 7, 7)}
    state |= {f"image_encoder.trunk.blocks.{block}.norm1.weight": torch.zeros(1) for block in range(blocks)}
    if newer:
        state["no_obj_embed_spatial"] = torch.zeros(1)
    assert config_name(state) == name


@pytest.mark.skipif(not INSTALLED, reason="needs the package sam2: pip install 'retarget[sam2]'")
class TestTruePackage:
    def predictor(self, size: str = "sam2.1/sam2.1_hiera_t", side: int = 256) -> Any:
        """The smallest published architecture with random weights, on small images."""
        from sam2.build_sam import build_sam2_video_predictor

        torch.manual_seed(0)
        overrides = [f"++model.image_size={side}"]
        return build_sam2_video_predictor(f"configs/{size}.yaml", None, "cpu", hydra_overrides_extra=overrides)

    def seeing(self, side: int) -> Any:
        """One that is sure of an object on every frame, as random weights are not."""
        predictor = self.predictor(side=side)
        with torch.no_grad():
            predictor.sam_mask_decoder.pred_obj_score_head.layers[-1].bias += 5
        predictor.fill_hole_area = 0
        return predictor

    @pytest.mark.parametrize("hinted", [True, False], ids=["a hint", "no hint"])
    def test_a_clip_through_the_true_architecture(self, hinted: bool) -> None:
        short = draw(6, Thing(lambda frame: (6 + 4 * frame, 20)))
        hints = [Hint(2, short.box(0, 2), ((20.0, 25.0, True),)), Hint(4, short.box(0, 4))] if hinted else []
        mattes, report, steps = segment(self.seeing(256), short, *hints)
        assert [matte.shape for matte in mattes] == [SIZE[::-1]] * 6
        assert len(report.frame_confidence) == 6
        assert all(0 <= value <= 1 for value in report.frame_confidence)
        assert steps[-1] == (6, 6)

    def test_masks_are_those_of_the_package_with_the_whole_clip_in_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sam2, "REMEMBERED", 16)
        long = draw(24, Thing(lambda frame: (2 + 3 * frame, 20)))
        predictor = self.seeing(128)
        session = Session(predictor, long.clip)
        for frame in range(24):
            cv2.imwrite(str(tmp_path / f"{frame}.jpg"), long.clip.frames[frame])
        state = predictor.init_state(str(tmp_path))
        state["images"] = torch.stack([session.images[frame] for frame in range(24)])
        state["cached_features"] = {}
        hint = Hint(20, long.box(0, 20))
        x, y, w, h = long.box(0, 20)
        session.add_hint(hint)
        predictor.add_new_points_or_box(state, 20, 1, box=[x, y, x + w, y + h])
        found = {frame: logits for frame, logits, _ in session.masks(20)}
        assert len(found) == 24
        for reverse in (False, True):
            for frame, _, logits in predictor.propagate_in_video(state, start_frame_idx=20, reverse=reverse):
                np.testing.assert_allclose(found[frame], logits[0, 0].numpy(), atol=1e-4)

    @pytest.mark.parametrize("size", ["sam2.1/sam2.1_hiera_t", "sam2/sam2_hiera_t"])
    def test_a_checkpoint_is_read_without_its_code(self, size: str, tmp_path: Path) -> None:
        state = self.predictor(size, 1024).state_dict()
        torch.save({"model": state}, tmp_path / "one.pt")
        loaded = load_predictor(tmp_path / "one.pt", "cpu")
        assert loaded.image_size == 1024
        assert all(torch.equal(value, state[name]) for name, value in loaded.state_dict().items())

    @pytest.mark.parametrize("content", [b"", b"nothing"])
    def test_another_file_is_named_with_what_to_do(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / "wrong.pt"
        path.write_bytes(content)
        with pytest.raises(EnvironmentProblem) as caught:
            load_predictor(path, "cpu")
        assert "wrong.pt" in str(caught.value)
        assert "--weights" in caught.value.fix
