"""A whole deployment as the Procfile starts it, on the servers and under the access control list of docs/secure.md.

Two hosts: one with nothing but a beat, which therefore has the schedule; one with everything, a second file worker too.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from redbeat.schedulers import RedBeatSchedulerEntry
from redis import Redis

from tests.acceptance.buckets import usage
from tests.acceptance.processes import needs_proc
from tests.servers.access_list import ADMIN, write_users
from tests.servers.deployment import READY, SCRIPTS
from tests.servers.environments import environment_in
from tests.servers.flower import Flower
from tests.servers.otlp import Collector, ReceivedSpan, collecting, orphans
from tests.servers.procfile import Host, Hosts, hosts
from tests.servers.seaweed import BUCKET, Seaweed
from tests.servers.valkey import DURABLE, free_port, valkey_in
from tests.waiting import until
from worker.adapters.redbeat_schedule import RedbeatSchedule
from worker.adapters.sample_month import Month, write_month
from worker.adapters.system_clock import SystemClock
from worker.domain.schedule import Schedule
from worker.domain.source import CUR

pytestmark = [pytest.mark.acceptance, pytest.mark.long, needs_proc]

PASSWORD = "canary-of-the-broker"
FLOWER_USER = "me:canary-of-flower"
CANARIES = (PASSWORD, FLOWER_USER.partition(":")[2], Seaweed.owner.secret_key)
LOCK, HEARTBEAT = "redbeat::lock", "heartbeat"
EVERYTHING = ("--concurrency", "files=2")
WORKERS = 3
QUEUES = ("control", "files", "backfill")
IN_THE_TRACE = {
    *(f"run/offgridflow.{task}" for task in ("trigger_slot", "coordinate", "ingest_file", "publish_run")),
    *(f"aws.{span}" for span in ("ingest_s3_cur", "manifest", "report_file", "publish")),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """The servers, and the hosts on them. ``admin`` may look behind the broker's guard."""

    hosts: Hosts
    admin: Redis
    admin_url: str
    flower: Flower
    collector: Collector
    seaweed: Seaweed
    prefix: str
    source: str

    def turn_comes(self) -> None:
        """Let the last turn of the source be two hours ago, for all that the schedule knows."""
        app = RedbeatSchedule(self.admin_url)._app
        entry = RedBeatSchedulerEntry.from_key(f"redbeat:{self.source}/aws_cur", app=app)
        entry.reschedule(app.now() - timedelta(hours=2))

    def tasks(self, name: str) -> list[str]:
        """The states of all tasks of this name, as Flower has them."""
        shown = json.loads(self.flower.page(f"/api/tasks?limit=1000&taskname=offgridflow.{name}") or "{}")
        return [task["state"] for task in shown.values()]

    def runs(self) -> list[str]:
        """The states of all runs, as the command says."""
        ended = subprocess.run(
            [SCRIPTS / "offgridflow", "runs", "--json"],
            cwd=self.hosts.folder,
            env=dict(self.hosts.environment),
            capture_output=True,
            check=True,
        )
        return [run["state"] for run in json.loads(ended.stdout)["runs"]]

    @property
    def publications(self) -> list[str]:
        """The records of what was published, in the bucket."""
        listed = self.seaweed.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{self.prefix}/warehouse/")
        return [each["Key"] for each in listed.get("Contents", ()) if "/publications/" in each["Key"]]

    @property
    def trace(self) -> list[ReceivedSpan]:
        """All spans of the trace that led to a publication, once it is whole."""
        spans = self.collector.spans
        published = {span.trace_id for span in spans if span.name == "aws.publish"}
        mine = [span for span in spans if span.trace_id in published]
        return [] if orphans(mine) else mine

    @property
    def said(self) -> dict[str, str]:
        """Whatever anybody could read, by where."""
        pages = ("/workers", "/tasks", "/broker", "/api/workers?refresh=1", "/api/tasks", "/metrics")
        workers = tuple(f"/worker/{name}" for name in json.loads(self.flower.page("/api/workers")))
        sent = b"".join(self.collector.bodies).decode(errors="replace")
        logs = {f"the log of {host.name}": host.log for host in self.hosts.running}
        return {f"Flower's {page}": self.flower.page(page) for page in (*pages, *workers)} | logs | {"telemetry": sent}


