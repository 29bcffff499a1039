"""Acceptance criteria 15 and 20 once more: what a big run leaves in the ledger, what a long history costs the second time."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from pathlib import Path

from redis import Redis

from tests.fakes.plans import ACME, outcome_of, plan_of, report_of
from tests.fakes.world import COLUMNS, FakeWorld, never
from worker.adapters.redis_broker import Broker
from worker.adapters.redis_keys import RunKeys
from worker.adapters.redis_leases import RedisFileLeases
from worker.adapters.redis_ledger import RedisRunLedger
from worker.adapters.sample_month import Month, write_month
from worker.domain.billing_period import BillingPeriod
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.plan import RunPlan
from worker.domain.publication import Held, Publication, publication
from worker.domain.trigger import Trigger
from worker.services.plan_runs import plan_source

FILES, REDIS_BYTES = 10_000, 50_000_000
"""Half of what a run may take in Redis; the messages have the other half."""

AN_HOUR, LEFT_BYTES = 3600, 20_000
"""A published run gives back what its files took, but for its report."""


def test_ac15_the_ledger_of_ten_thousand_files_and_their_outcomes_is_small_and_does_not_stay(
    clean_valkey_url: str,
) -> None:
    broker = Broker.connect(clean_valkey_url)
    ledger, leases = RedisRunLedger(broker), RedisFileLeases(broker)
    folder = "cur/a-report-of-a-usual-name/20240101-20240201/6b1d2a52-0f5c-4c1e-9d59-6f6a3f2b7c01"
    plan = plan_of(*(f"{folder}/a-report-{number:05}.csv.gz" for number in range(FILES)))
    with Redis.from_url(clean_valkey_url) as redis:
        before = redis.info("memory")["used_memory"]

        run_id, _ = ledger.open(plan, "t1")
        for file in plan.files:
            leases.record(run_id, outcome_of(file, run_id))

        grown = redis.info("memory")["used_memory"] - before
        done = ledger.progress(run_id).done
        ledger.close(run_id, report_of(run_id, RunState.PUBLISHED))
        run = RunKeys.of(run_id)
        soon = [redis.ttl(key) for key in (run.files, run.outcomes)]
        left = redis.memory_usage(run.run)
    assert done == FILES
    assert grown < REDIS_BYTES
    assert all(0 < seconds <= AN_HOUR for seconds in soon)
    assert left < LEFT_BYTES


STRANGERS, MONTHS, PAGE, MOST_REQUESTS = 50_000, 1_200, 1_000, 1_300


def bucket_of(fake: FakeWorld, folder: Path) -> None:
    """1,200 months, one a file, among 50,000 objects that are nobody's report."""
    delivery = write_month(folder, Month("2000-01", columns=COLUMNS, prefix="cur", overwrite=True))
    body, manifest = ((folder / key).read_bytes() for key in (delivery.files[0], delivery.manifests[-1]))
    month = BillingPeriod(2000, 1)
    for _ in range(MONTHS):
        dates = f"{month.start:%Y%m%d}-{month.end:%Y%m%d}"
        text = manifest.replace(b"20000201T", f"{month.end:%Y%m%d}T".encode())
        text = text.replace(b"20000101T", f"{month.start:%Y%m%d}T".encode()).replace(
            b"20000101-20000201", dates.encode()
        )
        fake.bucket().put(delivery.files[0].replace("20000101-20000201", dates), body)
        fake.bucket().put(delivery.manifests[-1].replace("20000101-20000201", dates), text)
        month = month.next()
    for number in range(STRANGERS):
        fake.bucket().put(f"cur/logs/{number:06}.gz", b"")


def publish(fake: FakeWorld, plan: RunPlan) -> None:
    outcomes: Mapping[str, FileOutcome] = {file.digest: outcome_of(file) for file in plan.files}

    def decide(held: Held) -> Publication:
        return publication(plan, "run-1", outcomes, held, fake.clock.now())

    fake.table.publish(plan.slot, decide)


def test_ac20_a_hundred_years_among_strangers_cost_one_manifest_a_month_and_then_none(tmp_path: Path) -> None:
    fake = FakeWorld(tmp_path)
    bucket_of(fake, tmp_path / "delivered")
    bucket = fake.bucket()
    pages = ceil(len(bucket.objects) / PAGE)

    plans = [each for each in plan_source(fake.world, ACME, Trigger("t1"), never) if isinstance(each, RunPlan)]
    first = bucket.requests
    for plan in plans:
        publish(fake, plan)
    again = [each for each in plan_source(fake.world, ACME, Trigger("t2"), never) if isinstance(each, RunPlan)]

    assert (len(plans), first) == (MONTHS, pages + MONTHS)
    assert first <= MOST_REQUESTS
    assert (again, bucket.requests - first) == ([], pages)
