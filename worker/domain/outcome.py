"""The values that cross the wire: what became of a file, and of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from worker.domain.balance import Balance
from worker.domain.errors import Failure


class RunState(StrEnum):
    """How a run stands. Only ``running`` ever changes."""

    RUNNING = "running"
    PUBLISHED = "published"
    UP_TO_DATE = "up_to_date"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NOT_DELIVERED = "not_delivered"


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one report file: converted (``failure`` is None) or failed.

    ``part`` and ``rejections`` are URIs, None when there is nothing to write; ``data_file`` is the Iceberg data file of the
    part as JSON, computed by the worker that wrote it. ``run_id`` and ``version_id`` are those of the run that converted
    it, which may be an earlier one. ``payers`` are the payer accounts seen. ``requests``, ``bytes_read`` and ``seconds``
    are what it cost this run.
    """

    digest: str
    key: str
    run_id: str
    version_id: str
    balance: Balance = field(default_factory=Balance)
    part: str | None = None
    rejections: str | None = None
    data_file: str | None = None
    payers: tuple[str, ...] = ()
    attempts: int = 1
    requests: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    failure: Failure | None = None
