"""Real adapters, put together. It loads polars, pyarrow and botocore, so only what runs after the fork imports it."""

from __future__ import annotations

import tempfile
from functools import cache, partial
from pathlib import Path

from limits.storage import storage_from_string

from worker.adapters.aws_session import connect_s3
from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.local_reports import LocalReports
from worker.adapters.logs import LogTelemetry
from worker.adapters.part_store import ParquetPartStore
from worker.adapters.redis_broker import Broker
from worker.adapters.redis_leases import RedisFileLeases
from worker.adapters.redis_ledger import RedisRunLedger
from worker.adapters.redis_repairer import Patience, RedisRepairer
from worker.adapters.redis_triggers import RedisTriggers
from worker.adapters.report_reader import open_report
from worker.adapters.s3_reports import S3Reports
from worker.adapters.spool import Spool
from worker.adapters.system_clock import SystemClock
from worker.adapters.table_lease import TableLease
from worker.adapters.token_bucket import TokenBucketLimiter
from worker.adapters.token_bucket_storage import TokenBucket
from worker.domain.retry import RetryPolicy
from worker.domain.source import Source
from worker.ports import RateLimiter, ReportStore
from worker.reading import run_reports, tables, warehouse
from worker.services.use_cases import UseCases
from worker.services.world import World
from worker.settings import settings
from worker.sources import configured_sources


def spool() -> Spool:
    """Where report files are spooled."""
    return Spool(settings().spool_dir or Path(tempfile.gettempdir()))


def connect(url: str, broker: Broker) -> UseCases:
    """The use cases on a broker, which is at ``url``."""
    chosen = settings()
    deadline = chosen.run_deadline.total_seconds()
    patience = Patience(stale_seconds=chosen.stale_seconds, deadline_seconds=deadline)
    world = World(
        stores=cache(partial(_store, _limiter(url))),
        open_report=partial(open_report, limit=chosen.unpacked_limit),
        table=IcebergActivityTable(warehouse(), tables(), TableLease(url)),
        parts=ParquetPartStore(warehouse(), tables()),
        reports=run_reports(),
        triggers=RedisTriggers(broker),
        ledger=RedisRunLedger(broker, deadline),
        leases=RedisFileLeases(broker),
        repairer=RedisRepairer(broker, patience),
        clock=SystemClock(),
        telemetry=LogTelemetry(),
        policy=RetryPolicy(chosen.max_retries),
        spool=spool().folder,
        settle_seconds=chosen.settle_seconds,
        rejections_per_file=chosen.rejections_per_file,
        max_rejected_percent=chosen.max_rejected_percent,
    )
    return UseCases(world, configured_sources)


def _limiter(url: str) -> RateLimiter:
    s3 = TokenBucket(settings().rate_limit_capacity, settings().rate_limit_per_sec)
    return TokenBucketLimiter(storage_from_string(f"tb+{url}"), {"s3": s3})


def _store(limiter: RateLimiter, source: Source) -> ReportStore:
    """A source's bucket or folder; a worker keeps the client of each source that it met."""
    chosen = settings()
    if source.location.scheme == "file":
        return LocalReports(Path(source.location.prefix))
    endpoint = chosen.s3_endpoint_url or ""
    connection = connect_s3(source, limiter, endpoint_url=endpoint, read_timeout_seconds=chosen.request_timeout)
    return S3Reports(source, connection, max_pages=chosen.max_pages, attempts=chosen.max_retries)
