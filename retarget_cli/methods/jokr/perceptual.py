"""The perceptual term of painters: LPIPS, or differences of structure where its weights are missing."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.nn.perceptual import edge_differences, lpips_vgg
from retarget_cli.weights import find_weights, read_tensors

Term = Callable[[Tensor, Tensor], Tensor]
STAND_IN = "painters learn by differences of structure instead of LPIPS"
_FETCH = "Run `retarget weights pull vgg16` and `pip install 'retarget[lpips]'`"


def perceptual_term(kind: str, device: str) -> Term:
    """A function of two pictures (B, 3, S, S) in [-1, 1] that says, as a 0-d tensor, how unlike they look.

    kind: ``lpips`` or ``structure``. EnvironmentProblem when LPIPS lacks its weights or its package.
    """
    if kind == "structure":
        return lambda drawn, truth: edge_differences(drawn - truth)
    path = find_weights("vgg16")
    if path is None:
        raise EnvironmentProblem(
            "LPIPS needs the weights of VGG-16, which are not here",
            where="texture.perceptual",
            fix=f"{_FETCH}, or use --set texture.perceptual=structure.",
        )
    network = lpips_vgg(read_tensors(path)).to(device)
    return lambda drawn, truth: network(drawn, truth).mean()


def notice(kind: str) -> str:
    """What to tell the user about the term."""
    if kind == "lpips":
        return "the perceptual term of the painters is LPIPS (VGG-16)"
    return f"{STAND_IN}. {_FETCH} for that."
