"""Acceptance criterion 1, and what else heals: throttled months, lost Redis, messages that come twice."""

from __future__ import annotations

import json

import pytest
from redis import Redis

from tests.acceptance.buckets import NOTHING, RemoteFolder, publications, totals, totals_of, usage
from tests.acceptance.commands import Command
from tests.acceptance.readings import files_read
from tests.acceptance.refusals import refusing
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker import api
from worker.adapters.redis_keys import ACTIVE_RUNS, LATER_TRIGGERS
from worker.adapters.sample_month import Month
from worker.cli.exits import Exit
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.services.plan_again import HEALS

pytestmark = pytest.mark.acceptance

ROWS = usage("1.25", "2.5", "4.125", "8.0625")
MONTH = Month("2025-01", rows=ROWS, rows_per_file=1)
BAD = "report-00003.csv.gz"
EACH_ONCE = {f"report-0000{number}.csv.gz": 1 for number in (1, 2, 3, 4)}
SECONDS = 10.0


def fail(deployment: Deployment, source: Source, status: int, code: str) -> RunReport:
    """How a run ends whose third file S3 does not hand out."""
    with refusing(deployment.s3, BAD, status, code):
        [report] = deployment.ingest(source)
    return report


def let_five_minutes_pass(broker: str) -> None:
    """Whatever waits for its time is due."""
    with Redis.from_url(broker, decode_responses=True) as redis:
        for waiting in redis.zrange(LATER_TRIGGERS, 0, -1):
            redis.zadd(LATER_TRIGGERS, {waiting: -300}, xx=True, incr=True)


def test_ac1_one_failing_file_fails_its_run_at_once_and_a_retry_reads_only_that_file(
    deployment: Deployment, org: str, remote: RemoteFolder, command: Command
) -> None:
    remote.deliver(MONTH)

    failed = fail(deployment, api.source(remote.url, org), 403, "AccessDenied")
    files = api.run_files(deployment.broker, failed.run_id)
    read_at_first = files_read(deployment.s3, remote.prefix)
    before = totals(org)
    retried = command("retry", failed.run_id, "--json")

    [error] = failed.errors
    [run] = json.loads(retried.out)["runs"]
    assert (failed.state, failed.warnings, before) == (RunState.FAILED, (), NOTHING)
    assert failed.seconds < max(each.seconds for each in files) + SECONDS
    assert (error.file.rpartition("/")[2], error.error_class, error.code) == (BAD, "auth", "AccessDenied")
    assert "s3:GetObject" in error.remedy
    assert sum(each.part is not None for each in files) == len(files) - 1 == 3
    assert read_at_first == EACH_ONCE
    assert (retried.code, run["state"]) == (Exit.NO_RUN_FAILED, "published")
    assert files_read(deployment.s3, remote.prefix) == EACH_ONCE | {BAD: 2}
    assert totals(org) == totals_of(ROWS)


def test_ac1_a_transient_failure_heals_with_no_operator(deployment: Deployment, org: str, remote: RemoteFolder) -> None:
    remote.deliver(MONTH)

    failed = fail(deployment, api.source(remote.url, org), 503, "SlowDown")
    let_five_minutes_pass(deployment.broker)
    until(lambda: totals(org) == totals_of(ROWS), seconds=60)

    attempts = 3
    assert (failed.state, failed.warnings) == (RunState.FAILED, (HEALS,))
    assert files_read(deployment.s3, remote.prefix) == EACH_ONCE | {BAD: attempts + 1}
    assert publications(deployment, org) == 1


def test_a_trigger_sent_twice_and_two_triggers_at_once_make_one_run(
    deployment: Deployment, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(MONTH)
    source = api.source(remote.url, org)
    one, other = api.request(source), api.request(source)

    with deployment.s3.holding(BAD) as held:
        for wanted in (one, one, other, one, other):
            api.trigger(deployment.broker, wanted)
        until(held.reached.is_set, seconds=60)
        until(lambda: _runs(deployment, other.trigger_id), seconds=60)
    reports = [*deployment.follow(one.trigger_id), *deployment.follow(other.trigger_id)]

    assert {(report.run_id, report.state) for report in reports} == {(reports[0].run_id, RunState.PUBLISHED)}
    assert files_read(deployment.s3, remote.prefix) == EACH_ONCE
    assert publications(deployment, org) == 1


def _runs(deployment: Deployment, trigger_id: str) -> tuple[str, ...]:
    from worker.bootstrap import use_cases

    return use_cases(deployment.broker).world.triggers.state(trigger_id).run_ids


def test_a_redis_that_lost_everything_costs_only_what_was_not_written(
    deployment: Deployment, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(MONTH)
    source = api.source(remote.url, org)

    with deployment.s3.holding(BAD) as held:
        deployment.ask(source)
        until(held.reached.is_set, seconds=60)
        [running] = api.recent_runs(deployment.broker, 1)
        until(lambda: len(api.run_files(deployment.broker, running.run_id)) == 3)
        with Redis.from_url(deployment.broker) as redis:
            redis.flushall()
            redis.client_kill_filter(_type="normal", skipme=True)  # a server that was replaced: nobody stays connected
        [report] = deployment.ingest(source)

    with Redis.from_url(deployment.broker) as redis:
        assert redis.zcard(ACTIVE_RUNS) == 0
    assert report.state is RunState.PUBLISHED
    assert files_read(deployment.s3, remote.prefix) == EACH_ONCE | {BAD: 2}
    assert totals(org) == totals_of(ROWS)
