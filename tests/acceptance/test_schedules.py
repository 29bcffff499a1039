"""Beats that share a schedule, beside real workers: a turn is taken once, whoever sends it, and however often."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from redbeat.schedulers import RedBeatSchedulerEntry
from redis import Redis

from tests.acceptance.buckets import totals, totals_of, usage
from tests.acceptance.commands import Command
from tests.servers.beats import LOCK, Beats, beats_of
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker import api
from worker.adapters.redbeat_schedule import RedbeatSchedule
from worker.adapters.redis_keys import key
from worker.adapters.sample_month import Month, write_month
from worker.domain.outcome import RunState
from worker.domain.report import RunReport

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

ROWS = usage("1", "2", "3")
LOCK_SECONDS = 5
"""Instead of 150: nobody wants to wait for a killed beat's lock. The loop's interval is a fifth of it, as in production."""


class Turns:
    """The schedule of one source, whose turns come when a test says so."""

    def __init__(self, broker: str, source_name: str) -> None:
        self.source_name = source_name
        self._broker = broker
        self._app = RedbeatSchedule(broker)._app

    def come(self) -> None:
        """Let the last turn be two hours ago, for all that the schedule knows."""
        self.entry.reschedule(self._app.now() - timedelta(hours=2))

    @property
    def entry(self) -> RedBeatSchedulerEntry:
        return until(self._entry, seconds=60)

    @property
    def last(self) -> datetime:
        last: datetime = self.entry.last_run_at
        return last

    @property
    def triggers(self) -> list[str]:
        """The ids of all triggers that the turns of the source have opened."""
        start = key("trigger", f"beat-{self.source_name}-")
        with Redis.from_url(self._broker, decode_responses=True) as redis:
            return sorted(redis.scan_iter(f"{start}*"))

    def _entry(self) -> RedBeatSchedulerEntry | None:
        try:
            return RedBeatSchedulerEntry.from_key(f"redbeat:{self.source_name}/aws_cur", app=self._app)
        except KeyError:
            return None


@pytest.fixture
def turns(deployment: Deployment, org: str, tmp_path: Path) -> Iterator[Turns]:
    """Those of a configured source, which has one month."""
    write_month(tmp_path, Month("2025-01", rows=ROWS))
    config = deployment.folder / "offgridflow.toml"
    config.write_text(f'[[source]]\nname = "{org}"\norg_id = "{org}"\n[source.cur]\nurl = "{tmp_path.as_uri()}"\n')
    yield Turns(deployment.broker, org)
    config.unlink()


@pytest.fixture
def beats(deployment: Deployment) -> Iterator[Beats]:
    settings = {"beat_max_loop_interval": LOCK_SECONDS // 5, "redbeat_lock_timeout": LOCK_SECONDS}
    with beats_of(deployment, **settings) as running:
        yield running


def reports(deployment: Deployment, org: str) -> list[RunReport]:
    return [report for report in api.recent_runs(deployment.broker, 100) if report.org_id == org]


def published(deployment: Deployment, org: str) -> bool:
    return any(report.state is RunState.PUBLISHED for report in reports(deployment, org))


def test_two_beats_are_one_schedule_and_a_turn_that_comes_twice_is_taken_once(
    deployment: Deployment, turns: Turns, beats: Beats
) -> None:
    beats.start("one", "other")
    idle = ({"one", "other"} - {beats.holder}).pop()
    turns.come()
    until(lambda: published(deployment, turns.source_name), seconds=60)

    turns.come()  # the same turn again: its slot has not passed
    until(lambda: beats.sent(turns.entry.name) == 2, seconds=30)
    until(lambda: not _waiting(deployment), seconds=30)

    assert len(turns.triggers) == 1
    assert [report.state for report in reports(deployment, turns.source_name)] == [RunState.PUBLISHED]
    assert totals(turns.source_name) == totals_of(ROWS)
    assert "Sending due task" not in beats.log(idle)


def test_when_the_beat_that_sends_is_killed_the_other_goes_on(
    deployment: Deployment, turns: Turns, beats: Beats
) -> None:
    beats.start("one", "other")
    holder = beats.holder
    turns.come()
    until(lambda: beats.sent(turns.entry.name))

    beats.kill(holder)
    heir = ({"one", "other"} - {holder}).pop()
    turns.come()
    until(lambda: "Sending due task watchdog" in beats.log(heir), seconds=30)
    until(lambda: beats.sent(turns.entry.name) >= 2, seconds=30)
    until(lambda: published(deployment, turns.source_name) and not _waiting(deployment), seconds=60)

    assert len(turns.triggers) <= 2  # two if the hour of the slot ended in between
    assert [report.state for report in reports(deployment, turns.source_name)] == [RunState.PUBLISHED]
    assert totals(turns.source_name) == totals_of(ROWS)


def test_a_paused_source_has_no_turn_whichever_beat_runs_until_it_is_resumed(
    deployment: Deployment, turns: Turns, beats: Beats, command: Command
) -> None:
    beats.start("one")
    turns.come()
    until(lambda: published(deployment, turns.source_name), seconds=60)
    paused = json.loads(command("schedule", "pause", turns.source_name, "--json").out)
    turns.come()
    beats.kill("one")
    beats.start("other")
    until(lambda: "Sending due task watchdog" in beats.log("other"), seconds=60)
    sent_while_paused = beats.log("other").count(f"Sending due task {turns.source_name}")

    resumed = json.loads(command("schedule", "resume", turns.source_name, "--json").out)
    until(lambda: turns.source_name in beats.log("other"), seconds=30)

    assert sent_while_paused == 0
    assert [(each["paused"], each["next_run"]) for each in paused["schedules"]] == [(True, None)]
    assert [each["paused"] for each in resumed["schedules"]] == [False]


def test_the_schedule_shows_each_turn_and_forgets_a_source_that_is_gone(
    deployment: Deployment, turns: Turns, beats: Beats, command: Command
) -> None:
    beats.start("one")
    turns.come()
    until(lambda: published(deployment, turns.source_name), seconds=60)
    [shown] = json.loads(command("schedule", "--json").out)["schedules"]
    table = command("schedule", "list")
    beats.kill("one")
    (deployment.folder / "offgridflow.toml").write_text("")

    beats.start("other")
    until(lambda: "Sending due task watchdog" in beats.log("other"), seconds=60)

    assert (shown["source_name"], shown["source"], shown["paused"]) == (turns.source_name, "aws_cur", False)
    assert shown["last_run"] < shown["next_run"]
    assert turns.source_name in table.out
    assert json.loads(command("schedule", "--json").out) == {"schedules": []}
    assert command("schedule", "pause", turns.source_name).errors == [
        f"error: nothing is scheduled for a source {turns.source_name}"
    ]


def test_a_beat_outlives_a_broker_that_restarts_and_a_file_that_it_cannot_read(
    deployment: Deployment, turns: Turns, beats: Beats
) -> None:
    beats.start("one")
    turns.entry  # noqa: B018 (it is there)
    beats.kill("one")
    (deployment.folder / "offgridflow.toml").write_text("what?")

    beats.start("other")
    until(lambda: "Sending due task watchdog" in beats.log("other"), seconds=60)
    deployment.valkey.kill()
    until(lambda: "the broker is away" in beats.log("other"), seconds=30)
    deployment.valkey.start()
    before = beats.sent("watchdog")
    until(lambda: beats.sent("watchdog") > before, seconds=30)

    assert "the schedule stays as it was" in beats.log("other")
    assert turns.entry.enabled


def test_a_source_can_be_given_a_turn_at_any_time(deployment: Deployment, turns: Turns, command: Command) -> None:
    asked = json.loads(command("schedule", "trigger", turns.source_name, "--json").out)

    # The broker was killed just now, at which a worker of kombu 5.7 may end: docs/reliability.md.
    [report] = deployment.follow(asked["trigger_id"], restarting=True)

    assert (report.source_name, report.state) == (turns.source_name, RunState.PUBLISHED)


def test_without_a_beat_the_schedule_says_so(deployment: Deployment, command: Command) -> None:
    shown = command("schedule")

    with Redis.from_url(deployment.broker) as redis:
        assert not redis.exists(LOCK)
    assert "no beat is running" in shown.err


def _waiting(deployment: Deployment) -> int:
    """Messages that no worker has taken."""
    with Redis.from_url(deployment.broker) as redis:
        return sum(redis.llen(queue) for queue in ("control", "files"))
