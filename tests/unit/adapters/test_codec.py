from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.plans import ACME, JANUARY, NOON, balance_of, failure_of, outcome_of, plan_of, planned, report_of
from tests.fakes.publications import published
from worker.adapters.codec import dump, load
from worker.domain.balance import Tally
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import FatalError
from worker.domain.outcome import FileOutcome
from worker.domain.plan import FileJob, RunPlan
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger

PLAN = plan_of("a.csv", "b.csv", keep=("z.csv",))
FILE = planned("a.csv")
RECORD = replace(published(plan_of("a.csv")), published_at=NOON.replace(microsecond=123456))

VALUES: dict[str, object] = {
    "plan": PLAN,
    "plan with bounds": replace(
        PLAN, max_rejected_percent=0.1, source=replace(ACME, start=JANUARY, end=JANUARY.next())
    ),
    "planned file": FILE,
    "job": FileJob("run-1", PLAN, FILE),
    "outcome": outcome_of(FILE),
    "failed outcome": outcome_of(FILE, failure=failure_of(FILE)),
    "report": report_of("run-1"),
    "failed report": replace(report_of("run-1", period=None), errors=(failure_of(FILE),), warnings=("é",)),
    "trigger": Trigger("t1", names=("acme",), sources=(ACME,), start=JANUARY, reconvert=True),
    "record": RECORD,
}

amounts = st.decimals(allow_nan=False, allow_infinity=False, places=18) | st.decimals(
    allow_nan=False, allow_infinity=False
)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_what_is_dumped_loads_as_it_was(value: object) -> None:
    assert load(type(value), dump(value)) == value
    assert load(type(value), dump(value).decode()) == value


@given(amounts)
def test_an_amount_keeps_every_digit(amount: Decimal) -> None:
    loaded = load(Tally, dump(Tally(1, amount, amount)))

    assert loaded.usage.as_tuple() == loaded.cost.as_tuple() == amount.as_tuple()


def test_amounts_are_strings_and_instants_iso_in_utc() -> None:
    report = replace(report_of("run-1"), balance=balance_of(1, usage="0.000000000000000001"))

    document = json.loads(dump(report))

    assert isinstance(document["balance"]["read"]["usage"], str)
    assert Decimal(document["balance"]["read"]["usage"]) == Decimal("0.000000000000000001")
    assert datetime.fromisoformat(document["at"]).utcoffset() == UTC.utcoffset(None)


@given(st.integers(min_value=2000, max_value=2999), st.integers(min_value=1, max_value=12))
def test_every_period_comes_back(year: int, month: int) -> None:
    period = BillingPeriod(year, month)

    assert load(BillingPeriod, dump(period)) == period


@pytest.mark.parametrize(
    ("kind", "data", "named"),
    [
        (RunPlan, b"not json", "RunPlan"),
        (RunPlan, b"[]", "RunPlan"),
        (RunReport, b"{}", "RunReport.run_id"),
        (FileOutcome, dump(outcome_of(FILE)).replace(b'"rows":10', b'"rows":"10"', 1), "FileOutcome.balance.read.rows"),
        (FileOutcome, dump(outcome_of(FILE)).replace(b'"rows":10', b'"rowz":10', 1), "FileOutcome.balance.read"),
        (FileOutcome, dump(outcome_of(FILE)).replace(b'"1.5"', b'"much"', 1), "FileOutcome.balance.read.usage"),
        (RunReport, dump(report_of("r")).replace(b'"published"', b'"perished"'), "RunReport.state"),
        (RunReport, dump(report_of("r")).replace(b'"errors"', b'"new_field":1,"errors"'), "RunReport.new_field"),
        (BillingPeriod, b'{"year":2024,"month":13}', "BillingPeriod"),
    ],
)
def test_what_cannot_be_read_is_fatal_and_named(kind: type[object], data: bytes, named: str) -> None:
    with pytest.raises(FatalError) as caught:
        load(kind, data)

    assert caught.value.message.startswith(named)
    assert caught.value.code == "unreadable"
    assert caught.value.remedy


def test_an_error_does_not_quote_the_data() -> None:
    secret = dump(report_of("r")).replace(b'"published"', b'"s3cret"')

    with pytest.raises(FatalError) as caught:
        load(RunReport, secret)

    assert "s3cret" not in caught.value.message


def test_neither_the_codec_nor_the_ledger_loads_what_hangs_a_forked_child() -> None:
    script = "import sys, worker.adapters.codec, worker.adapters.redis_repairer, worker.adapters.redis_triggers; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()

    assert "worker.adapters.codec" in loaded
    assert not {"polars", "pyarrow", "boto3"} & set(loaded)
