"""Acceptance criteria 15 and 20: thousands of files in one run, a bucket of fifty thousand strangers."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest
from redis import Redis

from tests.fakes.plans import ACME
from tests.fakes.world import COLUMNS, FakeWorld, never
from worker.adapters.sample_month import Month, write_month
from worker.domain.billing_period import BillingPeriod
from worker.domain.plan import RunPlan
from worker.domain.trigger import Trigger
from worker.services.plan_runs import plan_source
from worker.settings import environment_for

FILES = 2_000
"""A fifth of what the criterion names, with a fifth of the Redis it allows: sending takes about 4 ms a file."""

MESSAGE_BYTES = 2048
REDIS_BYTES = 100_000_000 * FILES // 10_000
SENDER_KIBIBYTES = 300 * 1024

SEND = """
import resource, sys
from tasks.sending import send
from worker.services.dispatch import Dispatch
send(Dispatch("0123456789abcdef-1", tuple(f"{n:064x}" for n in range(int(sys.argv[1])))))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

STRANGERS, MONTHS, PAGE, MOST_REQUESTS = 50_000, 1_200, 1_000, 1_300


def test_ac15_a_run_of_many_files_is_small_in_messages_memory_and_redis(clean_valkey_url: str, tmp_path: Path) -> None:
    with Redis.from_url(clean_valkey_url) as redis:
        before = redis.info("memory")["used_memory"]

        sent = subprocess.run(
            [sys.executable, "-c", SEND, str(FILES)],
            cwd=tmp_path,
            env=environment_for(clean_valkey_url),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )

        messages = redis.lrange("files", 0, -1)
        grown = redis.info("memory")["used_memory"] - before
    assert len(messages) == FILES
    assert max(map(len, messages)) <= MESSAGE_BYTES
    assert grown < REDIS_BYTES
    assert int(sent.stdout) < SENDER_KIBIBYTES


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> FakeWorld:
    """A bucket of 1,200 delivered months among 50,000 objects that are nobody's report."""
    folder = tmp_path_factory.mktemp("crowded")
    fake = FakeWorld(folder)
    template = write_month(folder / "bucket", Month("2000-01", columns=COLUMNS, prefix="cur", overwrite=True))
    manifest = (folder / "bucket" / template.manifests[-1]).read_text()
    body = (folder / "bucket" / template.files[0]).read_bytes()
    for year in range(2000, 2100):
        for number in range(1, 13):
            put_month(fake, BillingPeriod(year, number), (template.files[0], manifest), body)
    for number in range(STRANGERS):
        fake.bucket().put(f"cur/logs/{number:06}.gz", b"")
    return fake


def put_month(fake: FakeWorld, period: BillingPeriod, template: tuple[str, str], body: bytes) -> None:
    key, manifest = template
    folder = f"{period.start:%Y%m%d}-{period.end:%Y%m%d}"
    fake.bucket().put(key.replace("20000101-20000201", folder), body)
    dates = {"20000101": f"{period.start:%Y%m%d}", "20000201": f"{period.end:%Y%m%d}"}
    text = re.sub("|".join(dates), lambda found: dates[found[0]], manifest)
    fake.bucket().put(f"cur/report/{folder}/report-Manifest.json", text.encode())


def pages(fake: FakeWorld) -> int:
    return ceil(len(fake.bucket().objects) / PAGE)


def test_ac20_twelve_hundred_months_among_strangers_are_planned_in_few_requests(crowded: FakeWorld) -> None:
    planned = list(plan_source(crowded.world, ACME, Trigger("t"), never))

    calls = crowded.bucket().calls
    assert len(planned) == MONTHS
    assert all(isinstance(each, RunPlan) for each in planned)
    assert calls["list"] == 1
    assert calls["list"] * pages(crowded) + calls["read_manifest"] <= MOST_REQUESTS


def test_ac20_no_manifest_is_read_whose_listing_shows_the_published_etag(crowded: FakeWorld, tmp_path: Path) -> None:
    fake = FakeWorld(tmp_path)
    fake.buckets = crowded.buckets
    narrow = replace(ACME, start=BillingPeriod(2000, 1), end=BillingPeriod(2003, 1))
    fake.ingest(narrow)
    fake.bucket().calls.clear()

    reports = fake.ingest(narrow, trigger_id="t2")

    assert {(str(report.state), report.errors) for report in reports} == {("up_to_date", ())}
    assert len(reports) == 36
    assert fake.bucket().calls == {"list": 1}
