"""Months are ingested while everything that can die dies: each is published once, whole, and nothing is left over."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tests.acceptance.buckets import RemoteFolder, usage
from tests.acceptance.processes import needs_proc, processes_with
from tests.chaos.faults import Misfortune
from tests.chaos.storm import KILLS, Storm
from tests.servers.ageing import let_messages_age
from tests.servers.deployment import Deployment, deployed, used
from tests.servers.valkey import keys_without_ttl
from tests.waiting import until
from worker import api
from worker.adapters.redis_keys import ACTIVE_RUNS, OPEN_TRIGGERS, RECENT_RUNS, RunKeys
from worker.adapters.sample_month import Month
from worker.domain.outcome import RunState
from worker.domain.source import Source
from worker.reading import tables

pytestmark = needs_proc

SHARE_OF_FAULTS = 0.05
IMPATIENT = {
    "OFFGRIDFLOW_STALE_SECONDS": "3",
    "OFFGRIDFLOW_REQUEST_TIMEOUT": "1",
    "OFFGRIDFLOW_MAX_RETRIES": "10",
}
"""Lost messages are missed sooner. Attempts are many, because a storm of this density is none that AWS has."""

QUEUES = ("files", "control", "unacked", "unacked_index")
BY_MONTH = """
    select billing_period, count(*), count(distinct activity_id), sum(cost) from activities group by 1 order by 1
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is ingested by how many workers of two children, and how often what happens meanwhile."""

    months: int
    files: int
    workers: int
    blows: Counter[str]

    @property
    def periods(self) -> list[str]:
        return [f"2025-{month:02}" for month in range(1, self.months + 1)]


SHORT = Scale(
    months=2,
    files=30,
    workers=2,
    blows=Counter({
        "worker killed": 2, "worker frozen, then killed": 2, "child killed": 4, "control worker killed": 1, "broker killed": 1,
        "message dropped": 1, "message duplicated": 2, "messages in hand delivered again": 1,
    }),
)  # fmt: skip
LONG = Scale(
    months=6,
    files=200,
    workers=3,
    blows=Counter({
        "worker killed": 15, "worker frozen, then killed": 12, "child killed": 30, "control worker killed": 6, "broker killed": 5,
        "message dropped": 10, "message duplicated": 10, "messages in hand delivered again": 5,
    }),
)  # fmt: skip


def delivered(remote: RemoteFolder, scale: Scale, chance: Random) -> list[tuple[str, int, int, Decimal]]:
    """Deliver the months; what must be found of each."""
    expected = []
    for period in scale.periods:
        costs = [Decimal(chance.randrange(1, 10_000_000)) / 10_000 for _ in range(scale.files)]
        remote.deliver(Month(period, rows=usage(*map(str, costs), period=period), rows_per_file=1))
        expected.append((period, scale.files, scale.files, sum(costs, Decimal(0))))
    return expected


def commits(org: str) -> Counter[str]:
    """How often each month was committed to the org's table."""
    table = tables().find(org)
    snapshots = table.metadata.snapshots if table else []
    return Counter(str(each.summary["billing_period"]) for each in snapshots if each.summary)


@dataclass(frozen=True, slots=True)
class Account:
    """What a storm left, and what it cost."""

    states: Counter[RunState]
    errors: list[str]
    months: list[tuple[str, int, int, Decimal]]
    commits: Counter[str]
    immortal: list[str]
    executions: int
    seconds: float


def weathered(deployment: Deployment, storm: Storm, source: Source, scale: Scale) -> Account:
    """Ingest the source in the storm, and look around when all is quiet."""
    started = time.monotonic()
    asked = deployment.ask(source)
    storm.rage(scale.blows.elements(), scale.months * scale.files)
    reports = deployment.follow(asked, restarting=True)
    seconds = time.monotonic() - started
    let_messages_age(deployment.broker)
    with storm.redis() as redis:
        runs = [RunKeys.of(run_id) for run_id in redis.zrange(RECENT_RUNS, 0, -1)]
        stuck = (*QUEUES, ACTIVE_RUNS, OPEN_TRIGGERS, *(run.pending for run in runs), *(run.leases for run in runs))
        until(lambda: redis.exists(*stuck) == 0, seconds=120)
        return Account(
            states=Counter(report.state for report in reports if report.state is not RunState.SUPERSEDED),
            errors=[f"{error.code}: {error.message}" for report in reports for error in report.errors],
            months=list(api.query(BY_MONTH, source.org_id).rows),
            commits=commits(source.org_id),
            immortal=keys_without_ttl(redis),
            executions=sum(int(times) for run in runs for times in redis.hvals(run.deliveries)),
            seconds=seconds,
        )


def weather(folder: Path, remote: RemoteFolder, scale: Scale, seed: int, org: str) -> str:
    """One storm, and that it did no harm; what was done, as a table."""
    chance = Random(seed)
    expected = delivered(remote, scale, chance)
    workers = ("control", *(f"files-{number}" for number in range(scale.workers)))
    with deployed(folder, remote.server, *workers, **IMPATIENT) as deployment, used(deployment.environment):
        storm, faults = Storm(deployment, chance), Misfortune(seed, SHARE_OF_FAULTS)
        deployment.s3.mishap = faults
        account = weathered(deployment, storm, api.source(remote.url, org), scale)

    assert (account.states, account.errors) == ({RunState.PUBLISHED: scale.months}, [])
    assert account.months == expected
    assert account.commits == dict.fromkeys(scale.periods, 1)
    assert account.immortal == []
    assert processes_with(f"HOME={folder}") == []
    assert {kill: storm.struck[kill] for kill in KILLS} == {kill: scale.blows[kill] for kill in KILLS}
    return _told(seed, scale, storm, faults, account)


def _told(seed: int, scale: Scale, storm: Storm, faults: Misfortune, account: Account) -> str:
    facts = {
        "seed": seed,
        "runs published once": scale.months,
        "files": scale.months * scale.files,
        "executions": account.executions,
        "seconds": round(account.seconds),
        **storm.struck,
        "readings of S3": faults.read,
        **{f"fault: {name}": times for name, times in sorted(faults.met.items())},
    }
    return "\n".join(f"{name:40} {value:>8}" for name, value in facts.items())


@pytest.mark.acceptance
@pytest.mark.long
def test_months_are_published_once_in_a_short_storm(tmp_path: Path, remote: RemoteFolder, seed: int, org: str) -> None:
    weather(tmp_path / "deployment", remote, SHORT, seed, org)


@pytest.mark.chaos
def test_months_are_published_once_in_a_long_storm(
    tmp_path: Path, remote: RemoteFolder, seed: int, org: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = weather(tmp_path / "deployment", remote, LONG, seed, org)

    with capsys.disabled():
        print(f"\n{told}")  # noqa: T201 - who runs this wants to read it