@pytest.fixture
def stage(tmp_path: Path, seaweed: Seaweed, org: str, request: pytest.FixtureRequest) -> Iterator[Stage]:
    users = write_users(tmp_path / "users.acl", PASSWORD)
    with ExitStack() as stack:
        valkey = stack.enter_context(valkey_in(tmp_path / "valkey", *DURABLE, "--aclfile", str(users)))
        collector, port = stack.enter_context(collecting()), free_port()
        ours = valkey.url.replace("redis://", f"redis://offgridflow:{PASSWORD}@")
        environment = environment_in(tmp_path, ours, seaweed.url, seaweed) | {
            "OFFGRIDFLOW_WAREHOUSE": f"s3://{BUCKET}/{org}/warehouse",
            "OFFGRIDFLOW_WAREHOUSE_ENDPOINT_URL": seaweed.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            "OFFGRIDFLOW_STALE_SECONDS": "120",  # as in production: nothing here is lost, so nothing is sent again
            "OFFGRIDFLOW_HEARTBEAT_FILE": str(tmp_path / HEARTBEAT),
            "FLOWER_PORT": str(port),
            "FLOWER_BASIC_AUTH": FLOWER_USER,
        }
        with suppress(pytest.skip.Exception):
            environment["OFFGRIDFLOW_CATALOG_URI"] = request.getfixturevalue("postgres").new_catalog()
        (tmp_path / "spool").mkdir()
        name = source_without_a_turn_now()
        source = f'[[source]]\nname = "{name}"\norg_id = "{org}"\n[source.cur]\nurl = "s3://{BUCKET}/{org}/cur/"\n'
        (tmp_path / "offgridflow.toml").write_text(source)
        admin_url = valkey.url.replace("redis://", f"redis://{ADMIN}:{ADMIN}@")
        admin = stack.enter_context(Redis.from_url(admin_url, decode_responses=True))
        opened = stack.enter_context(hosts(tmp_path, environment))
        flower = Flower(f"http://127.0.0.1:{port}", FLOWER_USER)
        yield Stage(opened, admin, admin_url, flower, collector, seaweed, org, name)


def source_without_a_turn_now() -> str:
    """A name whose turn by the clock is at least ten minutes away: turns come here when the test says so."""
    now = SystemClock().now().minute
    names = (f"acme-{number}" for number in count())
    return next(name for name in names if 10 <= (Schedule(name, CUR).minute - now) % 60 <= 50)


def deliver(stage: Stage, folder: Path) -> int:
    """A month of two files, as AWS delivers it; returns how many rows it has."""
    month = Month("2025-01", usage("1.25", "2.5", "4"), rows_per_file=2, prefix=f"{stage.prefix}/cur", bucket=BUCKET)
    delivery = write_month(folder, month)
    for key in (*delivery.files, *delivery.manifests):
        stage.seaweed.client.put_object(Bucket=BUCKET, Key=key, Body=(folder / key).read_bytes())
    return 3


def start_both(stage: Stage) -> tuple[Host, Host]:
    """The host whose beat has the schedule, and the one that has everything."""
    first = stage.hosts.start("first", "beat")
    until((stage.hosts.folder / HEARTBEAT).exists, seconds=60)  # of beats, only the one that has the lock touches it
    everything = stage.hosts.start("everything", *EVERYTHING)
    until(lambda: everything.log.count(READY) == WORKERS, seconds=60)
    until(lambda: stage.flower.page("/healthcheck"), seconds=60)
    return first, everything


def unfinished(stage: Stage) -> int:
    """Messages that wait, or that somebody took and neither did nor gave back."""
    return sum(stage.admin.llen(queue) for queue in QUEUES) + stage.admin.hlen("unacked")


def test_the_procfile_is_a_deployment_that_survives_its_beat(stage: Stage, tmp_path: Path) -> None:
    rows = deliver(stage, tmp_path / "as-delivered")
    first, everything = start_both(stage)

    stage.turn_comes()
    until(lambda: stage.publications, seconds=60)
    until(lambda: "SUCCESS" in stage.tasks("publish_run"))
    until(lambda: {span.name for span in stage.trace} >= IN_THE_TRACE)
    until(lambda: stage.collector.total("ingestion_success_total", connector="aws") == 1)
    shown = {name: stage.tasks(name) for name in ("trigger_slot", "coordinate", "ingest_file")}
    first.kill("beat.1")
    stage.admin.pexpire(LOCK, 1)  # the time of its lock passes
    stage.turn_comes()
    until(lambda: f"Sending due task {stage.source}/aws_cur" in everything.log, seconds=60)
    until(lambda: len(stage.tasks("trigger_slot")) == 2 and not unfinished(stage))
    states, said = stage.runs(), stage.said
    everything.stop()
    until(lambda: not everything.alive, seconds=15)

    assert shown == {"trigger_slot": ["SUCCESS"], "coordinate": ["SUCCESS"], "ingest_file": ["SUCCESS"] * 2}
    assert stage.collector.total("ingestion_items_total", connector="aws") == rows
    assert stage.collector.total("offgridflow_files_total", outcome="ingested") == 2
    assert (len(stage.publications), states.count("published")) == (1, 1)
    assert [(canary, where) for where, text in said.items() for canary in CANARIES if canary in text] == []
    assert unfinished(stage) == 0
    assert stage.admin.acl_log() == []
