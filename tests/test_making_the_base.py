"""The road on which the base is made, walked with a few steps and clips: every part is trained, kept and packed."""

import numpy as np
import pytest
import torch

from experiments.base.__main__ import PARTS, main
from experiments.base.extractor import extractor_of_all_kinds, found_points
from experiments.base.tracks import mirrored_order
from retarget_cli.methods.jokr.aligner import mover
from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.networks import shape_networks
from retarget_cli.methods.jokr.pretrained import aligner_of, fill_shape_networks, read_base
from retarget_cli.samples.bodies.clips import KINDS, random_clip, random_pair
from retarget_cli.training.checkpoint import load_modules


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    main([str(folder), "--short", "0.0002", "--threads", "1"])
    return folder


def test_the_file_holds_networks_for_every_kind(made):
    base = read_base(made / "base.safetensors")
    assert set(base.kinds) == set(KINDS)
    parts = {name.partition(".")[0] for name in base.tensors}
    assert parts == {"extractor", "heads", "shape", "shape_stems", "kinds", "aligner"}
    for kind in KINDS:
        assert base.kinds[kind] == random_pair(kind, 0).a.body.names
        fill_shape_networks(base, kind, *shape_networks(JokrConfig().geometry))
        assert aligner_of(base, kind) is not None


def test_the_extractor_of_a_kind_finds_what_that_of_all_kinds_finds(made):
    everything = extractor_of_all_kinds()
    load_modules({"extractor": everything}, made / "extractor")
    mattes = random_clip("bird", 0, 4).mattes
    frames = torch.zeros(4, 4, 64, 64)
    frames[:, 3] = torch.from_numpy(mattes) / 255
    number = list(KINDS).index("bird")
    wanted = found_points(everything, frames, torch.full((4,), number))
    extractor, shape = shape_networks(JokrConfig().geometry)
    fill_shape_networks(read_base(made / "base.safetensors"), "bird", extractor, shape)
    assert torch.allclose(extractor(frames)[0], wanted, atol=0.02)  # half precision lies between


def test_what_is_trained_is_not_trained_again_and_the_file_comes_out_the_same(made):
    before = (made / "base.safetensors").read_bytes()
    times = {part: (made / part / "fit.json").stat().st_mtime_ns for part in PARTS}
    (made / "base.safetensors").unlink()
    main([str(made), "--short", "0.0002", "--threads", "1"])
    assert (made / "base.safetensors").read_bytes() == before
    assert times == {part: (made / part / "fit.json").stat().st_mtime_ns for part in PARTS}


def test_a_part_that_is_made_again_from_its_seed_is_the_same(made):
    before = (made / "kinds" / "state.safetensors").read_bytes()
    for file in (made / "kinds").iterdir():
        file.unlink()
    main([str(made), "--short", "0.0002", "--threads", "1", "--only", "kinds"])
    assert (made / "kinds" / "state.safetensors").read_bytes() == before


def test_an_aligner_moves_poses_one_by_one(made):
    network = aligner_of(read_base(made / "base.safetensors"), "biped")
    subject, driver = (np.random.default_rng(i).uniform(-1, 1, (9, 14, 2)).astype(np.float32) for i in range(2))
    move = mover(network, subject, driver)
    whole = move(driver)
    assert whole.shape == (9, 14, 2)
    assert np.allclose(move(driver[3:5]), whole[3:5], atol=1e-5)


def test_in_a_mirror_the_limbs_of_a_pair_change_places_and_nothing_else_does():
    names = random_pair("quadruped", 0).a.body.names
    mirrored = [names[i] for i in mirrored_order("quadruped")]
    assert mirrored[names.index("nose")] == "nose"
    assert mirrored[names.index("fore_foot_1")] == "fore_foot_2"
    assert sorted(mirrored) == sorted(names)
