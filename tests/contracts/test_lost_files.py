from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.contracts.ledger_bench import ENDLESS, Bench
from tests.fakes.plans import outcome_of, plan_of
from worker.ports.ledger import Repairs


def test_a_file_whose_lease_expired_is_sent_again_once(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    digest = plan.files[0].digest
    bench.leases.claim(run_id, digest, "worker-1")
    patience = replace(ENDLESS, lease_seconds=0.05)

    found = bench.found(patience)

    assert found == (Repairs(run_id, 1, (digest,)),)
    assert bench.look(patience) == ()
    assert not bench.leases.renew(run_id, digest, "worker-1")
    assert bench.leases.lose(run_id, digest) == 2


def test_a_renewed_lease_does_not_expire(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    living, dead = (file.digest for file in plan.files)
    for digest in (living, dead):
        bench.leases.claim(run_id, digest, "worker-1")
    bench.after(1)

    bench.leases.renew(run_id, living, "worker-1")

    assert bench.look(replace(ENDLESS, lease_seconds=1)) == (Repairs(run_id, 1, (dead,)),)


def test_each_sending_has_a_generation_of_its_own(bench: Bench) -> None:
    plan = plan_of("a.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    digest = plan.files[0].digest

    generations = []
    for _ in range(2):
        bench.leases.claim(run_id, digest, "worker-1")
        generations += [repairs.generation for repairs in bench.look(replace(ENDLESS, lease_seconds=0))]

    assert generations == [1, 2]


def test_a_file_whose_lease_expired_three_times_has_failed(bench: Bench) -> None:
    plan = plan_of("a.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    digest = plan.files[0].digest

    looks = []
    for _ in range(3):
        bench.leases.claim(run_id, digest, "worker-1")
        looks.append(bench.look(replace(ENDLESS, lease_seconds=0)))

    failure = bench.ledger.outcomes(run_id)[digest].failure
    assert [len(look) for look in looks] == [1, 1, 0]
    assert failure is not None
    assert failure.code == "worker_lost"
    assert bench.ledger.progress(run_id).failed == 1


def test_files_nobody_took_are_sent_again_once_the_run_has_stalled(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv", "c.csv", keep=("z.csv",))
    run_id, _ = bench.ledger.open(plan, "t1")
    _, done, held, forgotten = plan.files
    bench.leases.record(run_id, outcome_of(done))
    bench.leases.claim(run_id, held.digest, "worker-1")
    patience = replace(ENDLESS, stale_seconds=1)

    too_early = bench.look(patience)
    found = bench.found(patience)

    assert too_early == ()
    assert found == (Repairs(run_id, 1, (forgotten.digest,)),)
    assert bench.look(patience) == ()


def claim(bench: Bench, run_id: str, digest: str) -> None:
    bench.leases.claim(run_id, digest, "worker-1")


def lose(bench: Bench, run_id: str, digest: str) -> None:
    bench.leases.lose(run_id, digest)


@pytest.mark.parametrize("move", [claim, lose])
def test_a_run_whose_messages_arrive_has_not_stalled(bench: Bench, move: Callable[[Bench, str, str], None]) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    bench.after(1)

    move(bench, run_id, plan.files[0].digest)

    assert bench.look(replace(ENDLESS, stale_seconds=1)) == ()


def test_while_messages_wait_a_stalled_run_is_given_longer(bench: Bench) -> None:
    plan = plan_of("a.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    patience = replace(ENDLESS, stale_seconds=0)

    waiting = bench.look(patience, queue_is_empty=False)
    crowded = bench.look(replace(patience, crowded_seconds=0), queue_is_empty=False)

    assert waiting == ()
    assert crowded == (Repairs(run_id, 1, (plan.files[0].digest,)),)


def test_sending_in_vain_doubles_the_patience(bench: Bench) -> None:
    bench.ledger.open(plan_of("a.csv"), "t1")
    patience = replace(ENDLESS, stale_seconds=0.2)
    times = [bench.now()]

    for _ in range(3):
        bench.found(patience)
        times.append(bench.now())

    waits = [later - earlier for earlier, later in pairwise(times)]
    # The ledger moves its clock a moment before this test reads its own.
    assert waits[1] > 0.4 - 0.1
    assert waits[2] > 0.8 - 0.1


def test_an_outcome_restores_the_patience(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    bench.look(replace(ENDLESS, stale_seconds=0))
    bench.leases.record(run_id, outcome_of(plan.files[0]))
    bench.after(0.3)

    found = bench.look(replace(ENDLESS, stale_seconds=0.25))

    assert found == (Repairs(run_id, 2, (plan.files[1].digest,)),)


def test_watchdogs_that_look_at_once_repair_once(bench: Bench) -> None:
    plan, together = plan_of("a.csv", "b.csv"), threading.Barrier(4)
    run_id, _ = bench.ledger.open(plan, "t1")
    bench.leases.claim(run_id, plan.files[0].digest, "worker-1")

    def look(_: int) -> tuple[Repairs, ...]:
        together.wait()
        return bench.look(replace(ENDLESS, lease_seconds=0))

    with ThreadPoolExecutor(4) as pool:
        looks = list(pool.map(look, range(4)))

    assert sorted(len(found) for found in looks) == [0, 0, 0, 1]
