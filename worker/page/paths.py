"""Where each page is, below wherever the pages are served or written."""

from __future__ import annotations

from worker.domain.plan import Slot
from worker.domain.standing import Standing
from worker.page.facts import Dimension

GRID = "index.html"
RUNS = "runs/index.html"


def run_path(run_id: str) -> str:
    """A run's page."""
    return f"runs/{run_id}.html"


def month_path(slot: Slot) -> str:
    """A month's page."""
    return _month_path(slot.org_id, slot.source_name, slot.source, str(slot.period))


def standing_path(standing: Standing) -> str:
    """The page of a cell's month."""
    return _month_path(standing.org_id, standing.source_name, standing.source, str(standing.period))


def figures_path(org_id: str, dimension: Dimension) -> str:
    """An org's usage by one dimension, and its emissions beside it."""
    return f"figures/{org_id}/{dimension}.html"


def _month_path(org_id: str, source_name: str, source: str, period: str) -> str:
    return f"months/{org_id}/{source_name}/{source}/{period}.html"
