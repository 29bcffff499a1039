from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.plans import ACME, JANUARY, NOON, plan_of
from tests.fakes.publications import published
from worker.domain.balance import Balance, Tally
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import ErrorClass, Failure
from worker.domain.outcome import RunState
from worker.domain.plan import Slot
from worker.domain.publication import PublicationRecord
from worker.domain.report import RunReport
from worker.domain.source import CARBON, CUR
from worker.domain.standing import Cell, Standing
from worker.services.status import standings

DENIED = Failure(ErrorClass.AUTH, "may not list", "AccessDenied", "grant s3:ListBucket")


def record(*, final: bool = True, was_final: bool = False, at: datetime = NOON, rejected: int = 0) -> PublicationRecord:
    """January as it was published at noon."""
    balance = Balance(
        read=Tally(10),
        activities=Tally(10 - rejected),
        rejected=Tally(rejected),
        rejected_by_reason={"negative_usage": rejected} if rejected else {},
        uninvoiced=0 if final else 5,
    )
    return replace(published(plan_of("a.csv")), balance=balance, was_final=was_final, published_at=at)


def report(state: RunState, *errors: Failure, at: datetime = NOON, period: str | None = "2024-01") -> RunReport:
    """How the last run of January ended."""
    return RunReport("run-2", ACME.name, ACME.org_id, "aws", period, state, at, errors=errors)


def only(*shown: Standing) -> Standing:
    [standing] = shown
    return standing


@pytest.mark.parametrize(
    ("month", "hours", "cell"),
    [
        (record(), 0, Cell.COMPLETE),
        (record(), 1000, Cell.COMPLETE),
        (record(final=False), 48, Cell.PROVISIONAL),
        (record(final=False), 49, Cell.LATE),
        (record(was_final=True), 0, Cell.RESTATED),
        (record(final=False, was_final=True), 49, Cell.RESTATED),
    ],
)
def test_a_published_month_stands_by_its_bill_and_its_age(month: PublicationRecord, hours: int, cell: Cell) -> None:
    standing = only(*standings([month], [], NOON + timedelta(hours=hours)))

    assert (standing.cell, standing.rows, standing.version_id, standing.at) == (cell, 10, "v1", NOON)
    assert bool(standing.why) is (cell is not Cell.COMPLETE)


@pytest.mark.parametrize(
    ("state", "cell", "why"),
    [
        (RunState.RUNNING, Cell.RUNNING, "a run is in flight"),
        (RunState.FAILED, Cell.FAILED, "the run failed"),
        (RunState.NOT_DELIVERED, Cell.NOT_DELIVERED, "AWS has not delivered a manifest"),
        (RunState.CANCELLED, Cell.NOT_DELIVERED, "the last run was cancelled"),
        (RunState.SUPERSEDED, Cell.NOT_DELIVERED, "the last run was superseded"),
    ],
)
def test_a_month_that_was_never_published_stands_by_its_last_run(state: RunState, cell: Cell, why: str) -> None:
    standing = only(*standings([], [report(state)], NOON))

    assert (standing.cell, standing.why, standing.rows, standing.version_id) == (cell, why, 0, "")
    assert standing.next_step


@pytest.mark.parametrize("state", [RunState.PUBLISHED, RunState.UP_TO_DATE])
def test_a_month_that_was_unpublished_on_purpose_is_not_shown(state: RunState) -> None:
    assert standings([], [report(state)], NOON) == ()


@pytest.mark.parametrize("state", [RunState.PUBLISHED, RunState.UP_TO_DATE, RunState.SUPERSEDED, RunState.CANCELLED])
def test_a_published_month_stands_by_its_record_whatever_ended_since(state: RunState) -> None:
    standing = only(*standings([record()], [report(state, at=NOON + timedelta(hours=1))], NOON))

    assert standing.cell is Cell.COMPLETE


@pytest.mark.parametrize(("state", "cell"), [(RunState.RUNNING, Cell.RUNNING), (RunState.FAILED, Cell.FAILED)])
def test_the_newest_run_shows_over_an_older_publication_which_is_still_told(state: RunState, cell: Cell) -> None:
    newest = report(state, DENIED, at=NOON + timedelta(hours=1))

    standing = only(*standings([record(rejected=3)], [newest], NOON))

    assert (standing.cell, standing.rows, standing.version_id) == (cell, 7, "v1")
    assert standing.warnings == ("3 rows rejected (3 negative_usage)",)


def test_a_failure_older_than_the_publication_is_history() -> None:
    standing = only(*standings([record()], [report(RunState.FAILED, DENIED, at=NOON - timedelta(hours=1))], NOON))

    assert standing.cell is Cell.COMPLETE


def test_a_failure_says_why_and_what_to_do() -> None:
    standing = only(*standings([], [report(RunState.FAILED, DENIED)], NOON))

    assert (standing.why, standing.next_step) == ("may not list", "grant s3:ListBucket")


def test_a_failure_without_a_remedy_says_to_try_again() -> None:
    standing = only(*standings([], [report(RunState.FAILED, replace(DENIED, remedy=""))], NOON))

    assert standing.next_step == "offgridflow ingest acme"


def test_a_run_in_flight_says_where_to_look() -> None:
    assert only(*standings([], [report(RunState.RUNNING)], NOON)).next_step == "offgridflow runs run-2"


def test_a_month_that_lost_rows_is_never_plain() -> None:
    clean, lossy = (only(*standings([record(rejected=rejected)], [], NOON)) for rejected in (0, 3))

    assert (clean.is_plain, clean.next_step) == (True, "")
    assert (lossy.is_plain, lossy.next_step) == (False, "offgridflow runs run-1")


