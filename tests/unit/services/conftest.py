from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.world import FakeWorld


@pytest.fixture
def fake(tmp_path: Path) -> FakeWorld:
    spool = tmp_path / "spool"
    spool.mkdir()
    return FakeWorld(spool)
