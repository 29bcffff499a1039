"""What people see: tables on stdout, notes and errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.api import MonthPlan
from worker.domain.balance import Balance
from worker.domain.errors import Failure, IngestError
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.report import RunReport, plain
from worker.settings import settings

WIDE = 200
"""Columns for a table that goes to a file or a pipe: nothing there folds a line for us."""

out = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDE)
notes = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

EXACT_ENOUGH = Context(prec=60)
STATE_STYLES = {
    RunState.PUBLISHED: "green",
    RunState.UP_TO_DATE: "green",
    RunState.FAILED: "bold red",
    RunState.CANCELLED: "red",
    RunState.SUPERSEDED: "yellow",
    RunState.NOT_DELIVERED: "yellow",
    RunState.RUNNING: "cyan",
}


def note(text: str) -> None:
    """Say something beside the result."""
    notes.print(Text(text, style="dim"))


def say_broker() -> None:
    """Tell which broker is used; never its URL, which may hold a password."""
    configured = settings().broker_url
    note("broker: OFFGRIDFLOW_BROKER_URL" if configured else f"broker: embedded Valkey, in {settings().home}")


def show_error(error: IngestError | Failure) -> None:
    """One clear sentence, and what to do."""
    line = Text.assemble(("error: ", "bold red"), error.message)
    notes.print(line)
    if error.remedy:
        notes.print(Text(f"  → {error.remedy}"))


def show_json(document: object) -> None:
    """One document on stdout."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def table(title: str, columns: Sequence[str], numbers: Iterable[str] = ()) -> Table:
    """An empty table; the columns named as ``numbers`` are set to the right."""
    made = Table(
        title=title or None, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    rights = set(numbers)
    for column in columns:
        made.add_column(column, justify="right" if column in rights else "left", overflow="fold")
    return made


def cents(value: Decimal) -> str:
    """Money as a table shows it: two decimals. The exact figure is in the balance and in the JSON."""
    return f"{value.quantize(Decimal('0.01'), context=EXACT_ENOUGH):,}"


def show_runs(reports: Sequence[RunReport], *, with_id: bool = False) -> None:
    """Runs, a line each; then what to know and what went wrong."""
    numbers = ("files", "read", "activities", "excluded", "rejected", "cost", "s")
    made = table("", (*(("run",) if with_id else ()), "source", "month", "state", *numbers), numbers)
    for report in reports:
        made.add_row(*((report.run_id,) if with_id else ()), *_run_row(report))
    out.print(made)
    for report in reports:
        if report.state is not RunState.UP_TO_DATE:
            _show_remarks(report)


def _show_remarks(report: RunReport) -> None:
    about = f"{report.source_name} {report.billing_period or ''}".strip()
    for warning in report.warnings:
        out.print(Text.assemble(("warning ", "yellow"), f"{about}: {warning}"))
    for failure in report.errors:
        show_error(failure)


def _run_row(report: RunReport) -> list[str | Text]:
    files, balance = report.files, report.balance
    style = "yellow" if report.warnings and not report.errors else STATE_STYLES[report.state]
    return [
        report.source_name,
        report.billing_period or "-",
        Text(report.state, style=style),
        f"{files.ingested}/{files.total}",
        f"{balance.read.rows:,}",
        f"{balance.activities.rows:,}",
        f"{balance.excluded.rows:,}",
        f"{balance.rejected.rows:,}",
        cents(balance.read.cost),
        f"{report.seconds:.1f}",
    ]


def show_balance(reports: Sequence[RunReport]) -> None:
    """What went in and what came out, exact, and that they agree: usage and, beside it, emissions."""
    usage = [report.balance for report in reports if not report.tonnes]
    emissions = [report for report in reports if report.tonnes]
    if usage:
        made = table("Balance", ("", "rows", "usage", "cost"), ("rows", "usage", "cost"))
        total = Balance.total(usage)
        for name in ("read", "activities", "excluded", "rejected"):
            tally = getattr(total, name)
            made.add_row(name, f"{tally.rows:,}", plain(tally.usage), plain(tally.cost))
        out.print(made)
    if emissions:
        _show_emissions(Balance.total(report.balance for report in emissions))


def _show_emissions(balance: Balance) -> None:
    made = table("Emissions by scope and method", ("", "figures", "tonnes"), ("figures", "tonnes"))
    for name, tally in balance.by_line_item_type.items():
        made.add_row(name, f"{tally.rows:,}", plain(tally.usage))
    out.print(made)
    parts = (f"{getattr(balance, name).rows:,} {name}" for name in ("read", "activities", "excluded", "rejected"))
    note(f"figures: {', '.join(parts)}; a total is the sum of its scopes, so none of these are added up")


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """The answer to a query."""
    made = table("", columns)
    for row in rows:
        made.add_row(*("" if value is None else str(value) for value in row))
    out.print(made)


def heading(text: str) -> None:
    """What comes next."""
    out.print()
    out.print(Text(text, style="bold"))


def show_files(files: Iterable[FileOutcome]) -> None:
    """One run's files: what each came to and cost, and why it failed."""
    numbers = ("rows", "activities", "rejected", "attempts", "requests", "MB", "seconds")
    made = table("Files", ("file", *numbers, "error"), numbers)
    for each in files:
        balance = each.balance
        made.add_row(
            each.key,
            f"{balance.read.rows:,}",
            f"{balance.activities.rows:,}",
            f"{balance.rejected.rows:,}",
            str(each.attempts),
            str(each.requests),
            f"{each.bytes_read / 1e6:.1f}",
            f"{each.seconds:.1f}",
            each.failure.message if each.failure else "",
        )
    out.print(made)


def show_plan(months: Iterable[MonthPlan | RunReport]) -> None:
    """What an ingest would do, a file a line."""
    made = table("", ("source", "month", "what", "file", "bytes", "why"), ("bytes",))
    for month in months:
        if isinstance(month, RunReport):
            why = month.errors[0].message if month.errors else "the manifest is the published one"
            made.add_row(month.source_name, month.billing_period or "-", str(month.state), "", "", why)
            continue
        for each in month.files:
            plan = month.plan
            made.add_row(plan.source.name, str(plan.period), each.what, each.key, f"{each.size:,}", each.why)
    out.print(made)
