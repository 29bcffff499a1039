"""Planning a source on S3 through the real client and the real token bucket; the server says what it is told to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from limits.storage import storage_from_string

from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld, month, never
from tests.servers.http_stub import Answer, http_stub
from worker.adapters.aws_session import connect_s3
from worker.adapters.s3_reports import S3Reports
from worker.adapters.token_bucket import TokenBucketLimiter
from worker.adapters.token_bucket_storage import TokenBucket
from worker.domain.errors import TransientError
from worker.domain.plan import RunPlan
from worker.domain.trigger import Trigger
from worker.ports.limits import RateLimiter
from worker.services.plan_runs import plan_source


@pytest.fixture(autouse=True)
def _signed_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")


def answers_of(fake: FakeWorld, key: str) -> tuple[Answer, Answer]:
    """A listing of what the bucket in memory has, and the object of this key."""
    entries = "".join(
        f"<Contents><Key>{each.key}</Key><ETag>{each.etag}</ETag><Size>{each.size}</Size>"
        f"<LastModified>{each.last_modified:%Y-%m-%dT%H:%M:%SZ}</LastModified></Contents>"
        for each in fake.bucket().list()
    )
    listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
    stored = fake.bucket().objects[key]
    return Answer(body=listing.encode()), Answer(body=stored.body, headers={"ETag": f'"{stored.etag}"'})


def planned(fake: FakeWorld, limiter: RateLimiter, endpoint: str) -> RunPlan:
    store = S3Reports(ACME, connect_s3(ACME, limiter, endpoint_url=endpoint))
    [plan] = plan_source(replace(fake.world, stores=lambda _source: store), ACME, Trigger("t1"), never)
    assert isinstance(plan, RunPlan)
    return plan


def test_rate_limiting_applied(fake: FakeWorld) -> None:
    delivery = fake.deliver(month())
    waits: list[float] = []
    limiter = TokenBucketLimiter(storage_from_string("tb+memory://"), {"s3": TokenBucket(2, 0.1)}, sleep=waits.append)

    with http_stub(*answers_of(fake, delivery.manifests[-1]) * 2) as server:
        plans = [planned(fake, limiter, server.url) for _ in range(2)]

    assert [plan.requests for plan in plans] == [2, 2]
    assert len(server.asked) == 4
    assert waits == pytest.approx([10, 20], abs=1)


def test_without_a_token_no_request_is_made(fake: FakeWorld) -> None:
    delivery = fake.deliver(month())
    families = {"s3": TokenBucket(1, 0.1)}
    limiter = TokenBucketLimiter(storage_from_string("tb+memory://"), families, longest_wait_seconds=1)
    store_answers = answers_of(fake, delivery.manifests[-1])

    with http_stub(*store_answers) as server:
        store = S3Reports(ACME, connect_s3(ACME, limiter, endpoint_url=server.url))
        list(store.list())
        with pytest.raises(TransientError) as caught:
            store.read_manifest(delivery.manifests[-1])

    assert caught.value.retry_after_seconds == pytest.approx(10, abs=1)
    assert len(server.asked) == 1
