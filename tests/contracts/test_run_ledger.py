from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.contracts.ledger_bench import Bench
from tests.fakes.plans import failure_of, outcome_of, plan_of, report_of
from worker.domain.errors import NotFoundError
from worker.domain.outcome import RunState


def test_a_plan_comes_back_whole_and_in_order(bench: Bench) -> None:
    plan = plan_of("c.csv", "a.csv", "b.csv", keep=("z.csv", "y.csv"))

    run_id, is_new = bench.ledger.open(plan, "t1")

    assert is_new
    assert run_id == f"{plan.base_id}-1"
    assert bench.ledger.plan(run_id) == plan


def test_a_plan_stays_whole_while_its_files_are_done(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")

    bench.leases.record(run_id, outcome_of(plan.files[0]))

    assert bench.ledger.plan(run_id) == plan


def test_opening_a_plan_that_runs_joins_its_run(bench: Bench) -> None:
    first, _ = bench.ledger.open(plan_of("a.csv"), "t1")

    again = bench.ledger.open(plan_of("a.csv"), "t2")

    assert again == (first, False)


def test_coordinators_that_open_one_plan_at_once_get_one_run(bench: Bench) -> None:
    plan, together = plan_of("a.csv", "b.csv"), threading.Barrier(8)

    def coordinate(number: int) -> tuple[str, bool]:
        together.wait()
        return bench.ledger.open(plan, f"t{number}")

    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(coordinate, range(8)))

    assert {run_id for run_id, _ in opened} == {f"{plan.base_id}-1"}
    assert [is_new for _, is_new in opened].count(True) == 1


def test_a_plan_whose_run_has_ended_opens_its_next_attempt(bench: Bench) -> None:
    plan = plan_of("a.csv")
    first, _ = bench.ledger.open(plan, "t1")
    bench.leases.record(first, outcome_of(plan.files[0]))
    bench.ledger.close(first, report_of(first, RunState.FAILED))

    second, is_new = bench.ledger.open(plan, "t2")

    assert (second, is_new) == (f"{plan.base_id}-2", True)
    assert bench.ledger.outcomes(second) == {}
    assert len(bench.ledger.outcomes(first)) == 1


def test_the_run_opened_last_is_the_newest_of_its_slot(bench: Bench) -> None:
    older, newer = plan_of("a.csv", manifest_etag="m1"), plan_of("a.csv", manifest_etag="m2")
    assert bench.ledger.newest(older.slot) is None
    bench.ledger.open(older, "t1")
    newest, _ = bench.ledger.open(newer, "t2")

    bench.ledger.open(older, "t3")

    assert bench.ledger.newest(older.slot) == newest


def test_progress_counts_what_is_done(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv", "c.csv", keep=("z.csv",))
    run_id, _ = bench.ledger.open(plan, "t1")
    _, good, bad, _ = plan.files

    bench.leases.record(run_id, outcome_of(good, rows=7))
    bench.leases.record(run_id, outcome_of(bad, failure=failure_of(bad)))

    progress = bench.ledger.progress(run_id)
    assert (progress.total, progress.done, progress.failed) == (3, 2, 1)
    assert (progress.rows, progress.bytes_read, progress.state) == (7, 200, RunState.RUNNING)


def test_requests_are_those_of_planning_of_files_and_spent_besides(bench: Bench) -> None:
    plan = replace(plan_of("a.csv"), requests=4)
    run_id, _ = bench.ledger.open(plan, "t1")

    bench.ledger.spend(run_id, 3)
    bench.leases.record(run_id, outcome_of(plan.files[0]))
    bench.leases.record(run_id, outcome_of(plan.files[0]))

    assert bench.ledger.progress(run_id).requests == 9


def test_a_run_takes_the_time_from_its_opening_to_its_end(bench: Bench) -> None:
    run_id, _ = bench.ledger.open(plan_of("a.csv"), "t1")
    bench.after(0.1)

    running = bench.ledger.progress(run_id).seconds
    bench.ledger.close(run_id, report_of(run_id))
    closed = bench.ledger.progress(run_id).seconds
    bench.after(0.1)

    assert 0.09 < running <= closed
    assert bench.ledger.progress(run_id).seconds == closed


def test_the_first_report_ends_a_run(bench: Bench) -> None:
    run_id, _ = bench.ledger.open(plan_of("a.csv"), "t1")

    closed = [bench.ledger.close(run_id, report_of(run_id, state)) for state in (RunState.FAILED, RunState.PUBLISHED)]

    assert closed == [True, False]
    assert bench.ledger.report(run_id) == report_of(run_id, RunState.FAILED)
    assert bench.ledger.progress(run_id).state is RunState.FAILED


def test_a_run_that_has_ended_takes_no_more_work(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    one, two = plan.files
    bench.leases.claim(run_id, one.digest, "worker-1")

    bench.ledger.close(run_id, report_of(run_id))

    assert not bench.leases.renew(run_id, one.digest, "worker-1")
    assert bench.leases.claim(run_id, two.digest, "worker-1") is None
    assert not bench.leases.record(run_id, outcome_of(one))
    assert bench.ledger.outcomes(run_id) == {}
    assert not bench.ledger.cancel(run_id)


def test_a_cancelled_run_stops_its_workers(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    one, two = plan.files
    bench.leases.claim(run_id, one.digest, "worker-1")
    assert not bench.ledger.is_cancelled(run_id)

    asked = [bench.ledger.cancel(run_id), bench.ledger.cancel(run_id)]

    assert asked == [True, True]
    assert bench.ledger.is_cancelled(run_id)
    assert not bench.leases.renew(run_id, one.digest, "worker-1")
    assert bench.leases.claim(run_id, two.digest, "worker-2") is None


def test_recent_runs_come_newest_first(bench: Bench) -> None:
    opened = [bench.ledger.open(plan_of("a.csv", manifest_etag=etag), "t1")[0] for etag in ("m1", "m2", "m3")]

    recent = bench.ledger.recent(2)

    assert recent == (opened[2], opened[1])


def test_a_run_nobody_opened_is_not_there(bench: Bench) -> None:
    ledger = bench.ledger

    ledger.spend("ghost-1", 5)

    assert ledger.outcomes("ghost-1") == {}
    assert ledger.report("ghost-1") is None
    assert not ledger.is_cancelled("ghost-1")
    assert (ledger.cancel("ghost-1"), ledger.close("ghost-1", report_of("ghost-1"))) == (False, False)
    assert ledger.recent(10) == ()
    for read in (ledger.plan, ledger.progress):
        with pytest.raises(NotFoundError):
            read("ghost-1")


def test_a_plan_of_ten_thousand_files_opens_and_is_claimed_fast(bench: Bench) -> None:
    plan = plan_of(*(f"cur/2024-01/report-{number:05d}.csv.gz" for number in range(10_000)))
    started = time.monotonic()

    run_id, _ = bench.ledger.open(plan, "t1")
    opened = time.monotonic()
    jobs = [bench.leases.claim(run_id, file.digest, "worker-1") for file in plan.files[::100]]
    claimed = time.monotonic()

    assert all(job is not None and job.plan.files == () for job in jobs)
    assert bench.ledger.plan(run_id).add == plan.add
    assert opened - started < 10
    assert claimed - opened < 5
