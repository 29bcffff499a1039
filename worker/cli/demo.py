"""The demo: a sample bucket, ingested for real, and again to show that nothing is read twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from worker import api
from worker.cli import output
from worker.cli.following import follow
from worker.domain.balance import ZERO, Balance
from worker.domain.emission_columns import FIGURES
from worker.domain.errors import FatalError
from worker.domain.report import RunReport

ORG = "demo-org"

CARBON_PREFIX = "carbon"
EMISSIONS = """
select billing_period as month, scope, method, count(*) as figures, cast(sum(quantity) as decimal(38,6)) as tonnes
from emissions where org_id = 'demo-org' and scope = 'total' group by all order by all
"""

TOTALS = """
select billing_period as month, category, count(*) as activities, cast(sum(cost) as decimal(38,2)) as cost
from usage where org_id = 'demo-org' group by all order by month, activities desc
"""


def run_demo(bucket: Path, rows: int) -> tuple[RunReport, ...]:
    """Show a month's way from a bucket to a table, with the proof that it balances. Returns the first run's reports."""
    from worker.adapters.sample_bucket import write_sample  # noqa: PLC0415 (no other command needs it)
    from worker.adapters.sample_carbon import write_estimates  # noqa: PLC0415

    output.note(f"writing a sample bucket of {rows:,} line items, and AWS's estimates beside them, to {bucket}")
    expected, tonnes = write_sample(bucket, rows=rows).balance, write_estimates(bucket / CARBON_PREFIX)
    place = bucket.resolve().as_uri()
    sources = [
        *(api.source(f"{place}/{prefix}", ORG, f"demo-{prefix}") for prefix in ("legacy", "exports")),
        api.carbon_source(ORG, "demo-carbon", f"{place}/{CARBON_PREFIX}", end="2025-05"),
    ]
    with api.broker() as url:
        first = follow(url, api.request(*sources))
        output.heading("First run: everything is read")
        output.show_runs(first)
        output.show_balance(first)
        _compare(first, expected)
        _compare_tonnes(first, tonnes)
        output.heading("What is published, by month and category")
        answer = api.query(TOTALS)
        output.show_rows(answer.columns, answer.rows)
        output.heading("AWS's own estimates of the same usage, beside it: by location, and by market")
        answer = api.query(EMISSIONS)
        output.show_rows(answer.columns, answer.rows)
        second = follow(url, api.request(*sources))
    output.heading("Second run: nothing changed, so nothing is read")
    output.show_runs(second)
    output.note('try: offgridflow status · offgridflow query "select * from activities limit 5"')
    return (*first, *second)


def _compare(reports: Sequence[RunReport], expected: Balance) -> None:
    """Hold the result against what the generator counted while it wrote, in plain Python."""
    found = Balance.total(report.balance for report in reports if not report.tonnes)
    for name in ("read", "activities", "excluded", "rejected"):
        if getattr(found, name) != getattr(expected, name):
            message = f"{name} differ: generated {getattr(expected, name)}, published {getattr(found, name)}"
            raise FatalError(message, "demo", "report this: the demo must balance on every machine")
    output.note("the same as the generator counted, to the last decimal")


def _compare_tonnes(reports: Sequence[RunReport], expected: Mapping[str, Decimal]) -> None:
    for figure in FIGURES:
        found = sum((report.tonnes.get(figure.name, ZERO) for report in reports), ZERO)
        if found != expected[figure.column]:
            message = f"{figure.name} differs: generated {expected[figure.column]} tonnes, published {found}"
            raise FatalError(message, "demo", "report this: the demo must balance on every machine")
