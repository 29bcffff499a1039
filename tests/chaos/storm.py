"""Blows on a deployment at work: workers, children and the broker die, messages are lost, doubled and delivered again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from redis import Redis

from tests.servers.ageing import let_leases_age, let_messages_age, let_turns_end
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker.adapters.redis_keys import ACTIVE_RUNS, RECENT_RUNS, RunKeys

MOST_CALM_SECONDS = 4.0
"""A blow falls after so long, also where the last one left nothing moving."""

FROZEN_SECONDS = 0.3
LOSSES_TO_SPARE = 2
"""One more, and a file would rightly be given up: that has a test of its own."""

ENDED = "worker ended by itself"

Blow = Callable[["Storm"], bool]


@dataclass(slots=True)
class Storm:
    """Blows on a deployment, chosen by ``chance``; ``struck`` counts those that hit."""

    deployment: Deployment
    chance: Random
    struck: Counter[str] = field(default_factory=Counter)

    def rage(self, blows: Iterable[str], files: int) -> None:
        """Let all these blows fall in an order of their own, spread over the work on so many files.

        A kill waits for a victim; a message that is not there is missed.
        """
        order = sorted(blows)
        self.chance.shuffle(order)
        for number, blow in enumerate(order):
            self._wait_until_done(files * number // len(order))
            self.struck[blow] += self._strike(blow)

    def _strike(self, blow: str) -> bool:
        if blow in KILLS:
            return until(lambda: KILLS[blow](self), seconds=60, tick=self._restart_ended)
        return BLOWS_ON_MESSAGES[blow](self)

    def _wait_until_done(self, files: int) -> None:
        latest = time.monotonic() + MOST_CALM_SECONDS
        with self.redis() as redis:
            until(lambda: time.monotonic() > latest or _done(redis) >= files, tick=self._restart_ended)

    def _restart_ended(self) -> None:
        """A worker that loses the broker at the wrong moment ends: kombu's channel cannot be closed then."""
        for name in self.deployment.restart_ended():
            self.struck[ENDED] += 1
            let_leases_age(self.deployment.broker, name)
        threading.Event().wait(0.05)

    @contextmanager
    def redis(self) -> Iterator[Any]:
        with Redis.from_url(self.deployment.broker, decode_responses=True) as redis:
            yield redis

    def somebody(self) -> str:
        """A files worker that has come up, and that holds no file which would not outlive it."""
        workers = {name: worker for name, worker in self.deployment.workers.items() if name != "control"}
        spared = self._with_a_last_chance()
        up = [name for name, worker in workers.items() if worker.children and name not in spared]
        return self.chance.choice(up) if up else ""

    def _with_a_last_chance(self) -> set[str]:
        """The workers whose files have lost so many that the next would be the last."""
        with self.redis() as redis:
            runs = [RunKeys.of(run_id) for run_id in redis.zrange(ACTIVE_RUNS, 0, -1)]
            held = [(redis.hgetall(run.losses), redis.hgetall(run.holders)) for run in runs]
        return {
            token.split("/")[1].partition("@")[0]
            for losses, holders in held
            for digest, token in holders.items()
            if int(losses.get(digest, 0)) >= LOSSES_TO_SPARE
        }


def _kill_worker(storm: Storm) -> bool:
    return _killed(storm, freeze=False)


def _freeze_and_kill_worker(storm: Storm) -> bool:
    """What the broker hands to a process that cannot take it is lost with it."""
    return _killed(storm, freeze=True)


def _killed(storm: Storm, *, freeze: bool) -> bool:
    name = storm.somebody()
    if not name:
        return False
    worker = storm.deployment.workers[name]
    if freeze:
        os.killpg(worker.pid, signal.SIGSTOP)
        threading.Event().wait(FROZEN_SECONDS)
    worker.kill()
    let_leases_age(storm.deployment.broker, name)
    storm.deployment.launch(name)
    return True


def _kill_child(storm: Storm) -> bool:
    name = storm.somebody()
    with suppress(KeyError, IndexError, ProcessLookupError):  # nobody is up, or it ended by itself
        os.kill(storm.chance.choice(storm.deployment.workers[name].children), signal.SIGKILL)
        return True
    return False


def _kill_control(storm: Storm) -> bool:
    """It plans, publishes and watches: whatever it did stays half done, and its turn at the table is left to end."""
    storm.deployment.workers["control"].kill()
    let_turns_end(storm.deployment.broker)
    storm.deployment.launch("control")
    return True


def _restart_broker(storm: Storm) -> bool:
    storm.deployment.valkey.kill()
    storm.deployment.valkey.start()
    return True


def _drop_message(storm: Storm) -> bool:
    with storm.redis() as redis:
        return redis.lpop("files") is not None


def _duplicate_message(storm: Storm) -> bool:
    with storm.redis() as redis:
        message = redis.lindex("files", -1)
        return message is not None and redis.lpush("files", message) > 0


def _deliver_again(storm: Storm) -> bool:
    """Every message in hand is delivered a second time, beside the first."""
    return let_messages_age(storm.deployment.broker) > 0


KILLS: Mapping[str, Blow] = {
    "worker killed": _kill_worker,
    "worker frozen, then killed": _freeze_and_kill_worker,
    "child killed": _kill_child,
    "control worker killed": _kill_control,
    "broker killed": _restart_broker,
}

BLOWS_ON_MESSAGES: Mapping[str, Blow] = {
    "message dropped": _drop_message,
    "message duplicated": _duplicate_message,
    "messages in hand delivered again": _deliver_again,
}


def _done(redis: Any) -> int:
    """Outcomes so far, over all runs."""
    runs = map(RunKeys.of, redis.zrange(RECENT_RUNS, 0, -1))
    return sum(int(redis.hget(run.run, "done") or 0) for run in runs)
