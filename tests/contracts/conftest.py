from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.activity_table import FakeActivityTable
from tests.fakes.lakehouse import lakehouse
from worker.ports.table import ActivityTable


@pytest.fixture(params=["fake", "iceberg"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ActivityTable]:
    if request.param == "fake":
        yield FakeActivityTable()
    else:
        with lakehouse(tmp_path) as opened:
            yield opened.table
