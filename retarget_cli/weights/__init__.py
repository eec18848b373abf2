"""The base, and networks that other people trained: where they are, and how to fetch, check and read them safely."""

from retarget_cli.weights.load import read_tensors
from retarget_cli.weights.manifest import find_weights

__all__ = ["find_weights", "read_tensors"]
