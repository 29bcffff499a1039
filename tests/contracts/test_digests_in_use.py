"""Which files the ledger's runs name: what `vacuum` must spare."""

from __future__ import annotations

from tests.contracts.ledger_bench import Bench
from tests.fakes.plans import outcome_of, plan_of, report_of

WEEK_SECONDS = 7 * 24 * 3600.0


def test_an_empty_ledger_names_nothing(bench: Bench) -> None:
    assert bench.ledger.digests_in_use(WEEK_SECONDS) == frozenset()


def test_a_running_run_names_every_file_whether_it_adds_or_keeps_it(bench: Bench) -> None:
    plan = plan_of("a.csv", "b.csv", keep=("c.csv",))
    run_id, _ = bench.ledger.open(plan, "t1")
    bench.leases.record(run_id, outcome_of(plan.files[1]))

    assert bench.ledger.digests_in_use(0) == {file.digest for file in plan.files}


def test_a_closed_run_names_its_files_for_a_while(bench: Bench) -> None:
    plan, running = plan_of("a.csv"), plan_of("b.csv", manifest_etag="m2")
    run_id, _ = bench.ledger.open(plan, "t1")
    bench.ledger.open(running, "t1")
    bench.ledger.close(run_id, report_of(run_id))

    bench.after(0.2)

    assert bench.ledger.digests_in_use(WEEK_SECONDS) == {plan.files[0].digest, running.files[0].digest}
    assert bench.ledger.digests_in_use(0.1) == {running.files[0].digest}
