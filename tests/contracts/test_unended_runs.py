from __future__ import annotations

from dataclasses import replace

from tests.contracts.ledger_bench import ENDLESS, Bench
from tests.fakes.plans import outcome_of, plan_of, report_of
from worker.ports.ledger import Repairs


def test_a_run_without_open_files_is_sent_to_be_published_and_not_at_every_look(bench: Bench) -> None:
    plan = plan_of("a.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    bench.leases.record(run_id, outcome_of(plan.files[0]))
    patience = replace(ENDLESS, publish_after_seconds=0.2)

    too_early = bench.look(ENDLESS)
    found = bench.found(patience)

    assert too_early == ()
    assert found == (Repairs(run_id, 0, publish=True),)
    assert bench.look(patience) == ()
    assert bench.look(replace(patience, stale_seconds=0)) == (Repairs(run_id, 0, publish=True),)


def test_a_run_with_nothing_to_ingest_is_sent_to_be_published(bench: Bench) -> None:
    run_id, _ = bench.ledger.open(plan_of(keep=("z.csv",)), "t1")

    found = bench.look(replace(ENDLESS, publish_after_seconds=0))

    assert found == (Repairs(run_id, 0, publish=True),)


def test_a_run_with_an_open_file_is_not_sent_to_be_published(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    bench.leases.record(run_id, outcome_of(plan.files[0]))

    found = bench.look(replace(ENDLESS, publish_after_seconds=0))

    assert found == ()


def test_a_cancelled_run_is_sent_to_its_end_and_its_files_to_nobody(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = bench.ledger.open(plan, "t1")
    bench.leases.claim(run_id, plan.files[0].digest, "worker-1")
    bench.ledger.cancel(run_id)

    found = bench.look(replace(ENDLESS, lease_seconds=0, stale_seconds=0, publish_after_seconds=0))

    assert found == (Repairs(run_id, 0, publish=True),)


def test_a_run_past_its_deadline_is_overdue_and_nothing_else(bench: Bench) -> None:
    run_id, _ = bench.ledger.open(plan_of("a.csv"), "t1")

    found = bench.look(replace(ENDLESS, deadline_seconds=0, stale_seconds=0))

    assert found == (Repairs(run_id, 0, overdue=True),)


def test_a_run_that_has_ended_is_not_looked_at(bench: Bench) -> None:
    ended, _ = bench.ledger.open(plan_of("a.csv", manifest_etag="m1"), "t1")
    running, _ = bench.ledger.open(plan_of("a.csv", manifest_etag="m2"), "t1")

    bench.ledger.close(ended, report_of(ended))

    assert [each.run_id for each in bench.look(replace(ENDLESS, deadline_seconds=0))] == [running]
