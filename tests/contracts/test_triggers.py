from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.contracts.ledger_bench import ENDLESS, Bench
from tests.fakes.plans import ACME, JANUARY, plan_of, report_of
from tests.waiting import until
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import NotFoundError
from worker.domain.outcome import RunState
from worker.domain.trigger import Trigger, TriggerState

ASKED = Trigger("t1", names=("acme",), sources=(ACME,), start=JANUARY, end=JANUARY.next(), max_rejected_percent=1.5)


def test_a_trigger_comes_back_as_it_was_opened(bench: Bench) -> None:
    bench.triggers.open(ASKED)

    assert bench.triggers.get("t1") == ASKED
    assert bench.triggers.state("t1") == TriggerState(planned=False, run_ids=(), reports=())


def test_a_trigger_opened_again_changes_nothing(bench: Bench) -> None:
    bench.triggers.open(ASKED)
    bench.triggers.attach("t1", "run-1")
    bench.triggers.planned("t1")

    bench.triggers.open(replace(ASKED, names=("other",)))

    assert bench.triggers.get("t1") == ASKED
    assert bench.triggers.state("t1") == TriggerState(planned=True, run_ids=("run-1",), reports=())


def test_what_came_of_a_trigger_is_kept_in_order_and_once(bench: Bench) -> None:
    bench.triggers.open(ASKED)
    march, january = report_of("", RunState.UP_TO_DATE, "2024-03"), report_of("", RunState.UP_TO_DATE, "2024-01")
    source = report_of("", RunState.FAILED, None)

    for run_id in ("run-2", "run-1", "run-2"):
        bench.triggers.attach("t1", run_id)
    for report in (march, january, source, replace(march, requests=1)):
        bench.triggers.conclude("t1", report)
    bench.triggers.planned("t1")

    state = bench.triggers.state("t1")
    assert state == TriggerState(True, ("run-2", "run-1"), (source, january, replace(march, requests=1)))


def test_a_trigger_learns_of_the_run_it_opened_and_of_the_run_it_joined(bench: Bench) -> None:
    bench.triggers.open(Trigger("t1"))
    bench.triggers.open(Trigger("t2"))

    run_id, _ = bench.ledger.open(plan_of("a.csv"), "t1")
    bench.ledger.open(plan_of("a.csv"), "t2")

    assert bench.triggers.state("t1").run_ids == bench.triggers.state("t2").run_ids == (run_id,)


def test_a_trigger_nobody_opened_is_not_there(bench: Bench) -> None:
    bench.triggers.attach("ghost", "run-1")
    bench.triggers.conclude("ghost", report_of("", RunState.UP_TO_DATE))
    bench.triggers.planned("ghost")

    for read in (bench.triggers.get, bench.triggers.state):
        with pytest.raises(NotFoundError):
            read("ghost")
    assert bench.repairer(replace(ENDLESS, stale_seconds=0)).stale_triggers() == ()


def test_a_trigger_whose_coordinator_is_not_heard_of_is_sent_again_once_an_interval(bench: Bench) -> None:
    bench.triggers.open(ASKED)
    repairer = bench.repairer(replace(ENDLESS, stale_seconds=1))

    too_early = repairer.stale_triggers()
    found = until(repairer.stale_triggers, tick=bench.tick)

    assert too_early == ()
    assert found == (ASKED,)
    assert repairer.stale_triggers() == ()


def open_a_run(bench: Bench) -> None:
    bench.ledger.open(plan_of("a.csv"), "t1")


def conclude_a_month(bench: Bench) -> None:
    bench.triggers.conclude("t1", report_of("", RunState.UP_TO_DATE))


@pytest.mark.parametrize("say_something", [open_a_run, conclude_a_month])
def test_a_coordinator_that_is_heard_of_is_not_helped(bench: Bench, say_something: Callable[[Bench], None]) -> None:
    bench.triggers.open(replace(ASKED, trigger_id="silent"))
    bench.triggers.open(ASKED)
    bench.after(1)

    say_something(bench)

    stale = bench.repairer(replace(ENDLESS, stale_seconds=1)).stale_triggers()
    assert [trigger.trigger_id for trigger in stale] == ["silent"]


def test_a_planned_trigger_is_not_sent_again(bench: Bench) -> None:
    bench.triggers.open(ASKED)

    bench.triggers.planned("t1")
    bench.triggers.attach("t1", "run-1")

    assert bench.repairer(replace(ENDLESS, stale_seconds=0)).stale_triggers() == ()


LATER = replace(ASKED, trigger_id="later", after_seconds=0.5)


def test_a_trigger_for_later_is_sent_when_its_time_has_come_and_once(bench: Bench) -> None:
    bench.triggers.open(LATER)
    repairer = bench.repairer(ENDLESS)

    too_early = repairer.stale_triggers()
    found = until(repairer.stale_triggers, tick=bench.tick)

    assert (too_early, found) == ((), (LATER,))
    assert repairer.stale_triggers() == ()


def test_a_trigger_whose_time_came_and_whose_message_was_lost_is_sent_again(bench: Bench) -> None:
    bench.triggers.open(replace(LATER, after_seconds=0.01))
    until(bench.repairer(ENDLESS).stale_triggers, tick=bench.tick)

    assert not bench.triggers.state("later").planned
    assert bench.repairer(replace(ENDLESS, stale_seconds=0)).stale_triggers()


def test_of_the_triggers_for_later_one_waits_for_each_month(bench: Bench) -> None:
    other_month = replace(LATER, trigger_id="march", start=BillingPeriod(2024, 3), end=None)
    for trigger in (LATER, replace(LATER, trigger_id="beside"), other_month):
        bench.triggers.open(trigger)
    bench.after(0.5)

    found = bench.repairer(ENDLESS).stale_triggers()

    assert sorted(trigger.trigger_id for trigger in found) == ["later", "march"]


def test_once_its_time_has_come_the_next_one_may_wait(bench: Bench) -> None:
    bench.triggers.open(LATER)
    bench.after(0.5)
    bench.repairer(ENDLESS).stale_triggers()

    bench.triggers.open(replace(LATER, trigger_id="next"))

    assert bench.triggers.get("next").trigger_id == "next"


def test_a_run_ends_and_its_trigger_is_opened_in_one_step(bench: Bench) -> None:
    run_id, _ = bench.ledger.open(plan_of("a.csv"), "t1")

    closed = [
        bench.ledger.close(run_id, report_of(run_id), again) for again in (ASKED, replace(ASKED, trigger_id="t2"))
    ]

    assert closed == [True, False]
    assert bench.triggers.get("t1") == ASKED
    with pytest.raises(NotFoundError):
        bench.triggers.get("t2")
