"""The demo: a sample bucket, ingested for real, and again to show that nothing is read twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from worker import api
from worker.cli import output
from worker.cli.following import follow
from worker.domain.balance import Balance
from worker.domain.errors import FatalError
from worker.domain.report import RunReport

ORG = "demo-org"

TOTALS = """
select billing_period as month, category, count(*) as activities, cast(sum(cost) as decimal(38,2)) as cost
from usage where org_id = 'demo-org' group by all order by month, activities desc
"""


def run_demo(bucket: Path, rows: int) -> tuple[RunReport, ...]:
    """Show a month's way from a bucket to a table, with the proof that it balances. Returns the first run's reports."""
    from worker.adapters.sample_bucket import write_sample  # noqa: PLC0415 (no other command needs it)

    output.note(f"writing a sample bucket of {rows:,} line items to {bucket}")
    expected = write_sample(bucket, rows=rows).balance
    sources = [
        api.source(f"{bucket.resolve().as_uri()}/{prefix}", ORG, f"demo-{prefix}") for prefix in ("legacy", "exports")
    ]
    with api.broker() as url:
        first = follow(url, api.request(*sources))
        output.heading("First run: everything is read")
        output.show_runs(first)
        output.show_balance(first)
        _compare(first, expected)
        output.heading("What is published, by month and category")
        answer = api.query(TOTALS)
        output.show_rows(answer.columns, answer.rows)
        second = follow(url, api.request(*sources))
    output.heading("Second run: nothing changed, so nothing is read")
    output.show_runs(second)
    output.note('try: offgridflow status · offgridflow query "select * from activities limit 5"')
    return (*first, *second)


def _compare(reports: Sequence[RunReport], expected: Balance) -> None:
    """Hold the result against what the generator counted while it wrote, in plain Python."""
    found = sum((report.balance for report in reports), Balance())
    for name in ("read", "activities", "excluded", "rejected"):
        if getattr(found, name) != getattr(expected, name):
            message = f"{name} differ: generated {getattr(expected, name)}, published {getattr(found, name)}"
            raise FatalError(message, "demo", "report this: the demo must balance on every machine")
    output.note("the same as the generator counted, to the last decimal")
