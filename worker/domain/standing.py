"""How a month of a source stands: one cell of the grid that `status` and the page show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from worker.domain.source import CARBON, CUR

WORDS = {CUR: "usage", CARBON: "emissions"}
"""What people call the two kinds of source. They describe the same usage: no total adds both."""


class Cell(StrEnum):
    """How a month of a source stands."""

    COMPLETE = "complete"
    PROVISIONAL = "provisional"
    RESTATED = "restated"
    LATE = "late"
    NOT_DELIVERED = "not_delivered"
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Standing:
    """One cell of the grid. ``period`` is None for a source that failed before any month was known, or was never ingested.

    ``version_id`` and ``rows`` (activities) are of what is published, ``seen_version_id`` is of the newest delivery that
    anybody saw, and ``looked_at`` when that was. ``run_id`` is the run that ``cell`` comes from, ``at`` when it ended;
    ``published_at`` is None when nothing is.
    ``why`` and ``next_step`` are empty only for a month that `is_plain`.
    """

    org_id: str
    source_name: str
    source: str
    period: str | None
    cell: Cell
    version_id: str = ""
    rows: int = 0
    at: datetime | None = None
    warnings: tuple[str, ...] = ()
    why: str = ""
    next_step: str = ""
    run_id: str = ""
    seen_version_id: str = ""
    looked_at: datetime | None = None
    published_at: datetime | None = None

    @property
    def kind(self) -> str:
        """``usage`` or ``emissions``."""
        return WORDS[self.source]

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to look at: published, final, without a warning."""
        return self.cell is Cell.COMPLETE and not self.warnings
