"""Backfills beside real workers: a few months at a time, giving way to everything else, whoever is killed."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.acceptance.buckets import totals, totals_of, usage
from tests.acceptance.commands import Command
from tests.servers.deployment import Deployment, deployed, used
from tests.servers.seaweed import Seaweed
from tests.waiting import until
from worker import api
from worker.adapters.redis_keys import BACKFILLS
from worker.adapters.sample_month import Month, write_month
from worker.domain.outcome import RunState
from worker.domain.report import RunReport

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

MONTHS = ("2025-01", "2025-02", "2025-03", "2025-04", "2025-05")
SPAN = ("--from", MONTHS[0], "--to", MONTHS[-1])
BOTH = "files,backfill"
"""The queues of a file worker, in the order that it prefers them."""


@pytest.fixture(scope="module")
def no_file_workers(seaweed: Seaweed) -> Iterator[Deployment]:
    """A deployment that plans, and reads nothing until a test starts a worker for it."""
    with deployed(Path(tempfile.mkdtemp()), seaweed, "control") as running:
        yield running


@pytest.fixture
def deployment(no_file_workers: Deployment) -> Iterator[Deployment]:
    with used(no_file_workers.environment):
        yield no_file_workers
    if BOTH in no_file_workers.workers:
        no_file_workers.workers.pop(BOTH).kill()


@pytest.fixture
def source_name(deployment: Deployment, org: str, tmp_path: Path) -> str:
    """A configured source of five months of four files each."""
    for period in MONTHS:
        write_month(tmp_path, Month(period, rows=usage("1", "2", "3", "4", period=period), rows_per_file=1))
    entry = f'[[source]]\nname = "{org}"\norg_id = "{org}"\n[source.cur]\nurl = "{tmp_path.as_uri()}"\n'
    (deployment.folder / "offgridflow.toml").write_text(entry)
    return org


def runs(deployment: Deployment, org: str) -> list[RunReport]:
    return [report for report in api.recent_runs(deployment.broker, 100) if report.org_id == org]


def is_over(deployment: Deployment) -> bool:
    with Redis.from_url(deployment.broker) as redis:
        return not redis.exists(BACKFILLS)


def waiting(deployment: Deployment, queue: str) -> int:
    with Redis.from_url(deployment.broker) as redis:
        return int(redis.llen(queue))


def test_a_file_of_a_backfill_waits_until_no_other_file_does(
    deployment: Deployment, source_name: str, command: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    today = tmp_path_factory.mktemp("today")
    write_month(today, Month("2025-06", rows=usage("1", "2", "3", "4", period="2025-06"), rows_per_file=1))
    command("backfill", source_name, *SPAN, "--max-active", "5")
    until(lambda: waiting(deployment, "backfill") == 20, seconds=30)
    daily = deployment.ask(api.source(today.as_uri(), f"{source_name}-today"))
    until(lambda: waiting(deployment, "files") == 4, seconds=30)

    deployment.start_workers(BOTH)
    [report] = deployment.follow(daily)
    until(lambda: is_over(deployment), seconds=90)

    taken = re.findall(r"Task offgridflow\.ingest_file\[([0-9a-f]+-\d+):", deployment.log)
    assert set(taken[:4]) == {report.run_id}
    assert Counter(each.state for each in runs(deployment, source_name)) == {RunState.PUBLISHED: 5}
    assert not re.search(r"run\.repaired", deployment.log)


def test_never_more_months_are_under_way_and_a_killed_planner_loses_and_doubles_none(
    deployment: Deployment, source_name: str, command: Command
) -> None:
    deployment.start_workers(BOTH)
    most = [0]

    def is_over_and_was_never_more() -> bool:
        most.append(sum(each.state is RunState.RUNNING for each in runs(deployment, source_name)))
        return is_over(deployment)

    asked = json.loads(command("backfill", *SPAN, "--max-active", "2", "--newest-first", "--only", "all", "--json").out)
    until(lambda: runs(deployment, source_name), seconds=30)
    deployment.workers.pop("control").kill()
    deployment.start_workers("control")
    until(is_over_and_was_never_more, seconds=120)

    found = runs(deployment, source_name)
    assert [each["billing_period"] for each in asked["months"]] == list(reversed(MONTHS))
    assert sorted(str(each.billing_period) for each in found) == list(MONTHS)
    assert {each.state for each in found} == {RunState.PUBLISHED}
    assert max(most) <= 2
    assert totals(source_name) == totals_of(usage(*"1234" * 5))


def test_a_dry_run_shows_the_months_that_are_missing_and_asks_for_none(
    deployment: Deployment, source_name: str, command: Command
) -> None:
    deployment.start_workers(BOTH)
    command("ingest", source_name, "--from", "2025-02", "--to", "2025-03")

    shown = json.loads(command("backfill", *SPAN, "--dry-run", "--json").out)
    failed = json.loads(command("backfill", *SPAN, "--only", "failed", "--dry-run", "--json").out)

    assert [each["billing_period"] for each in shown["months"]] == ["2025-01", "2025-04", "2025-05"]
    assert failed["months"] == []
    assert is_over(deployment)


@pytest.mark.parametrize(
    "wrong", [("--from", "2025-02", "--to", "2025-01"), (*SPAN, "--max-active", "0"), ("nobody", *SPAN), ()]
)
def test_a_backfill_of_nothing_is_a_mistake(
    deployment: Deployment, source_name: str, command: Command, wrong: tuple[str, ...]
) -> None:
    ended = command("backfill", *wrong)

    assert ended.code == 2
    assert is_over(deployment)
