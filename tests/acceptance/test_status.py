"""`status` and `doctor` on a real deployment: who works, what waits, and what cannot be known without a broker."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.buckets import RemoteFolder, usage
from tests.acceptance.commands import Command
from tests.servers.deployment import Deployment
from tests.servers.valkey import free_port
from worker import api
from worker.adapters.sample_month import Month

pytestmark = pytest.mark.acceptance


def test_workers_and_queues_are_shown_beside_what_is_published(
    deployment: Deployment, org: str, remote: RemoteFolder, command: Command
) -> None:
    remote.deliver(Month("2025-01", rows=usage("1", "2")))
    deployment.ingest(api.source(remote.url, org, "acme"))

    shown = json.loads(command("status", "--json").out)

    assert {worker["name"].partition("@")[0]: worker["queues"] for worker in shown["workers"]} == {
        "control": ["control"],
        "files": ["files"],
    }
    assert [queue["name"] for queue in shown["queues"]] == ["control", "files", "backfill"]
    [month] = [each for each in shown["months"] if each["org_id"] == org]
    assert (month["billing_period"], month["rows"], month["seen_version_id"]) == ("2025-01", 2, month["version_id"])
    assert shown["unknown"] == ""


def test_the_doctor_finds_the_workers(deployment: Deployment, org: str, remote: RemoteFolder) -> None:
    remote.deliver(Month("2025-01", rows=usage("1", "2")))

    ended = deployment.cli("doctor", "--url", remote.url, "--org", org, "--json")

    findings = json.loads(ended.stdout)["findings"]
    assert ended.returncode == 0
    assert [each["verdict"] for each in findings if each["check"] in {"broker", "workers", "file"}] == ["ok"] * 4


@pytest.mark.parametrize("broker", ["", "redis://:canary@127.0.0.1:{port}/0"])
def test_without_a_broker_months_are_shown_and_what_is_not_known_is_said(
    deployment: Deployment, org: str, remote: RemoteFolder, broker: str
) -> None:
    remote.deliver(Month("2025-01", rows=usage("1", "2")))
    deployment.ingest(api.source(remote.url, org, "acme"))

    ended = deployment.cli("status", "--json", OFFGRIDFLOW_BROKER_URL=broker.format(port=free_port()))

    shown = json.loads(ended.stdout)
    assert (ended.returncode, "canary" in ended.stdout + ended.stderr) == (0, False)
    assert [each["cell"] for each in shown["months"] if each["org_id"] == org] == ["provisional"]
    assert shown["unknown"].startswith("runs in flight, workers, queues, schedules and token buckets are not shown: ")
