"""Ten thousand files in one manifest: enqueued, ingested, published; and what that takes of Redis, and gives back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from redis import Redis

from tests.acceptance.buckets import totals, totals_of, usage
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker import api
from worker.adapters.redis_keys import PUBLISHED_SECONDS, RunKeys
from worker.adapters.sample_month import Month, write_month
from worker.domain.outcome import RunState
from worker.services.follow import Standing

pytestmark = pytest.mark.chaos

FILES, MINUTES = 10_000, 20
REDIS_BYTES, MESSAGE_BYTES = 100_000_000, 2048


def test_ac15_ten_thousand_files_are_one_month_and_redis_gets_its_memory_back(
    deployment: Deployment, org: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = usage("0.5") * FILES
    write_month(tmp_path, Month("2025-01", rows=rows, rows_per_file=1))
    seen = {"grown": 0, "message": 0, "waiting": 0, "results": 0}
    started = time.monotonic()

    with Redis.from_url(deployment.broker) as redis:
        before = redis.info("memory")["used_memory"]
        results = len(list(redis.scan_iter("celery-task*")))

        def look(_standing: Standing) -> None:
            assert time.monotonic() - started < MINUTES * 60, "the run did not end"
            seen["grown"] = max(seen["grown"], redis.info("memory")["used_memory"] - before)
            seen["waiting"] = max(seen["waiting"], redis.llen("files"))
            seen["message"] = max(seen["message"], *(len(each) for each in redis.lrange("files", 0, 9)), 0)
            seen["results"] = max(seen["results"], len(list(redis.scan_iter("celery-task*"))) - results)

        [report] = api.watch(deployment.broker, deployment.ask(api.source(tmp_path.as_uri(), org)), look)
        run = RunKeys.of(report.run_id)
        soon = [redis.ttl(key) for key in (run.files, run.outcomes)]
        redis.delete(run.files, run.outcomes)  # what an hour does
        until(lambda: redis.info("memory")["used_memory"] - before < REDIS_BYTES / 20)  # it is freed behind our back

    with capsys.disabled():
        print(f"\n{seen} in {time.monotonic() - started:.0f} s")  # noqa: T201 - who runs this wants to read it
    assert report.state is RunState.PUBLISHED
    assert totals(org) == totals_of(rows)
    assert seen["grown"] < REDIS_BYTES
    assert 0 < seen["message"] <= MESSAGE_BYTES
    assert seen["results"] <= 2 + len(("of the coordinator", "of the publisher"))
    assert all(0 < seconds <= PUBLISHED_SECONDS for seconds in soon)
