"""The broker as docs/secure.md and docker-compose.yml guard it: its access control list, and TLS in front."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from tests.acceptance.buckets import RemoteFolder, usage
from tests.servers.access_list import ADMIN, write_users
from tests.servers.deployment import Deployment, deployed
from tests.servers.flower import Flower, flower
from tests.servers.seaweed import Seaweed
from tests.servers.tls import tls_before
from tests.servers.valkey import DURABLE, valkey_in
from tests.waiting import until
from worker.adapters.sample_month import Month

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

PASSWORD = "p@ss/canary"
QUOTED = quote(PASSWORD, safe="")
FLOWER_PASSWORD = "canary-of-flower"
PAGES = ("/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/api/queues/length")


@dataclass(frozen=True, slots=True)
class Guarded:
    """A deployment whose processes know the guarded broker alone, Flower too; ``admin`` may look behind the guard."""

    deployment: Deployment
    flower: Flower
    admin: Redis
    port: int
    url: str

    @property
    def denied(self) -> list[str]:
        """What was refused to whom, and why."""
        return [f"{each['username']}: {each['reason']} {each['object']}" for each in self.admin.acl_log()]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, seaweed: Seaweed) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    users = write_users(folder / "users.acl", PASSWORD)
    with (
        valkey_in(folder / "valkey", *DURABLE, "--aclfile", str(users)) as valkey,
        tls_before(valkey.port, folder) as tls,
    ):
        url = f"rediss://offgridflow:{QUOTED}@127.0.0.1:{tls.port}/0?ssl_ca_certs={tls.authority}"
        variables = {"OFFGRIDFLOW_BROKER_URL": url}
        with (
            deployed(folder / "deployment", seaweed, "control", "files", **variables) as deployment,
            flower(deployment.environment, deployment.folder, deployment.log_file, f"me:{FLOWER_PASSWORD}") as shown,
            Redis(port=valkey.port, username=ADMIN, password=ADMIN, decode_responses=True) as admin,
        ):
            yield Guarded(deployment, shown, admin, valkey.port, url)


def celery(guarded: Guarded, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "worker.app", *arguments],
        cwd=guarded.deployment.folder,
        env=guarded.deployment.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def test_a_whole_ingest_needs_no_more_than_the_list_allows(guarded: Guarded, remote: RemoteFolder, org: str) -> None:
    remote.deliver(Month("2025-01", rows=usage("1.25", "2.5"), rows_per_file=1))

    ended = guarded.deployment.cli("ingest", "--url", remote.url, "--org", org, "--json")
    pong = celery(guarded, "inspect", "ping")
    until(lambda: "offgridflow.ingest_file" in guarded.flower.page("/api/tasks"))
    said = [guarded.flower.page(page) for page in PAGES]

    assert [run["state"] for run in json.loads(ended.stdout)["runs"]] == ["published"]
    assert pong.count("pong") == 2
    assert guarded.denied == []
    secrets = (PASSWORD, QUOTED, FLOWER_PASSWORD)
    assert [secret for secret in secrets for text in (*said, guarded.deployment.log) if secret in text] == []


def test_flower_shows_nothing_to_whoever_does_not_sign_in(guarded: Guarded) -> None:
    answers = {page: guarded.flower.status(page) for page in PAGES}

    assert answers == dict.fromkeys(PAGES, 401)


@pytest.mark.parametrize(
    "command", [("KEYS", "*"), ("FLUSHALL",), ("CONFIG", "GET", "*"), ("GET", "anothers"), ("ACL", "LIST")]
)
def test_the_list_withholds_what_is_not_ours(guarded: Guarded, command: tuple[str, ...]) -> None:
    with Redis(port=guarded.port, username="offgridflow", password=PASSWORD) as ours, pytest.raises(NoPermissionError):
        ours.execute_command(*command)
    guarded.admin.acl_log_reset()


def test_whoever_looks_after_its_health_may_ping_and_no_more(guarded: Guarded) -> None:
    with Redis(port=guarded.port, username="health", password="any") as redis:
        pong = redis.ping()
        with pytest.raises(NoPermissionError):
            redis.get("offgridflow:runs:active")
    guarded.admin.acl_log_reset()

    assert pong


def test_a_broker_without_a_trusted_certificate_gets_no_password(guarded: Guarded) -> None:
    distrusting = guarded.url.partition("?")[0]

    ended = guarded.deployment.cli("runs", OFFGRIDFLOW_BROKER_URL=distrusting)

    assert ended.returncode not in (0, None)
    assert "cannot be reached" in ended.stderr
    assert not any(secret in ended.stderr for secret in (PASSWORD, QUOTED))
