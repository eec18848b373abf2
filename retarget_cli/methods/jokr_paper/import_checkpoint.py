"""Reading checkpoints of the published implementation, without running what a pickle may hold."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from retarget_cli.errors import InputError
from retarget_cli.methods.base import Imported
from retarget_cli.methods.jokr.names import TEXTURE_GENERATORS
from retarget_cli.methods.jokr_paper import networks
from retarget_cli.methods.jokr_paper.config import GeometryConfig, PaperConfig, TextureConfig
from retarget_cli.weights.unpack import check_packing, is_spread

State = Mapping[str, Tensor]
_WANTED = "Give a checkpoint that the published JOKR implementation saved in its first or second stage."
_TEXTURE_A, _TEXTURE_B = TEXTURE_GENERATORS
_NETWORKS = {"KP": "extractor", "G_A": "shape", "Disc": "discriminator", "R_A": _TEXTURE_A, "R_B": _TEXTURE_B}
_SMALLEST_AREA = 1e-6  # of what T makes of a unit square; less cannot be inverted


def read(path: Path, config: PaperConfig) -> Imported:
    """The networks of a checkpoint of stage 1 (E, G, T, D) or 2 (E, G, T, R_A, R_B), and `config` with their sizes.

    Optimizer states are ignored. InputError when the file is missing or damaged, asks to run code, holds something
    else, holds networks of another build, or numbers that are none.
    """
    table = _load(path)
    absent = [name for name in ("KP", "G_A", "learned_t") if name not in table]
    if absent or ("R_A" in table) != ("R_B" in table):
        missing = absent[0] if absent else "R_A and R_B together"
        raise InputError(f"this is no checkpoint of JOKR: it has no {missing}", where=path, fix=_WANTED)
    states = {own: _state(path, name, table[name]) for name, own in _NETWORKS.items() if name in table}
    affine = None if table["learned_t"] is None else _affine(path, table["learned_t"])
    try:
        fitted = PaperConfig(_geometry(config.geometry, states, affine is not None), _texture(config.texture, states))
    except (KeyError, IndexError, ValueError) as error:
        raise InputError(f"the networks are not those of JOKR: {error} is missing", where=path, fix=_WANTED) from error
    try:
        _compare(path, fitted, states)
    except (RuntimeError, TypeError, ValueError, ArithmeticError) as error:  # of sizes that no network has
        raise InputError("the networks are not those of JOKR", where=path, fix=_WANTED) from error
    geometry: dict[str, State] = {
        name: states[name] for name in ("extractor", "shape", "discriminator") if name in states
    }
    geometry["affine"] = {"theta": torch.eye(2, 3) if affine is None else affine}
    phases: dict[str, dict[str, State]] = {"geometry": geometry}
    if _TEXTURE_A in states:
        phases["texture"] = {name: states[name] for name in TEXTURE_GENERATORS}
    return Imported(fitted, phases)


def _load(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise InputError("there is no such checkpoint", where=path, fix="Check the path.")
    try:
        check_packing(path)
        table = torch.load(path, map_location="cpu", weights_only=True)
    except InputError:
        raise
    except pickle.UnpicklingError as error:
        if "nsupported" in str(error):
            what = "the checkpoint asks to run code, which is refused"
            fix = "Load it where you trust it and save the state dicts alone again, as the published code does."
            raise InputError(what, where=path, fix=fix) from error
        raise InputError("the checkpoint is no file that torch saved, or damaged", where=path, fix=_WANTED) from error
    except Exception as error:  # whatever a broken file makes of the reader
        fix = "Copy it here again; it may have been cut short."
        raise InputError("the checkpoint is damaged", where=path, fix=fix) from error
    if not isinstance(table, Mapping):
        raise InputError("this is no checkpoint of JOKR: it holds no table", where=path, fix=_WANTED)
    return table


def _state(path: Path, name: str, state: Any) -> dict[str, Tensor]:
    """One state dict in fp32, looked at closely."""
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{name} in the checkpoint is no state dict", where=path, fix=_WANTED)
    for key, value in state.items():
        if not isinstance(key, str) or is_spread(value):
            raise InputError(f"{name} in the checkpoint is no state dict", where=path, fix=_WANTED)
        if not bool(torch.isfinite(value).all()):
            _refuse_numbers(path, f"{name}.{key}")
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def _affine(path: Path, value: Any) -> Tensor:
    if not isinstance(value, Tensor) or value.shape != (1, 2, 3) or not value.is_floating_point():
        raise InputError("learned_t in the checkpoint is no 1x2x3 tensor", where=path, fix=_WANTED)
    affine = value.detach()[0].float()
    if not bool(torch.isfinite(affine).all()) or abs(float(torch.linalg.det(affine[:, :2]))) < _SMALLEST_AREA:
        _refuse_numbers(path, "learned_t")
    return affine


def _refuse_numbers(path: Path, name: str) -> NoReturn:
    what = f"{name} in the checkpoint holds numbers that cannot be used"
    raise InputError(what, where=path, fix="The training diverged: take an earlier checkpoint.")


def _geometry(config: GeometryConfig, states: Mapping[str, State], affine: bool) -> GeometryConfig:
    """`config` with the sizes that the networks have."""
    extractor, shape = states["extractor"], states["shape"]
    first = shape["model.1.weight"]
    found: dict[str, Any] = {
        "affine": affine,
        "mirror": "none" if config.mirror == "auto" else config.mirror,  # its clips were mirrored by hand or not at all
        "keypoints": first.shape[1],
        "generator_width": first.shape[0],
        "residual_blocks": _blocks(shape),
        "strong": "predictor.model.1.weight" in extractor,
    }
    if not found["strong"]:
        down = [value.shape[0] for key, value in extractor.items() if _is(key, "encoder.down_blocks", "conv.weight")]
        up = [value.shape[0] for key, value in extractor.items() if _is(key, "decoder.up_blocks", "conv.weight")]
        found |= {"levels": len(down), "most_width": max(down), "widths": min(up)}
    if "discriminator" in states:
        found["discriminator_width"] = states["discriminator"]["classify.0.weight"].shape[0]
    return dataclasses.replace(config, **found)


def _texture(config: TextureConfig, states: Mapping[str, State]) -> TextureConfig:
    if _TEXTURE_A not in states:
        return config
    texture = states[_TEXTURE_A]
    width = texture["model.1.weight"].shape[0]
    return dataclasses.replace(config, generator_width=width, residual_blocks=_blocks(texture))


def _blocks(generator: State) -> int:
    return sum(key.endswith("conv_block.1.weight") for key in generator)


def _is(key: str, part: str, ending: str) -> bool:
    return key.startswith(f"predictor.{part}.") and key.endswith(ending)


def _compare(path: Path, config: PaperConfig, states: Mapping[str, State]) -> None:
    """InputError when the networks of `config` differ from the checkpoint's in a name or a shape."""
    with torch.device("meta"):  # names and shapes only
        built: dict[str, nn.Module] = {
            "extractor": networks.KeypointExtractor(config.geometry),
            "shape": networks.silhouette_generator(config.geometry),
            "discriminator": networks.KeypointDiscriminator(
                config.geometry.keypoints, config.geometry.discriminator_width
            ),
            **{name: networks.texture_generator(config.texture) for name in TEXTURE_GENERATORS},
        }
    for theirs, own in _NETWORKS.items():
        if own not in states:
            continue
        expected = {key: tuple(value.shape) for key, value in built[own].state_dict().items()}
        found = {key: tuple(value.shape) for key, value in states[own].items()}
        for key in sorted({*expected, *found}):
            if expected.get(key) != found.get(key):
                what = (
                    f"{theirs}.{key} in the checkpoint is {_shape(found, key)} where JOKR has {_shape(expected, key)}"
                )
                raise InputError(what, where=path, fix=_WANTED)


def _shape(shapes: Mapping[str, tuple[int, ...]], key: str) -> str:
    if key not in shapes:
        return "nothing"
    return "x".join(map(str, shapes[key])) or "a number"
