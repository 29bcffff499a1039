from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.contracts.ledger_bench import ENDLESS, Bench
from tests.fakes.plans import ACME, JANUARY, plan_of, report_of
from tests.waiting import until
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
