from __future__ import annotations

from pathlib import Path

import pytest

from retarget_cli.cli import options
from retarget_cli.errors import UsageError


def test_pair() -> None:
    assert options.parse_pair(None, None) is None
    assert options.parse_pair(Path("a"), Path("b")) == (Path("a"), Path("b"))
    with pytest.raises(UsageError):
        options.parse_pair(Path("a"), None)