def test_a_month_of_an_older_converter_is_complete_with_a_warning() -> None:
    standing = only(*standings([replace(record(), converter_version=0)], [], NOON))

    assert standing.cell is Cell.COMPLETE
    assert "older converter" in standing.warnings[0]


def test_a_warning_does_not_hide_a_more_urgent_step() -> None:
    standing = only(*standings([record(final=False, rejected=1)], [], NOON + timedelta(hours=49)))

    assert standing.next_step == "offgridflow ingest acme"


@pytest.mark.parametrize(
    ("hours", "why", "next_step"),
    [
        (1, "not final, and nobody has looked for 48 hours", "offgridflow ingest acme"),
        (48, "not final, and nothing newer for 48 hours", "offgridflow doctor acme"),
    ],
)
def test_a_late_month_is_aws_s_fault_only_if_somebody_looked(hours: int, why: str, next_step: str) -> None:
    looked = report(RunState.UP_TO_DATE, at=NOON + timedelta(hours=hours))

    standing = only(*standings([record(final=False)], [looked], NOON + timedelta(hours=50)))

    assert (standing.cell, standing.why, standing.next_step) == (Cell.LATE, why, next_step)
    assert standing.looked_at == looked.at


def test_a_delivery_that_was_seen_and_not_published_is_told() -> None:
    cancelled = replace(report(RunState.CANCELLED, at=NOON + timedelta(hours=1)), version_id="v2")

    standing = only(*standings([record()], [cancelled], NOON))

    assert (standing.version_id, standing.seen_version_id, standing.is_plain) == ("v1", "v2", False)
    assert standing.warnings == ("a newer delivery (v2) is not published",)
    assert standing.next_step == "offgridflow ingest acme"


def test_a_provisional_month_with_warnings_says_where_to_look() -> None:
    clean, lossy = (only(*standings([record(final=False, rejected=each)], [], NOON)) for each in (0, 1))

    assert (clean.next_step, lossy.next_step) == ("nothing to do", "offgridflow runs run-1")


def test_a_configured_source_of_which_nothing_is_known_was_never_ingested() -> None:
    emissions = replace(ACME, kind=CARBON)

    shown = standings([record()], [], NOON, [ACME, emissions])

    assert [(each.kind, each.period, each.why) for each in shown] == [
        ("usage", "2024-01", ""),
        ("emissions", None, "never ingested"),
    ]
    assert (shown[1].cell, shown[1].next_step) == (Cell.NOT_DELIVERED, "offgridflow ingest acme")


def test_months_come_by_org_source_and_month_and_a_source_without_one_comes_first() -> None:
    february = replace(record(), slot=Slot("org-123", "acme", CUR, BillingPeriod(2024, 2)))
    other_org = replace(record(), slot=Slot("org-000", "zeta", CUR, JANUARY))
    failed = report(RunState.FAILED, DENIED, period=None)

    shown = standings([february, record(), other_org], [failed], NOON)

    assert [(each.org_id, each.source_name, each.period) for each in shown] == [
        ("org-000", "zeta", "2024-01"),
        ("org-123", "acme", None),
        ("org-123", "acme", "2024-01"),
        ("org-123", "acme", "2024-02"),
    ]


def test_a_source_that_could_not_be_planned_is_forgotten_once_a_month_of_it_was() -> None:
    failed = report(RunState.FAILED, DENIED, period=None)
    later = report(RunState.UP_TO_DATE, at=NOON + timedelta(hours=1))

    shown = standings([record()], [failed, later], NOON)

    assert [each.period for each in shown] == ["2024-01"]


def test_a_source_that_could_not_be_planned_is_shown_after_months_that_could() -> None:
    earlier = report(RunState.UP_TO_DATE, at=NOON - timedelta(hours=1))
    failed = report(RunState.FAILED, DENIED, period=None)
    elsewhere = replace(earlier, source_name="other", at=NOON + timedelta(hours=1))

    shown = standings([record()], [failed, earlier, elsewhere], NOON)

    assert [each.period for each in shown] == [None, "2024-01"]


def test_a_run_in_flight_is_no_sign_that_the_source_can_be_planned_again() -> None:
    failed = report(RunState.FAILED, DENIED, period=None)
    running = report(RunState.RUNNING, at=NOON + timedelta(hours=1))

    shown = standings([], [failed, running], NOON)

    assert [(each.period, each.cell) for each in shown] == [(None, Cell.FAILED), ("2024-01", Cell.RUNNING)]


@pytest.mark.parametrize(
    ("day", "why", "next_step"),
    [
        (20, "AWS estimates the month by 2024-02-21", "nothing to do"),
        (22, "AWS has not estimated the month, which was due by 2024-02-21", "look at it in AWS's own console"),
    ],
)
def test_a_month_that_aws_has_not_estimated_says_until_when_that_is_as_it_should_be(
    day: int, why: str, next_step: str
) -> None:
    awaited = replace(report(RunState.NOT_DELIVERED), connector="aws-carbon")

    standing = only(*standings([], [awaited], datetime(2024, 2, day, tzinfo=UTC)))

    assert (standing.source, standing.cell) == (CARBON, Cell.NOT_DELIVERED)
    assert (standing.why, standing.next_step) == (why, next_step)


def test_the_usage_and_the_emissions_of_a_month_stand_each_for_itself() -> None:
    emissions = replace(record(), slot=replace(record().slot, source=CARBON))
    failed = report(RunState.FAILED, DENIED, at=NOON + timedelta(hours=1))

    shown = standings([record(), emissions], [failed], NOON)

    assert [(each.source, each.cell) for each in shown] == [(CUR, Cell.FAILED), (CARBON, Cell.COMPLETE)]
