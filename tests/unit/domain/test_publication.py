from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.fakes.plans import ACME, NOON, balance_of, failure_of, outcome_of, plan_of, planned
from worker.domain.balance import Balance, Tally
from worker.domain.errors import BadRequestError, ChangedError, FatalError
from worker.domain.outcome import FileOutcome
from worker.domain.plan import PlannedFile, RunPlan, Slot
from worker.domain.publication import Held, Publication, PublicationRecord, publication

EMPTY = Held(record=None, uri=None, parts={})


def outcomes(*files: PlannedFile) -> dict[str, FileOutcome]:
    return {file.digest: outcome_of(file) for file in files}


def held(record: PublicationRecord, *others: PublicationRecord) -> Held:
    """The slot after this record was published."""
    return Held(record, "records/previous.json", {each.digest: each.part for each in record.files if each.part}, others)


def decide(plan: RunPlan, found: Iterable[FileOutcome], table: Held = EMPTY) -> Publication:
    return publication(plan, "run-1", {outcome.digest: outcome for outcome in found}, table, NOON)


def published(plan: RunPlan) -> PublicationRecord:
    return decide(plan, (outcome_of(file) for file in plan.files)).record


def test_a_first_publication_adds_every_part() -> None:
    plan = plan_of("a.csv", "b.csv")
    found = outcomes(*plan.files)

    decided = decide(plan, found.values())

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
