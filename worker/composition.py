"""Real adapters, put together. It loads polars and pyarrow, so only what runs after the fork imports it.

AWS's libraries are loaded for a source that is there, and the catalog's when a table is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from threading import Event

from limits.storage import storage_from_string

from worker.adapters.asked_estimates import AskedEstimates
from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.local_reports import LocalReports
from worker.adapters.part_store import ParquetPartStore
from worker.adapters.redis_backfills import RedisBackfills
from worker.adapters.redis_backlog import RedisBacklog
from worker.adapters.redis_broker import Broker
from worker.adapters.redis_leases import RedisFileLeases
from worker.adapters.redis_ledger import RedisRunLedger
from worker.adapters.redis_repairer import Patience, RedisRepairer
from worker.adapters.redis_triggers import RedisTriggers
from worker.adapters.report_reader import open_report
from worker.adapters.system_clock import SystemClock
from worker.adapters.table_lease import TableLease
from worker.adapters.token_bucket import TokenBucketLimiter
from worker.adapters.token_bucket_storage import TokenBucket
from worker.adapters.told_waits import told_wait
from worker.domain.retry import RetryPolicy
from worker.domain.source import Source
from worker.ports.limits import RateLimiter
from worker.ports.reports import ReportStore
from worker.ports.telemetry import Telemetry
from worker.reading import run_reports, spool, tables, warehouse
from worker.services.use_cases import UseCases
from worker.services.world import World
from worker.settings import settings
from worker.sources import configured_sources

_NOBODY_CANCELS = Event()


SUSTAINABILITY_CAPACITY = 10
"""Tokens of its bucket: some years of history are a few pages, and AWS publishes no limit."""

STS_CAPACITY, STS_RATE_PER_SEC = 10, 2.0
"""`doctor` alone asks it, once for a source."""


def connect(url: str, broker: Broker, telemetry: Telemetry) -> UseCases:
    """The use cases on a broker, which is at ``url``."""
    chosen = settings()
    deadline = chosen.run_deadline.total_seconds()
    patience = Patience(stale_seconds=chosen.stale_seconds, deadline_seconds=deadline)
    buckets = {family: limiter(url, told_wait(telemetry, family)) for family in ("s3", "sustainability")}
    asked = cache(partial(_asked_estimates, buckets["sustainability"]))
    world = World(
        stores=cache(partial(_store, buckets["s3"], asked)),
        estimates=asked,
        open_report=partial(open_report, limit=chosen.unpacked_limit),
        table=IcebergActivityTable(warehouse(), tables(), TableLease(url)),
        parts=ParquetPartStore(warehouse()),
        reports=run_reports(),
        triggers=RedisTriggers(broker),
        backfills=RedisBackfills(broker),
        ledger=RedisRunLedger(broker, deadline),
        leases=RedisFileLeases(broker),
        repairer=RedisRepairer(broker, patience),
        clock=SystemClock(),
        backlog=RedisBacklog(broker),
        telemetry=telemetry,
        policy=RetryPolicy(chosen.max_retries),
        spool=spool().folder,
        settle_seconds=chosen.settle_seconds,
        rejections_per_file=chosen.rejections_per_file,
        max_rejected_percent=chosen.max_rejected_percent,
        run_deadline=chosen.run_deadline,
    )
    return UseCases(world, configured_sources)


def limiter(url: str, sleep: Callable[[float], object] = _NOBODY_CANCELS.wait) -> TokenBucketLimiter:
    """The token buckets that all workers of a broker share; ``sleep`` waits for a token."""
    chosen = settings()
    families = {
        "s3": TokenBucket(chosen.rate_limit_capacity, chosen.rate_limit_per_sec),
        "sustainability": TokenBucket(SUSTAINABILITY_CAPACITY, chosen.sustainability_rate_per_sec),
        "sts": TokenBucket(STS_CAPACITY, STS_RATE_PER_SEC),
    }
    return TokenBucketLimiter(storage_from_string(f"tb+{url}"), families, sleep=sleep)


def _store(buckets: RateLimiter, asked: Callable[[Source], AskedEstimates], source: Source) -> ReportStore:
    """A source's bucket or folder; a worker keeps the client of each source that it met."""
    chosen = settings()
    if source.is_asked_for:
        return asked(source)
    if source.location.scheme == "file":
        return LocalReports(Path(source.location.prefix))
    from worker.adapters.aws_session import connect_s3  # noqa: PLC0415  (see above)
    from worker.adapters.s3_reports import S3Reports  # noqa: PLC0415

    endpoint = chosen.s3_endpoint_url or ""
    connection = connect_s3(source, buckets, endpoint_url=endpoint, read_timeout_seconds=chosen.request_timeout)
    return S3Reports(source, connection, max_pages=chosen.max_pages, attempts=chosen.max_retries)


def _asked_estimates(buckets: RateLimiter, source: Source) -> AskedEstimates:
    """AWS's answers about a source's emissions, and the way to ask."""
    from worker.adapters.aws_session import connect_sustainability  # noqa: PLC0415  (see above)
    from worker.adapters.carbon_api import CarbonApi  # noqa: PLC0415

    chosen = settings()
    endpoint = chosen.sustainability_endpoint_url or ""
    connection = connect_sustainability(
        source, buckets, endpoint_url=endpoint, read_timeout_seconds=chosen.request_timeout
    )
    return AskedEstimates(source, warehouse(), CarbonApi(source, connection, max_pages=chosen.max_pages))
