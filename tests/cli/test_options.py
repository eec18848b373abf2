from __future__ import annotations

from pathlib import Path

import pytest

from retarget_cli.cli import options
from retarget_cli.errors import UsageError


def test_pair() -> None:
    assert options.Pair(None, None).chosen() == {"pair": None}
    assert options.Pair(Path("a"), Path("b")).chosen() == {"pair": (Path("a"), Path("b"))}
    with pytest.raises(UsageError):
        options.Pair(Path("a"), None).chosen()
