"""Runs in flight: what each planned, who works on it, and what was lost on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from worker.domain.outcome import FileOutcome, RunState
    from worker.domain.plan import FileJob, RunPlan
    from worker.domain.report import RunReport
    from worker.domain.trigger import Trigger


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is. ``total`` files are to be ingested; ``rows`` and ``bytes_read`` are of the ``done`` ones.

    ``requests`` are all that the run made to AWS, its planning included; ``seconds`` since it was opened, by the server's clock.
    """

    run_id: str
    state: RunState
    total: int
    done: int
    failed: int
    rows: int
    bytes_read: int
    requests: int = 0
    seconds: float = 0.0


class RunLedger(Protocol):
    """The truth about runs in flight. Each call is one atomic step; doing one twice changes nothing."""

    def open(self, plan: RunPlan, trigger_id: str) -> tuple[str, bool]:
        """The id of the running run of this plan, opened now (True) or found running (False)."""

    def plan(self, run_id: str) -> RunPlan: ...

    def outcomes(self, run_id: str) -> Mapping[str, FileOutcome]:
        """By digest."""

    def progress(self, run_id: str) -> RunProgress: ...

    def spend(self, run_id: str, requests: int) -> None:
        """Count AWS requests that no file made."""

    def cancel(self, run_id: str) -> bool:
        """Ask the run to end: nothing is claimed any more, and who works on it stops. False if it had ended already."""

    def is_cancelled(self, run_id: str) -> bool:
        """Whether the run was asked to end before its time."""

    def close(self, run_id: str, report: RunReport, again: Trigger | None = None) -> bool:
        """End the run with this report, and open in the same step what goes on from it; False if it had ended already."""

    def report(self, run_id: str) -> RunReport | None:
        """The report it was closed with."""

    def recent(self, limit: int) -> tuple[str, ...]:
        """Ids of the runs of the last 30 days, newest first."""

    def digests_in_use(self, closed_within_seconds: float) -> frozenset[str]:
        """Every file of every run that is running, or was closed no longer ago than this."""


class FileLeases(Protocol):
    """Who works on which file. A lease is renewed while the worker lives."""

    def lose(self, run_id: str, digest: str) -> int:
        """A worker was seen to die over the file; the third time is its outcome. Returns how often by now."""

    def claim(self, run_id: str, digest: str, token: str) -> FileJob | None:
        """The job, now leased to ``token``; None when its outcome is known or its run has ended."""

    def renew(self, run_id: str, digest: str, token: str) -> bool:
        """False when the run has ended or been cancelled: stop working."""

    def holds(self, run_id: str, digest: str, token: str) -> bool:
        """Whether a renewal would be granted. It only reads, so it may be asked more often."""

    def give_back(self, run_id: str, digest: str, token: str) -> None:
        """The worker stops and did not lose the file."""

    def record(self, run_id: str, outcome: FileOutcome) -> bool:
        """The file's outcome; the first one stays. True when it was the run's last."""


@dataclass(frozen=True, slots=True)
class Repairs:
    """What a watchdog's look at one run found: files to send again, under a new generation, or a publish to send."""

    run_id: str
    generation: int
    resend: tuple[str, ...] = ()
    publish: bool = False
    overdue: bool = False


class Repairer(Protocol):
    """Finds what a lost message or a killed worker left."""

    def inspect(self, *, files_queue_is_empty: bool) -> tuple[Repairs, ...]:
        """One look at every active run. Expired leases are counted as losses here; three close the file as lost."""

    def stale_triggers(self) -> tuple[Trigger, ...]:
        """Triggers whose coordinator never finished planning, and those for later whose time has come: to be sent."""
