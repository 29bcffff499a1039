"""`doctor`: everything that an ingest needs, examined before the first run and when in doubt. `worker.api` has it too."""

from __future__ import annotations

# ruff: noqa: PLC0415 (as in `worker.api`: a function loads what it needs)
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from worker.domain.diagnosis import Finding
from worker.domain.source import Source
from worker.settings import settings

if TYPE_CHECKING:
    from worker.ports.limits import RateLimiter
    from worker.ports.probes import ApiProbe, BucketProbe
    from worker.services.doctor import Checkup


def doctor(url: str, *sources: Source) -> Iterator[Finding]:
    """What is well and what is not, of a broker at this URL, of what holds the tables, and of these sources.

    Each finding comes as soon as it is made: what does not answer may take its time.
    """
    from worker.services.doctor import diagnose

    return diagnose(_checkup(url), sources)


def _checkup(url: str) -> Checkup:
    from worker.adapters.celery_workers import workers
    from worker.adapters.system_clock import SystemClock
    from worker.composition import limiter
    from worker.services.doctor import Checkup

    chosen, buckets = settings(), limiter(url)
    return Checkup(
        broker=partial(_broker, url),
        catalog=_catalog,
        warehouse=_warehouse,
        warehouse_url=chosen.warehouse_url,
        workers=partial(workers, url) if chosen.broker_url else None,
        delivered=partial(_delivered, buckets),
        asked=partial(_asked, buckets),
        now=SystemClock().now(),
    )


def _broker(url: str) -> Iterable[Finding]:
    from worker.adapters.broker_probe import examine_broker
    from worker.adapters.redis_broker import Broker

    with closing(Broker.connect(url)) as broker:
        return tuple(examine_broker(broker))


def _catalog() -> None:
    from worker.adapters.catalog import open_catalog
    from worker.adapters.storage_probes import write_to_catalog
    from worker.reading import warehouse

    with closing(open_catalog(settings().catalog, warehouse().engines.iceberg)) as catalog:
        write_to_catalog(catalog)


def _warehouse() -> None:
    from worker.adapters.storage_probes import write_to_warehouse
    from worker.reading import warehouse

    write_to_warehouse(warehouse())


def _delivered(buckets: RateLimiter, source: Source) -> BucketProbe:
    from worker.adapters.source_probes import FolderProbe, S3Probe
    from worker.adapters.system_clock import SystemClock

    if source.location.scheme == "file":
        return FolderProbe(source)
    chosen = settings()
    return S3Probe(source, buckets, SystemClock(), chosen.s3_endpoint_url or "", chosen.max_pages)


def _asked(buckets: RateLimiter, source: Source) -> ApiProbe:
    from worker.adapters.source_probes import CarbonProbe
    from worker.adapters.system_clock import SystemClock

    return CarbonProbe(source, buckets, SystemClock(), settings().sustainability_endpoint_url or "")
