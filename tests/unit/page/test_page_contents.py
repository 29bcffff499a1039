"""What the pages of runs, months and figures say."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.fakes.every_cell import records
from tests.fakes.plans import balance_of, report_of
from tests.unit.page.dom import Node, parsed
from tests.unit.page.known import LINKS, SCRIPT, Known, everything, page
from worker.domain.balance import Tally
from worker.domain.errors import NotFoundError
from worker.domain.outcome import RunState
from worker.domain.restatement import Change, GroupChange
from worker.page import paths
from worker.page.facts import Dimension
from worker.services.diff_versions import VersionDiff
from worker.services.history import MonthHistory

LOSSY = next(record for record in records() if record.balance.rejected.rows)
NOTHING = Change(Decimal(0), Decimal(0))


def at(path: str, known: Known | None = None) -> Node:
    return parsed(page(known or everything(), path))


def rows(document: Node) -> list[str]:
    return [row.text for row in document.all("tr")]


def test_a_run_says_what_went_wrong_and_what_to_do() -> None:
    document = at(paths.run_path("run-fail"))

    assert "grant s3:GetObject" in document.all("section")[0].text
    assert any(row.startswith("b.csv") and "grant s3:GetObject" in row for row in rows(document))
    assert LINKS.trace_of("run-fail") in [link.get("href") for link in document.all("a")]


@pytest.mark.parametrize("state", RunState)
def test_every_state_of_a_run_is_said(state: RunState) -> None:
    document = at(paths.run_path("run-1"), Known(runs=(report_of("run-1", state),)))

    assert state.replace("_", " ") in document.all("dd")[0].text


def test_a_run_proves_that_it_balances() -> None:
    document = at(paths.run_path("run-comp"))

    assert {"activities 10 1.5 0.25", "together 10 1.5 0.25", "read 10 1.5 0.25"} <= set(rows(document))
    assert "It balances, to the last digit." in document.text


def test_a_run_that_does_not_balance_says_so() -> None:
    run = replace(report_of("run-1", RunState.FAILED), balance=replace(balance_of(10), read=Tally(11)))

    document = at(paths.run_path("run-1"), Known(runs=(run,)))

    assert "It does not balance: nothing of it was published" in document.text


def test_the_tonnes_of_a_run_are_listed_and_not_added() -> None:
    tonnes = {"total lbm": Tally(1, Decimal(3)), "total mbm": Tally(1, Decimal(2))}
    balance = replace(balance_of(2), by_line_item_type=tonnes)
    run = replace(report_of("run-1"), connector="aws-carbon", balance=balance)

    document = at(paths.run_path("run-1"), Known(runs=(run,)))

    assert {"total lbm 3", "total mbm 2"} <= set(rows(document))
    assert "Usage, all units alike" not in document.text


def test_a_month_shows_its_versions_and_what_aws_restated() -> None:
    known = everything()
    older = replace(LOSSY, run_id="run-0", version_id="v0")
    known.histories = {LOSSY.slot: MonthHistory((LOSSY, older))}
    cost = GroupChange("AmazonEC2", "1234", "us-east-1", "USD", NOTHING, Change(Decimal("0.1"), Decimal("0.3")), {})
    known.diff = VersionDiff(older, LOSSY, ("b.csv",), ("a.csv",), (), (cost,))

    shown = rows(at(paths.month_path(LOSSY.slot), known))

    assert [row.split()[2] for row in shown if row.startswith("2024-11-25")] == ["v1", "v0"]
    assert "AmazonEC2 1234 us-east-1 cost USD 0.1 0.3 +0.2" in shown


def test_a_month_whose_old_parts_are_gone_says_so_and_shows_the_rest() -> None:
    known = everything()
    known.diff = NotFoundError("its parts were vacuumed", "vacuumed", "`offgridflow history` still has its totals")

    document = at(paths.month_path(LOSSY.slot), known)

    assert "its parts were vacuumed" in document.text
    assert "Every version that was published" in document.text


def test_rejections_are_counted_by_reason_with_samples() -> None:
    document = at(paths.month_path(LOSSY.slot))

    assert {"negative_usage: 2", "bad_number: 1"} <= {each.text for each in document.all("h3")}
    assert f"a.csv 7 line_item_usage_amount {SCRIPT}" in rows(document)


def test_a_chart_is_drawn_from_the_table_below_it_one_unit_each() -> None:
    document = at(paths.figures_path("org-123", Dimension.CATEGORY))

    tables = {table.get("id"): table for table in document.all("table")}
    drawn = [tables[canvas.get("data-table")] for canvas in document.all("canvas")]
    captions = [table.all("caption")[0].text for table in drawn]
    assert captions == [
        "Unblended cost in USD by month and category",
        "Emissions in tonne by month, scope and method",
        "Quantity in hours by month and category",
        "Quantity in GB-month by month and category",
    ]
    assert "2024-01 30 <0.001" in rows(drawn[2])
    assert [cell.get("data-value") for cell in drawn[2].all("td")][:2] == ["30", "0.0001"]


def test_figures_that_cannot_be_read_say_why() -> None:
    class Unreadable(Known):
        def usage(self, _org_id: str, _dimension: Dimension) -> tuple[()]:
            raise NotFoundError("a part is gone", remedy="check the warehouse")

    document = at(paths.figures_path("org-123", Dimension.REGION), Unreadable())

    assert "a part is gone What to do check the warehouse" in document.text
