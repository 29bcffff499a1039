"""A month unpublished on purpose: on the fake table and on the real one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.publishing import held_by, publishing
from tests.fakes.plans import ACME, NOON, plan_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import NotFoundError
from worker.ports.table import ActivityTable


def test_a_forgotten_month_is_no_longer_published_and_holds_no_part(table: ActivityTable) -> None:
    plan = plan_of("a.csv", "b.csv")
    record, _ = table.publish(plan.slot, publishing(plan))

    assert table.forget(plan.slot, NOON) == record

    assert table.current(plan.slot) is None
    assert table.records() == ()
    assert held_by(table, plan).record is None
    assert held_by(table, plan).parts == {}


def test_a_forgotten_month_is_remembered_with_its_last_record(table: ActivityTable) -> None:
    plan = plan_of("a.csv")
    record, _ = table.publish(plan.slot, publishing(plan))

    table.forget(plan.slot, NOON)

    assert table.forgotten() == table.forgotten("org-123") == ((record, NOON),)
    assert table.forgotten("org-9") == ()


def test_a_forgotten_month_is_published_again_and_leads_back_to_its_last_record(table: ActivityTable) -> None:
    plan = plan_of("a.csv")
    first, _ = table.publish(plan.slot, publishing(plan))
    table.forget(plan.slot, NOON)

    again, _ = table.publish(plan.slot, publishing(plan, "run-2"))

    assert table.current(plan.slot) == again
    assert table.forgotten() == ()
    assert table.record_at(str(again.previous)) == first
    assert held_by(table, plan).parts.keys() == {plan.files[0].digest}


def test_what_is_forgotten_is_one_slot(table: ActivityTable) -> None:
    plan = plan_of("a.csv", source=replace(ACME, account_id="1"))
    later = replace(plan, period=BillingPeriod(2024, 2))
    globex = plan_of("a.csv", source=replace(ACME, name="globex", account_id="2"))
    for each in (plan, later, globex):
        table.publish(each.slot, publishing(each))

    table.forget(plan.slot, NOON)

    assert {record.slot for record in table.records()} == {later.slot, globex.slot}
    assert held_by(table, later).parts.keys() == {plan.files[0].digest}


def test_a_forgotten_month_is_not_shown_to_others(table: ActivityTable) -> None:
    ours, theirs = plan_of("a.csv"), plan_of("a.csv", source=replace(ACME, name="globex"))
    table.publish(theirs.slot, publishing(theirs))

    table.forget(theirs.slot, NOON)

    assert held_by(table, ours).others == ()


def test_a_month_without_parts_can_be_forgotten(table: ActivityTable) -> None:
    empty = replace(plan_of(), files=())
    table.publish(empty.slot, publishing(empty))

    table.forget(empty.slot, NOON)

    assert table.records() == ()


def test_what_is_not_published_cannot_be_forgotten(table: ActivityTable) -> None:
    plan = plan_of("a.csv")

    with pytest.raises(NotFoundError):
        table.forget(plan.slot, NOON)

    table.publish(plan.slot, publishing(plan))
    table.forget(plan.slot, NOON)
    with pytest.raises(NotFoundError):
        table.forget(plan.slot, NOON)


def test_a_record_is_read_by_the_uri_that_its_successor_names(table: ActivityTable) -> None:
    plan, next_plan = plan_of("a.csv"), plan_of("b.csv", manifest_etag="m2")
    first, _ = table.publish(plan.slot, publishing(plan))
    second, _ = table.publish(plan.slot, publishing(next_plan, "run-2"))

    assert table.record_at(str(second.previous)) == first
