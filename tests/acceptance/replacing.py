"""A program that ingests in children which may be killed anywhere: `python replacing.py`, then one order a line.

``go SOURCE`` (as JSON) forks a child, whose process id is answered; the child says which step it is at, and does what the
workers do, without a message. ``reap`` waits for the child's end and answers with its exit code. All engines are imported
before the fork and used only after it, so a child is at work within milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
from unittest import mock
from uuid import uuid4

from redis import Redis

from tasks import coordinate as planning
from tasks.ingest_file import ingest_file
from tasks.publish_run import publish_run
from worker.adapters.redis_keys import ACTIVE_RUNS, RunKeys
from worker.bootstrap import world
from worker.composition import connect as _engines  # noqa: F401 - what it loads takes seconds, once
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.settings import broker_url


def say(what: object) -> None:
    """One line for whoever gives the orders."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def replace_month(source: Source) -> None:
    """Plan the source, and do whatever the ledger has to be done, whoever planned it."""
    say("planning")
    trigger = world().open_trigger(Trigger(f"replace-{uuid4().hex}", sources=(source,)))
    with mock.patch.object(planning, "send"):
        planning.coordinate({"trigger_id": trigger})
    say("ingesting")
    with Redis.from_url(broker_url(), decode_responses=True) as redis:
        runs = redis.zrange(ACTIVE_RUNS, 0, -1)
        for run_id in runs:
            for digest in redis.smembers(RunKeys.of(run_id).pending):
                ingest_file({"run_id": run_id, "digest": digest})
    say("publishing")
    for run_id in runs:
        publish_run({"run_id": run_id})


def main() -> None:
    """Obey until the input ends."""
    child = 0
    for line in sys.stdin:
        order, _, source = line.partition(" ")
        if order == "go":
            child = os.fork()
            if not child:
                say(os.getpid())
                replace_month(Source(**json.loads(source)))
                os._exit(0)
        else:
            _, status = os.waitpid(child, 0)
            say(f"reaped {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
