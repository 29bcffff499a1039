from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.plans import ACME, balance_of, failure_of, outcome_of, plan_of
from tests.fakes.publications import EMPTY, decide, held, published
from worker.domain.balance import Balance, Tally
from worker.domain.errors import BadRequestError, FatalError
from worker.domain.plan import Slot


def test_a_failed_file_publishes_nothing() -> None:
    plan = plan_of("a.csv", "b.csv")
    good, bad = plan.files

    with pytest.raises(FatalError, match=r"b\.csv"):
        decide(plan, [outcome_of(good), outcome_of(bad, failure=failure_of(bad))])


def test_a_month_that_does_not_balance_is_refused() -> None:
    plan = plan_of("a.csv")
    unbalanced = replace(outcome_of(plan.files[0]), balance=replace(balance_of(10), activities=Tally(9)))

    with pytest.raises(FatalError) as caught:
        decide(plan, [unbalanced])

    assert caught.value.code == "unbalanced"
    assert "acme 2024-01" in caught.value.message


def test_an_older_converter_never_replaces_a_newer_record() -> None:
    plan = plan_of("a.csv")
    newer = replace(published(plan), converter_version=plan.converter_version + 1)

    with pytest.raises(FatalError) as caught:
        decide(plan, [outcome_of(plan.files[0])], held(newer))

    assert caught.value.code == "older_converter"


def test_a_newer_converter_replaces_an_older_record() -> None:
    plan = replace(plan_of("a.csv"), converter_version=2)
    older = replace(published(plan_of("a.csv")), converter_version=1)

    assert decide(plan, [outcome_of(plan.files[0])], held(older)).record.converter_version == 2


@pytest.mark.parametrize(
    ("ours", "theirs", "is_refused"),
    [
        ("", "", True),
        ("1" * 12, "", True),
        ("", "1" * 12, True),
        ("1" * 12, "1" * 12, True),
        ("1" * 12, "2" * 12, False),
    ],
)
def test_a_month_is_never_counted_twice(ours: str, theirs: str, is_refused: bool) -> None:
    plan = plan_of("a.csv", source=replace(ACME, account_id=ours))
    other = published(plan_of("b.csv", source=replace(ACME, name="legacy", account_id=theirs)))
    table = replace(EMPTY, others=(other,))
    found = [outcome_of(plan.files[0])]

    if not is_refused:
        assert decide(plan, found, table).record.account_filter == ours
        return
    with pytest.raises(FatalError) as caught:
        decide(plan, found, table)
    assert caught.value.code == "counted_twice"
    assert "'legacy'" in caught.value.message
    assert "legacy" in caught.value.remedy


def test_sources_of_other_payers_share_a_month() -> None:
    plan = plan_of("a.csv")
    found = [replace(outcome_of(plan.files[0]), payers=("222222222222",))]
    other = published(plan_of("b.csv", source=replace(ACME, name="legacy")))

    assert decide(plan, found, replace(EMPTY, others=(other,))).record.payers == {"222222222222"}


def test_usage_and_emissions_of_one_month_are_no_overlap() -> None:
    plan = plan_of("a.csv")
    usage = published(plan_of("b.csv", source=replace(ACME, name="carbon")))
    emissions = replace(usage, slot=Slot("org-123", "carbon", "aws_carbon_footprint", plan.period))

    decided = decide(plan, [outcome_of(plan.files[0])], replace(EMPTY, others=(emissions,)))

    assert decided.record.payers == emissions.payers


@pytest.mark.parametrize(
    ("limit", "is_refused"), [(None, False), (20.0, False), (19.9, True), (0.0, True), (100.0, False)]
)
def test_more_rejections_than_allowed_publish_nothing(limit: float | None, is_refused: bool) -> None:
    plan = replace(plan_of("a.csv"), max_rejected_percent=limit)
    balance = Balance(
        read=Tally(10),
        activities=Tally(8),
        rejected=Tally(2),
        rejected_by_reason={"negative_usage": 2},
        by_line_item_type={"Usage": Tally(10)},
    )
    found = [replace(outcome_of(plan.files[0]), balance=balance)]

    if not is_refused:
        assert decide(plan, found).record.balance == balance
        return
    with pytest.raises(BadRequestError) as caught:
        decide(plan, found)
    assert caught.value.code == "too_many_rejected"
    assert "2 of 10 rows" in caught.value.message
