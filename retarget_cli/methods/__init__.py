"""The motion methods by name. Each entry imports its method only when it is called, so that listing them is free."""

from __future__ import annotations

from collections.abc import Callable

from retarget_cli.errors import UsageError
from retarget_cli.methods.base import MotionMethod


def _jokr() -> MotionMethod:
    from retarget_cli.methods.jokr.method import Jokr

    return Jokr()


METHODS: dict[str, Callable[[], MotionMethod]] = {"jokr": _jokr}


def get_method(name: str) -> MotionMethod:
    """Return the method called `name`; UsageError when there is none."""
    if name not in METHODS:
        raise UsageError(f"there is no method '{name}'", fix=f"Choose one of: {', '.join(sorted(METHODS))}.")
    return METHODS[name]()
