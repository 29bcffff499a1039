"""The composition root, as Celery's processes see it.

Whatever the parent process calls from here (`retry_policy`, `count_loss`, `configure_logging`) loads neither polars nor
pyarrow nor botocore; `world` does, and is called in a child only, so that its clients are born after the fork.
"""

# ruff: noqa: PLC0415 (that is what this module is for)
from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from worker.domain.retry import RetryPolicy
from worker.settings import broker_url, exported_signals, settings

if TYPE_CHECKING:
    from worker.adapters.logs import LogTelemetry
    from worker.adapters.redis_broker import Broker
    from worker.ports.ledger import RunLedger
    from worker.ports.triggers import Backfills, Triggers
    from worker.services.use_cases import UseCases


@contextmanager
def loading() -> Iterator[None]:
    """What the process has when the block ends will stay: it is not looked through for garbage, neither meanwhile nor later.

    A tenth of what it takes to load the engines would go to that (measured).
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@cache
def retry_policy() -> RetryPolicy:
    """How often and when anything is tried again."""
    return RetryPolicy(settings().max_retries)


def configure_logging(level: int) -> None:
    """Structured logs on stderr: pretty on a terminal, JSON elsewhere."""
    from worker.adapters.logs import configure

    configure(pretty=sys.stderr.isatty(), level=level)


@cache
def telemetry() -> LogTelemetry:
    """This process' telemetry: logs, and what goes to a collector if one is configured. Never before a fork: it has threads."""
    if signals := exported_signals():
        from worker.adapters.telemetry import OtelTelemetry

        return OtelTelemetry(signals)
    from worker.adapters.logs import LogTelemetry

    return LogTelemetry()


def count_loss(run_id: str, digest: str) -> None:
    """Count that a worker was lost over a file."""
    from worker.adapters.redis_leases import RedisFileLeases

    RedisFileLeases(_broker(broker_url())).lose(run_id, digest)


def sweep_spool() -> None:
    """Remove what killed workers left of the files they had fetched."""
    from worker.reading import spool

    spool().sweep()


def triggers(url: str) -> Triggers:
    """Where what is asked for is kept, for whoever does no more than ask."""
    from worker.adapters.redis_triggers import RedisTriggers

    return RedisTriggers(_broker(url))


def ledger(url: str) -> RunLedger:
    """How runs stand, for whoever looks on."""
    from worker.adapters.redis_ledger import RedisRunLedger

    return RedisRunLedger(_broker(url), settings().run_deadline.total_seconds())


def backfills(url: str) -> Backfills:
    """Where months wait for their turn."""
    from worker.adapters.redis_backfills import RedisBackfills

    return RedisBackfills(_broker(url))


@cache
def world() -> UseCases:
    """The use cases of this child, on the configured broker. They stay until it ends."""
    with loading():
        return use_cases(broker_url())


@cache
def use_cases(url: str) -> UseCases:
    """The use cases on a broker by its URL. A command does its own reading through them, without a worker."""
    from worker.composition import connect

    return connect(url, _broker(url), telemetry())


def close_world() -> None:
    """Close the connections of this process, if it has any."""
    if _broker.cache_info().currsize:
        _broker(broker_url()).close()


@cache
def _broker(url: str) -> Broker:
    from worker.adapters.redis_broker import Broker

    return Broker.connect(url)
