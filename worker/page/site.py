"""Every page there is, by its path. One site shows one moment: a server makes a new one for each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.resources import files

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import IngestError
from worker.domain.outcome import FileOutcome
from worker.domain.plan import Slot
from worker.domain.report import RunReport
from worker.domain.source import KINDS
from worker.domain.standing import Standing
from worker.page import figures, paths
from worker.page.facts import Dimension, Facts
from worker.page.grid import grid
from worker.page.rendering import render

SHOWN_RUNS = 1000
SHOWN_FILES = 500
SHOWN_CHANGES = 500

ASSETS: Mapping[str, str] = {
    "page.css": "text/css",
    "theme.js": "text/javascript",
    "charts.js": "text/javascript",
    "chart.umd.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "NOTICE": "text/plain",
}
"""What lies below ``static/``, and what each is."""


def asset(name: str) -> bytes:
    """One of `ASSETS`."""
    return (files("worker.page") / "static" / name).read_bytes()


@dataclass(frozen=True, slots=True)
class Links:
    """Pages of other tools. ``{run_id}`` in ``trace`` is the run whose trace it shows. Empty: there is none."""

    flower: str = ""
    trace: str = ""

    def trace_of(self, run_id: str) -> str:
        """Where a run's trace is shown."""
        return self.trace.replace("{run_id}", run_id)


class Site:
    """The pages about these facts."""

    def __init__(self, facts: Facts, links: Links) -> None:
        self._facts = facts
        self._links = links

    @cached_property
    def pages(self) -> Mapping[str, Callable[[], str]]:
        """What makes each page, by path."""
        made: dict[str, Callable[[], str]] = {paths.GRID: self._grid, paths.RUNS: self._runs}
        made |= {paths.run_path(run.run_id): partial(self._run, run) for run in self._newest_runs}
        made |= {paths.month_path(slot): partial(self._month, slot, each) for slot, each in self._months.items()}
        return made | {
            paths.figures_path(org_id, each): partial(self._figures, org_id, each)
            for org_id in self._orgs
            for each in Dimension
        }

    @property
    def _newest_runs(self) -> tuple[RunReport, ...]:
        return self._facts.runs[:SHOWN_RUNS]

    @cached_property
    def _known_runs(self) -> frozenset[str]:
        return frozenset(run.run_id for run in self._newest_runs)

    @cached_property
    def _months(self) -> dict[Slot, Standing]:
        return {
            Slot(each.org_id, each.source_name, each.source, BillingPeriod.parse(each.period)): each
            for each in self._facts.overview.months
            if each.period
        }

    @cached_property
    def _orgs(self) -> tuple[str, ...]:
        return tuple(sorted({slot.org_id for slot in self._months}))

    def _render(self, template: str, path: str, **shown: object) -> str:
        return render(template, path, orgs=self._orgs, now=self._facts.overview.at, links=self._links, **shown)

    def _grid(self) -> str:
        return self._render("grid.html", paths.GRID, grid=grid(self._facts.overview), seen=self._facts.overview)

    def _runs(self) -> str:
        return self._render("runs.html", paths.RUNS, runs=self._newest_runs, known=len(self._facts.runs))

    def _run(self, report: RunReport) -> str:
        outcomes = sorted(self._facts.files(report), key=_failed_first)
        path = paths.run_path(report.run_id)
        shown = outcomes[:SHOWN_FILES]
        month = self._month_of(report)
        return self._render("run.html", path, run=report, month=month, files=shown, number=len(outcomes))

    def _month_of(self, report: RunReport) -> str | None:
        """The page of the month that the run was about; None when there is none."""
        if report.billing_period is None:
            return None
        period = BillingPeriod.parse(report.billing_period)
        slot = Slot(report.org_id, report.source_name, KINDS[report.connector], period)
        return paths.month_path(slot) if slot in self._months else None

    def _month(self, slot: Slot, standing: Standing) -> str:
        history, diff, no_diff = self._facts.history(slot), None, None
        try:
            diff = self._facts.restated(slot)
        except IngestError as error:
            no_diff = error
        return self._render(
            "month.html",
            paths.month_path(slot),
            slot=slot,
            standing=standing,
            history=history,
            diff=diff,
            no_diff=no_diff,
            shown_changes=SHOWN_CHANGES,
            samples=self._facts.samples(slot) if history else (),
            known_runs=self._known_runs,
        )

    def _figures(self, org_id: str, dimension: Dimension) -> str:
        path = paths.figures_path(org_id, dimension)
        try:
            usage, emitted = self._facts.usage(org_id, dimension), self._facts.emissions(org_id)
        except IngestError as error:
            return self._render("unknown.html", path, about=f"The figures of {org_id}", error=error)
        units = figures.quantities(usage)
        return self._render(
            "figures.html",
            path,
            org_id=org_id,
            dimension=dimension,
            dimensions=tuple(Dimension),
            costs=figures.costs(usage),
            units=units[: figures.SHOWN_UNITS],
            more_units=len(units) - figures.SHOWN_UNITS,
            emissions=figures.emissions(emitted),
        )


def _failed_first(outcome: FileOutcome) -> tuple[bool, str]:
    return (outcome.failure is None, outcome.key)
