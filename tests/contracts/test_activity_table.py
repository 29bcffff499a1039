from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.publishing import held_by, publishing
from tests.fakes.plans import ACME, NOON, outcome_of, plan_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import NotFoundError
from worker.domain.plan import RunPlan
from worker.domain.publication import Held, Publication, publication
from worker.ports.table import ActivityTable


def digests(plan: RunPlan, *keys: str) -> set[str]:
    return {file.digest for file in plan.files if file.key in keys}


def test_a_slot_that_was_never_published_holds_nothing(table: ActivityTable) -> None:
    plan = plan_of("a.csv")

    held = held_by(table, plan)

    assert held == Held(record=None, uri=None, parts={}, others=())
    assert table.current(plan.slot) is None
    assert table.records() == ()


def test_a_published_month_is_current_with_its_record(table: ActivityTable) -> None:
    plan = plan_of("a.csv", "b.csv")

    record, snapshot_id = table.publish(plan.slot, publishing(plan))

    assert snapshot_id
    assert record.balance.activities.rows == 20
    assert table.current(plan.slot) == record
    assert table.records() == (record,)


def test_the_next_publication_is_decided_on_the_last_one(table: ActivityTable) -> None:
    plan = plan_of("a.csv", "b.csv")
    record, _ = table.publish(plan.slot, publishing(plan))

    held = held_by(table, plan)

    assert held.record == table.current(plan.slot) == record
    assert held.uri
    assert held.parts == {file.digest: f"file:///nowhere/{file.digest}.parquet" for file in plan.files}


def test_only_what_changed_is_added_and_dropped(table: ActivityTable) -> None:
    first, second = plan_of("a.csv", "b.csv"), plan_of("c.csv", keep=("b.csv",), manifest_etag="m2")
    _, before = table.publish(first.slot, publishing(first))

    record, after = table.publish(second.slot, publishing(second, "run-2"))

    assert after != before
    assert record.previous
    assert held_by(table, second).parts.keys() == digests(second, "b.csv", "c.csv")


def test_a_month_without_parts_is_published_all_the_same(table: ActivityTable) -> None:
    plan = plan_of("a.csv")
    empty = replace(outcome_of(plan.files[0], rows=0), part=None)

    record, snapshot_id = table.publish(
        plan.slot, lambda held: publication(plan, "run-1", {empty.digest: empty}, held, NOON)
    )

    assert snapshot_id
    assert table.current(plan.slot) == record
    assert held_by(table, plan).parts == {}


def test_a_publication_that_changes_no_part_is_a_commit_too(table: ActivityTable) -> None:
    first, same = plan_of("a.csv"), plan_of(keep=("a.csv",), manifest_etag="m2")
    _, before = table.publish(first.slot, publishing(first))

    record, after = table.publish(same.slot, publishing(same, "run-2"))

    assert after != before
    assert record.run_id == "run-2"
    assert held_by(table, same).parts.keys() == digests(first, "a.csv")


def test_nothing_left_to_do_commits_nothing(table: ActivityTable) -> None:
    plan = plan_of("a.csv")
    done = table.publish(plan.slot, publishing(plan))

    assert table.publish(plan.slot, lambda _held: None) == done


def test_nothing_left_to_do_where_nothing_is_published_is_an_error(table: ActivityTable) -> None:
    with pytest.raises(NotFoundError):
        table.publish(plan_of("a.csv").slot, lambda _held: None)


def test_a_publication_is_decided_again_when_another_came_first(table: ActivityTable) -> None:
    early, late = plan_of("a.csv"), plan_of("a.csv", "b.csv", manifest_etag="m2")
    decisions: list[Held] = []

    def overtaken(held: Held) -> Publication | None:
        decisions.append(held)
        if len(decisions) == 1:
            table.publish(early.slot, publishing(early))
        return publishing(late, "run-2")(held)

    record, _ = table.publish(late.slot, overtaken)

    assert [held.record is None for held in decisions] == [True, False]
    assert record.previous == decisions[1].uri
    assert held_by(table, late).parts.keys() == digests(late, "a.csv", "b.csv")


def test_the_same_month_under_another_name_is_shown_to_the_decision(table: ActivityTable) -> None:
    ours, theirs = plan_of("a.csv"), plan_of("a.csv", source=replace(ACME, name="globex", account_id="2"))
    record, _ = table.publish(theirs.slot, publishing(theirs))

    held = held_by(table, ours)

    assert held.others == (record,)
    assert held.record is None


def test_other_months_and_other_orgs_are_not_shown_to_the_decision(table: ActivityTable) -> None:
    later = replace(plan_of("a.csv", source=replace(ACME, name="globex")), period=BillingPeriod(2024, 2))
    foreign = plan_of("a.csv", source=replace(ACME, name="globex", org_id="org-9"))
    table.publish(later.slot, publishing(later))
    table.publish(foreign.slot, publishing(foreign))

    assert held_by(table, plan_of("a.csv")).others == ()


def test_each_org_has_its_own_records(table: ActivityTable) -> None:
    ours, theirs = plan_of("a.csv"), plan_of("a.csv", source=replace(ACME, org_id="org-9"))
    mine, _ = table.publish(ours.slot, publishing(ours))
    foreign, _ = table.publish(theirs.slot, publishing(theirs))

    assert table.records("org-123") == (mine,)
    assert table.records("org-9") == (foreign,)
    assert table.records() == (mine, foreign)
