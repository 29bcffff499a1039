"""What the proving ground shares with the acceptance tests, and the seed of its storms."""

from __future__ import annotations

from random import SystemRandom

import pytest

from tests.acceptance.conftest import org, remote

__all__ = ["org", "remote"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known where this folder is named on the command line, as `make chaos` does."""
    parser.addoption("--chaos-seed", type=int, help="the seed of the blows and the faults of a storm")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What decides about blows and faults; a failing test shows it."""
    chosen: int | None = request.config.getoption("--chaos-seed", default=None)
    return SystemRandom().randrange(1_000_000) if chosen is None else chosen
