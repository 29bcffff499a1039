"""The composition root: settings to real adapters.

Whatever Celery's parent process calls from here (`retry_policy`, `count_loss`, `configure_logging`) loads neither polars nor
pyarrow nor boto3; `world` does, and is called in a child only, so that its clients are born after the fork.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from worker.domain.retry import RetryPolicy
from worker.settings import broker_url, configured_sources, settings

if TYPE_CHECKING:
    from worker.adapters.redis_broker import Broker
    from worker.ports import ActivityTable, ReportStore
    from worker.services.use_cases import UseCases
    from worker.services.world import World


@cache
def retry_policy() -> RetryPolicy:
    """How often and when anything is tried again."""
    return RetryPolicy(settings().max_retries)


def configure_logging() -> None:
    """Structured logs on stderr: pretty on a terminal, JSON elsewhere."""
    from worker.adapters.logs import configure  # noqa: PLC0415

    configure(pretty=sys.stderr.isatty())


def count_loss(run_id: str, digest: str) -> None:
    """Count that a worker was lost over a file."""
    from worker.adapters.redis_leases import RedisFileLeases  # noqa: PLC0415

    RedisFileLeases(_broker(broker_url())).lose(run_id, digest)


@cache
def world() -> UseCases:
    """The use cases of this process, on the configured broker."""
    return use_cases(broker_url())


def close_world() -> None:
    """Close the connections of this process, if it has any."""
    if _broker.cache_info().currsize:
        _broker(broker_url()).close()


@cache
def use_cases(broker: str) -> UseCases:
    """The use cases on a broker by its URL. A command does its reading through them, without a worker."""
    from worker.services.use_cases import UseCases  # noqa: PLC0415

    return UseCases(_world(broker), configured_sources)


@cache
def _broker(url: str) -> Broker:
    from worker.adapters.redis_broker import Broker  # noqa: PLC0415

    return Broker.connect(url)
