from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.fakes.plans import NOON, balance_of, outcome_of, plan_of, planned
from tests.fakes.publications import EMPTY, decide, held, published
from worker.domain.balance import Balance, Tally
from worker.domain.errors import ChangedError


def test_a_first_publication_adds_every_part() -> None:
    plan = plan_of("a.csv", "b.csv")

    decided = decide(plan, (outcome_of(file) for file in plan.files))

    assert sorted(outcome.key for outcome in decided.add) == ["a.csv", "b.csv"]
    assert decided.drop == frozenset()
    assert [file.key for file in decided.record.files] == ["a.csv", "b.csv"]
    assert (decided.record.previous, decided.record.was_final, decided.record.published_at) == (None, False, NOON)


def test_a_later_publication_adds_what_is_new_keeps_what_stayed_and_drops_the_rest() -> None:
    before = published(plan_of("gone.csv", "same.csv"))
    plan = plan_of("new.csv", keep=("same.csv",))
    kept, new = plan.files

    decided = decide(plan, [outcome_of(new, rows=3)], held(before))

    assert [outcome.key for outcome in decided.add] == ["new.csv"]
    assert decided.drop == {f"warehouse/{planned('gone.csv').digest}.parquet"}
    assert decided.record.files[0] == next(file for file in before.files if file.digest == kept.digest)
    assert decided.record.previous == "records/previous.json"


def test_totals_are_those_of_all_files_of_the_month() -> None:
    before = published(plan_of("gone.csv", "same.csv"))
    plan = plan_of("new.csv", keep=("same.csv",))

    decided = decide(plan, [outcome_of(plan.files[1], rows=3)], held(before))

    assert decided.record.balance == balance_of(10) + balance_of(3)
    assert decided.record.balance.read == Tally(13, Decimal("3.0"), Decimal("0.50"))


def test_a_file_without_activities_is_in_the_record_and_adds_no_part() -> None:
    plan = plan_of("header-only.csv")

    decided = decide(plan, [replace(outcome_of(plan.files[0]), part=None, balance=Balance())])

    assert decided.add == ()
    assert [file.part for file in decided.record.files] == [None]


def test_publishing_what_is_published_adds_and_drops_nothing() -> None:
    plan = plan_of("a.csv", "b.csv")

    decided = decide(plan, (outcome_of(file) for file in plan.files), held(published(plan)))

    assert (decided.add, decided.drop) == ((), frozenset())


def test_a_live_part_that_no_record_knows_is_dropped() -> None:
    plan = plan_of("a.csv")

    decided = decide(plan, [outcome_of(plan.files[0])], replace(EMPTY, parts={"stray": "warehouse/stray.parquet"}))

    assert decided.drop == {"warehouse/stray.parquet"}


def test_a_file_to_keep_that_the_record_no_longer_has_means_plan_again() -> None:
    plan = plan_of("a.csv", keep=("z.csv",))

    with pytest.raises(ChangedError):
        decide(plan, [outcome_of(plan.files[1])])


def test_a_file_to_keep_whose_part_is_gone_means_plan_again() -> None:
    before = published(plan_of("z.csv"))
    plan = plan_of("a.csv", keep=("z.csv",))

    with pytest.raises(ChangedError):
        decide(plan, [outcome_of(plan.files[1])], replace(held(before), parts={}))


@pytest.mark.parametrize(
    ("was_final", "uninvoiced", "is_restated"), [(False, 5, False), (False, 0, True), (True, 5, True)]
)
def test_a_month_that_was_final_once_is_restated_ever_after(
    was_final: bool, uninvoiced: int, is_restated: bool
) -> None:
    plan = plan_of("a.csv")
    before = published(plan)
    before = replace(before, was_final=was_final, balance=replace(before.balance, uninvoiced=uninvoiced))

    decided = decide(plan, [outcome_of(plan.files[0])], held(before))

    assert decided.record.was_final is is_restated
