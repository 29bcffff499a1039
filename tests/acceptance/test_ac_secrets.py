"""No credential is ever said: not in a message, a key, a log, a report, an error or a page of Flower."""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis, exceptions

from tests.acceptance.buckets import RemoteFolder, usage
from tests.servers.deployment import Deployment
from tests.servers.environments import WRONG
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import DIE_WITH_PARENT, free_port
from tests.waiting import until
from worker import api
from worker.adapters.sample_month import Month
from worker.domain.outcome import RunState

pytestmark = pytest.mark.acceptance

BROKER_PASSWORD = "canary-of-the-broker"
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


@contextmanager
def flower(deployment: Deployment, broker: str) -> Iterator[str]:
    """Flower as the Procfile starts it, on this broker; its URL."""
    port = free_port()
    options = ["-A", "worker.app", "flower", "--read_only", f"--port={port}"]
    variables = {"OFFGRIDFLOW_BROKER_URL": broker, "FLOWER_ADDRESS": "127.0.0.1", "FLOWER_UNAUTHENTICATED_API": "true"}
    with deployment.log_file.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", DIE_WITH_PARENT, sys.executable, "-m", "celery", *options],
            cwd=deployment.folder,
            env=deployment.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: page(f"{url}/healthcheck"), seconds=60)
        yield url
    finally:
        process.kill()
        process.wait()


def page(url: str) -> str:
    """What a browser would get; nothing while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            body: bytes = answer.read()
            return body.decode()
    except urllib.error.HTTPError:
        raise
    except OSError:
        return ""


def test_no_credential_is_said_anywhere(
    deployment: Deployment, seaweed: Seaweed, org: str, remote: RemoteFolder
) -> None:
    canaries = {
        "the secret": seaweed.owner.secret_key,
        "a wrong one": WRONG.secret_key,
        "the broker's": BROKER_PASSWORD,
    }
    remote.deliver(Month("2025-01", rows=usage("1.25")))
    with Redis.from_url(deployment.broker) as redis:
        redis.execute_command("ACL", "SETUSER", "canary", "on", f">{BROKER_PASSWORD}", "~*", "&*", "+@all")
    broker = deployment.broker.replace("redis://", f"redis://canary:{BROKER_PASSWORD}@")

    said: dict[str, str] = {}
    with flower(deployment, broker) as url:
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
        until(lambda: "offgridflow.ingest_file" in page(f"{url}/api/tasks"))
        said |= {f"Flower's {path}": page(url + path) for path in PAGES}
    said["a message or key"] = "\n".join(line for line in sent if " 'AUTH'" not in line and "HELLO" not in line)
    said["the log"] = deployment.log
    reports = (deployment.warehouse / f"offgridflow_{org}").rglob("*.json")
    said["a report"] = "".join(report.read_text() for report in reports)

    assert [good.state, bad.state] == [RunState.PUBLISHED, RunState.FAILED]
    assert all(said.values())
    assert [(what, where) for where, text in said.items() for what, canary in canaries.items() if canary in text] == []
