from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for scratch files; every conversion cleans up after itself."""
    return tmp_path_factory.mktemp("conversion")
