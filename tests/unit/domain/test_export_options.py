from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.fakes.plans import ACME
from worker.adapters.sample_columns import line_item
from worker.domain.diagnosis import Finding, Verdict
from worker.domain.export_options import options, read_rows
from worker.domain.source import CARBON, Source

HOURLY, DAILY = ("2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"), ("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z")
FEE = ("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z")
ALL = tuple(line_item())


def found(*without: str, spans: Sequence[tuple[str, str]] = (HOURLY,), source: Source = ACME) -> list[Finding]:
    """What is said of an export that has all columns but these."""
    headers = [name for name in ALL if name not in without]
    times = ("line_item_usage_start_date", "line_item_usage_end_date")
    rows = [[dict(zip(times, span, strict=True)).get(name, "") for name in headers] for span in spans]
    return list(options(source, headers, rows))


def warned(findings: list[Finding]) -> list[str]:
    return [each.said.partition(":")[0] for each in findings if each.verdict is Verdict.WARN]


def test_a_standard_hourly_export_leaves_nothing_to_be_desired() -> None:
    assert {each.verdict for each in found()} == {Verdict.OK}


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (("line_item_resource_id",), "no resource ids"),
        (("bill_invoice_id",), "no invoice ids"),
        (("pricing_unit", "line_item_usage_unit"), "no units"),
    ],
)
def test_what_an_export_was_not_asked_to_deliver_is_named(without: tuple[str, ...], said: str) -> None:
    findings = found(*without)

    assert warned(findings) == [said]
    assert all(each.remedy for each in findings if each.verdict is Verdict.WARN)


@pytest.mark.parametrize(
    ("spans", "said", "verdict"),
    [
        ([FEE, HOURLY, FEE], "hourly", Verdict.OK),
        ([FEE, DAILY], "not hourly: usage cannot be set against the hours of a grid", Verdict.WARN),
        ([], "hourly or not: no row was looked at", Verdict.OK),
        ([("", "cut o")], "hourly or not: no row was looked at", Verdict.OK),
    ],
)
def test_the_shortest_row_tells_whether_an_export_is_hourly(
    spans: list[tuple[str, str]], said: str, verdict: Verdict
) -> None:
    last = found(spans=spans)[-1]

    assert (last.said, last.verdict) == (said, verdict)


def test_split_costs_that_cannot_be_told_from_what_they_split_are_a_danger() -> None:
    headers = [name for name in ALL if not name.startswith("split_")]

    without, beside = (list(options(ACME, [*headers, *more], ())) for more in ((), ("splitLineItem/SplitUsage",)))

    assert warned(without) == []
    assert warned(beside) == ["split cost columns without split_line_item_parent_resource_id"]


def test_a_required_column_that_is_missing_is_a_failure() -> None:
    failed = found("line_item_usage_amount")[0]

    assert (failed.verdict, failed.said) == (
        Verdict.FAIL,
        "the export lacks the required column line_item_usage_amount",
    )


def test_estimates_have_no_options() -> None:
    findings = found(source=Source("acme", "org-1", "s3://b/carbon", CARBON))

    assert [each.verdict for each in findings] == [Verdict.FAIL]


def test_the_last_row_of_a_beginning_may_be_cut_off() -> None:
    assert read_rows('a,b\n1,"x\ny"\n2,') == (["a", "b"], [["1", "x\ny"]])
    assert read_rows("") == ([], [])
