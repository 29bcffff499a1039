"""No credential is ever said: not in a message, a key, a log, a report, an error or a page of Flower."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis, exceptions

from tests.acceptance.buckets import RemoteFolder, usage
from tests.servers.deployment import Deployment
from tests.servers.environments import WRONG
from tests.servers.flower import flower
from tests.servers.seaweed import Seaweed
from tests.waiting import until
from worker import api
from worker.adapters.sample_month import Month
from worker.domain.outcome import RunState

pytestmark = pytest.mark.acceptance

BROKER_PASSWORD = "canary-of-the-broker"
FLOWER_PASSWORD = "canary-of-flower"
PAGES = ("/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/api/queues/length", "/metrics")


@contextmanager
def everything_sent(broker: str) -> Iterator[list[str]]:
    """All commands that reach the broker while the block runs: what is in a message or a key passes here."""
    seen: list[str] = []
    with Redis.from_url(broker) as redis, redis.monitor() as monitor:

        def listen() -> None:
            try:
                seen.extend(map(str, monitor.listen()))
            except (exceptions.ConnectionError, ValueError):  # the end of the block
                return

        listener = threading.Thread(target=listen, name="monitor")
        listener.start()
        try:
            yield seen
        finally:
            monitor.connection.disconnect()
            listener.join()


def test_no_credential_is_said_anywhere(
    deployment: Deployment, seaweed: Seaweed, org: str, remote: RemoteFolder
) -> None:
    canaries = {
        "the secret": seaweed.owner.secret_key,
        "a wrong one": WRONG.secret_key,
        "the broker's": BROKER_PASSWORD,
        "Flower's": FLOWER_PASSWORD,
    }
    remote.deliver(Month("2025-01", rows=usage("1.25")))
    with Redis.from_url(deployment.broker) as redis:
        redis.execute_command("ACL", "SETUSER", "canary", "on", f">{BROKER_PASSWORD}", "~*", "&*", "+@all")
    broker = deployment.broker.replace("redis://", f"redis://canary:{BROKER_PASSWORD}@")

    said: dict[str, str] = {}
    environment = deployment.environment | {"OFFGRIDFLOW_BROKER_URL": broker}
    with flower(environment, deployment.folder, deployment.log_file, f"me:{FLOWER_PASSWORD}") as shown:
        with everything_sent(deployment.broker) as sent:
            good, bad = deployment.ingest(
                api.source(remote.url, org, "good"), api.source(remote.url, org, "wrong", profile="wrong")
            )
            said["the command"] = "".join(
                f"{ended.stdout}{ended.stderr}"
                for ended in (
                    deployment.cli("runs", "--json", OFFGRIDFLOW_BROKER_URL=broker),
                    deployment.cli("status", "--json", OFFGRIDFLOW_BROKER_URL=broker),
                    deployment.cli("runs", OFFGRIDFLOW_BROKER_URL=broker.replace("canary:", "nobody:")),
                )
            )
        until(lambda: "offgridflow.ingest_file" in shown.page("/api/tasks"))
        said |= {f"Flower's {path}": shown.page(path) for path in PAGES}
    said["a message or key"] = "\n".join(line for line in sent if " 'AUTH'" not in line and "HELLO" not in line)
    said["the log"] = deployment.log
    reports = (deployment.warehouse / f"offgridflow_{org}").rglob("*.json")
    said["a report"] = "".join(report.read_text() for report in reports)

    assert [good.state, bad.state] == [RunState.PUBLISHED, RunState.FAILED]
    assert all(said.values())
    assert [(what, where) for where, text in said.items() for what, canary in canaries.items() if canary in text] == []
