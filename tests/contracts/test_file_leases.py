from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tests.contracts.ledger_bench import ENDLESS, Bench
from tests.fakes.plans import outcome_of, plan_of, planned
from worker.domain.errors import ErrorClass
from worker.domain.plan import FileJob


def test_a_claim_gives_the_job_with_the_workers_own_file_only(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")

    job = bench.leases.claim(run_id, plan.files[1].digest, "worker-1")

    assert job == FileJob(run_id, replace(plan, files=(), add=frozenset()), plan.files[1])


def test_a_redelivered_file_belongs_to_the_worker_that_claimed_it_last(bench: Bench) -> None:
    plan = plan_of("a.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    digest = plan.files[0].digest

    jobs = [bench.leases.claim(run_id, digest, token) for token in ("worker-1", "worker-2")]

    assert jobs[0] == jobs[1]
    assert not bench.leases.renew(run_id, digest, "worker-1")
    assert bench.leases.renew(run_id, digest, "worker-2")
    assert bench.leases.deliveries(run_id) == {digest: 2}


def test_who_holds_a_lease_may_ask_without_renewing_it(bench: Bench) -> None:
    plan = plan_of("a.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    digest = plan.files[0].digest
    bench.leases.claim(run_id, digest, "worker-1")

    asked = [bench.leases.holds(run_id, digest, token) for token in ("worker-1", "worker-2")]
    bench.ledger.cancel(run_id)

    assert asked == [True, False]
    assert not bench.leases.holds(run_id, digest, "worker-1")
    assert not bench.leases.holds("ghost-1", digest, "worker-1")


def test_nothing_is_claimed_that_is_done_or_kept_or_unheard_of(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv", keep=("z.csv",))
    run_id, _ = bench.ledger.open(plan, "t1")
    kept, done, _ = plan.files
    bench.leases.record(run_id, outcome_of(done))

    claims = [bench.leases.claim(run_id, digest, "w") for digest in (done.digest, kept.digest, "no such digest")]

    assert claims == [None, None, None]
    assert bench.leases.claim("ghost-1", done.digest, "w") is None
    assert not bench.leases.renew("ghost-1", done.digest, "w")


def test_a_lease_is_given_back_by_its_holder_only(bench: Bench) -> None:
    plan = plan_of("a.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    digest = plan.files[0].digest
    bench.leases.claim(run_id, digest, "worker-1")

    bench.leases.give_back(run_id, digest, "worker-2")
    still_held = bench.leases.renew(run_id, digest, "worker-1")
    bench.leases.give_back(run_id, digest, "worker-1")
    bench.leases.give_back("ghost-1", digest, "worker-1")

    assert still_held
    assert not bench.leases.renew(run_id, digest, "worker-1")


def test_a_file_given_back_was_not_lost(bench: Bench) -> None:
    plan = plan_of("a.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    digest = plan.files[0].digest
    bench.leases.claim(run_id, digest, "worker-1")

    bench.leases.give_back(run_id, digest, "worker-1")

    assert bench.look(replace(ENDLESS, lease_seconds=0)) == ()
    assert bench.leases.lose(run_id, digest) == 1


def test_of_two_outcomes_the_first_stays(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    outcomes = [outcome_of(plan.files[0], run_id=f"worker-{number}", rows=number) for number in (1, 2)]

    recorded = [bench.leases.record(run_id, outcome) for outcome in outcomes]

    assert recorded == [False, False]
    assert bench.ledger.outcomes(run_id) == {outcomes[0].digest: outcomes[0]}
    assert bench.ledger.progress(run_id).rows == 1


def test_workers_that_record_at_once_agree_on_one_outcome_and_one_count(bench: Bench) -> None:
    plan = plan_of(*(f"{number}.csv" for number in range(20)))
    run_id, _ = bench.ledger.open(plan, "t1")
    outcomes = [outcome_of(file, run_id=f"worker-{worker}") for file in plan.files for worker in range(4)]

    with ThreadPoolExecutor(8) as pool:
        recorded = list(pool.map(lambda outcome: bench.leases.record(run_id, outcome), outcomes))

    progress = bench.ledger.progress(run_id)
    assert (progress.done, progress.rows) == (20, 200)
    assert recorded.count(True) >= 1


def test_the_last_outcome_completes_the_run_and_says_so_again(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv", keep=("z.csv",))
    run_id, _ = bench.ledger.open(plan, "t1")
    _, one, two = plan.files

    recorded = [bench.leases.record(run_id, outcome_of(file)) for file in (one, two, two)]

    assert recorded == [False, True, True]


def test_an_outcome_of_a_file_that_is_not_to_be_ingested_counts_for_nothing(bench: Bench) -> None:
    plan = plan_of("a.csv", keep=("z.csv",))
    run_id, _ = bench.ledger.open(plan, "t1")

    recorded = [bench.leases.record(run_id, outcome_of(file)) for file in (plan.files[0], planned("other.csv"))]

    assert recorded == [False, False]
    assert bench.ledger.progress(run_id).done == 0
    assert not bench.leases.record("ghost-1", outcome_of(plan.files[0]))


def test_a_recorded_file_is_nobodys_to_renew(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    file = plan.files[0]
    bench.leases.claim(run_id, file.digest, "worker-1")

    bench.leases.record(run_id, outcome_of(file))

    assert not bench.leases.renew(run_id, file.digest, "worker-1")
    assert bench.look(replace(ENDLESS, lease_seconds=0)) == ()


def test_a_file_that_took_three_workers_with_it_has_failed(bench: Bench) -> None:
    plan = plan_of("cur/poison.csv.gz", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    poison = plan.files[0]

    losses = []
    for number in range(3):
        bench.leases.claim(run_id, poison.digest, f"worker-{number}")
        losses.append(bench.leases.lose(run_id, poison.digest))

    outcome = bench.ledger.outcomes(run_id)[poison.digest]
    assert losses == [1, 2, 3]
    assert outcome.failure is not None
    assert (outcome.failure.error_class, outcome.failure.code) == (ErrorClass.FATAL, "worker_lost")
    assert "cur/poison.csv.gz" in outcome.failure.message
    assert (outcome.failure.file, outcome.version_id, outcome.attempts) == (poison.key, "v1", 3)
    assert outcome.failure.remedy
    assert bench.leases.claim(run_id, poison.digest, "worker-4") is None


def test_a_loss_drops_the_lease(bench: Bench) -> None:
    plan = plan_of("a.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    digest = plan.files[0].digest
    bench.leases.claim(run_id, digest, "worker-1")

    bench.leases.lose(run_id, digest)

    assert not bench.leases.renew(run_id, digest, "worker-1")
    assert bench.look(replace(ENDLESS, lease_seconds=0)) == ()


def test_a_worker_lost_after_it_recorded_lost_nothing(bench: Bench) -> None:
    plan = plan_of("a.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    bench.leases.record(run_id, outcome_of(plan.files[0]))

    losses = [bench.leases.lose(run_id, plan.files[0].digest) for _ in range(3)]

    assert losses == [0, 0, 0]
    assert bench.ledger.progress(run_id).failed == 0
    assert bench.leases.lose("ghost-1", plan.files[0].digest) == 0
