"""A folder of the bucket for every test."""

from __future__ import annotations

import pytest

from tests.fakes.rate_limiter import FakeRateLimiter
from tests.integration.s3_reports.bench import MONTH, Bench
from tests.servers.seaweed import Seaweed


@pytest.fixture
def bench(seaweed: Seaweed, s3_folder: str, monkeypatch: pytest.MonkeyPatch) -> Bench:
    seaweed.owner.sign_in(monkeypatch)
    bench = Bench(seaweed, s3_folder, FakeRateLimiter())
    bench.put(bench.key, MONTH)
    return bench
