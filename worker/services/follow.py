"""How a trigger stands: what whoever asked for it watches."""

from __future__ import annotations

from dataclasses import dataclass

from worker.domain.errors import NotFoundError
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.trigger import successor
from worker.ports.ledger import RunLedger, RunProgress
from worker.ports.triggers import Triggers


@dataclass(frozen=True, slots=True)
class Standing:
    """``running`` are the runs in flight, ``reports`` of what has ended; ``ended`` that nothing more will come."""

    ended: bool
    running: tuple[RunProgress, ...]
    reports: tuple[RunReport, ...]


def look(triggers: Triggers, ledger: RunLedger, trigger_id: str) -> Standing:
    """One look at a trigger, and at what superseded runs of it were planned again as."""
    state = triggers.state(trigger_id)
    running: list[RunProgress] = []
    reports = list(state.reports)
    ended = state.planned
    for run_id in state.run_ids:
        progress = ledger.progress(run_id)
        report = None if progress.state is RunState.RUNNING else ledger.report(run_id)
        if report is None:
            running.append(progress)
            continue
        reports.append(report)
        if report.state is RunState.SUPERSEDED:
            again = _look_again(triggers, ledger, run_id)
            ended = ended and again.ended
            running += again.running
            reports += again.reports
    return Standing(ended and not running, tuple(running), tuple(reports))


def _look_again(triggers: Triggers, ledger: RunLedger, run_id: str) -> Standing:
    try:
        return look(triggers, ledger, successor(run_id))
    except NotFoundError:
        return Standing(ended=True, running=(), reports=())
