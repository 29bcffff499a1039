"""Published months from Python: their versions, what AWS restated, and letting go of what is no longer wanted.

`worker.api` has all of this too. Only `vacuum` needs a broker.
"""

from __future__ import annotations

# ruff: noqa: PLC0415 (as in `worker.api`: a function loads what it needs)
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from worker.domain.billing_period import BillingPeriod

if TYPE_CHECKING:
    from worker.domain.publication import PublicationRecord
    from worker.services.diff_versions import VersionDiff
    from worker.services.history import MonthHistory
    from worker.services.vacuum import Vacuumed

WEEK = timedelta(days=7)


def history(period: str, org_id: str | None = None, source_name: str | None = None) -> tuple[MonthHistory, ...]:
    """Every version of a month (``YYYY-MM``) that was published, newest first, for each source that has one."""
    from worker.reading import reading_table
    from worker.services.history import history as histories

    return histories(reading_table(), BillingPeriod.parse(period), org_id, source_name)


def diff(
    period: str,
    before: str | None = None,
    after: str | None = None,
    org_id: str | None = None,
    source_name: str | None = None,
) -> tuple[VersionDiff, ...]:
    """What AWS restated of a month between two published versions; by default the newest and the one that it replaced.

    A version is named by its run id or AWS's version id, or the beginning of one. NotFoundError when there is no such
    version, or its parts were vacuumed.
    """
    from worker.adapters.part_totals import WarehousePartTotals
    from worker.reading import reading_table, warehouse
    from worker.services.diff_versions import Asked, diff_versions

    asked = Asked(BillingPeriod.parse(period), org_id, source_name, before, after)
    return diff_versions(reading_table(), WarehousePartTotals(warehouse()), asked)


def forget(
    source_name: str,
    org_id: str | None = None,
    period: str | None = None,
    confirm: Callable[[tuple[PublicationRecord, ...]], object] = lambda _records: None,
) -> tuple[PublicationRecord, ...]:
    """Unpublish a source's months, or one, and return their records. The next ingest publishes what AWS still has.

    ``confirm`` is shown what is about to be unpublished, and raises to stop it.
    """
    from worker.adapters.system_clock import SystemClock
    from worker.reading import reading_table
    from worker.services.forget_months import forget_months, to_forget

    table = reading_table()
    records = to_forget(table, source_name, org_id, BillingPeriod.parse(period) if period else None)
    confirm(records)
    forget_months(table, records, SystemClock().now())
    return records


def vacuum(
    broker: str, org_id: str | None = None, older_than: timedelta = WEEK, *, dry_run: bool = False
) -> tuple[Vacuumed, ...]:
    """Delete what is older than this and referenced by nothing, org by org; ``dry_run`` only says what that would be.

    ``broker`` is a URL, as `worker.api.broker` gives it: without the run ledger there, nothing is deleted.
    """
    from worker.adapters.table_files import WarehouseTableFiles
    from worker.adapters.table_lease import TableLease
    from worker.bootstrap import use_cases
    from worker.reading import tables, warehouse
    from worker.services.vacuum import limits
    from worker.services.vacuum import vacuum as vacuumed

    world = use_cases(broker).world
    files = WarehouseTableFiles(warehouse(), tables(), TableLease(broker).required)
    return vacuumed(world.ledger, files, limits(world.clock.now(), older_than, dry_run=dry_run), org_id)
