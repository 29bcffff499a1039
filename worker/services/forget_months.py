"""Unpublish months on purpose."""

from __future__ import annotations

from datetime import datetime

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError, NotFoundError
from worker.domain.publication import PublicationRecord
from worker.ports.table import ActivityTable, PublishedMonths


def to_forget(
    months: PublishedMonths, source_name: str, org_id: str | None = None, period: BillingPeriod | None = None
) -> tuple[PublicationRecord, ...]:
    """What is published under the name: every month, or one. Nothing is forgotten yet.

    NotFoundError when nothing is; BadRequestError when several orgs have a source of the name and none was chosen.
    """
    named = [record for record in months.records(org_id) if record.slot.source_name == source_name]
    found = tuple(record for record in named if period in {None, record.slot.period})
    if not found:
        month = f" for {period}" if period else ""
        message = f"nothing is published under the name {source_name!r}{month}"
        raise NotFoundError(message, "unpublished", "`offgridflow status` lists what is")
    orgs = sorted({record.slot.org_id for record in found})
    if len(orgs) > 1:
        message = f"{len(orgs)} orgs have a source named {source_name!r}: {', '.join(orgs)}"
        raise BadRequestError(message, "ambiguous_org", "choose one with --org")
    return found


def forget_months(table: ActivityTable, records: tuple[PublicationRecord, ...], at: datetime) -> None:
    """Unpublish these months, each in a commit of its own. Their records and, until `vacuum`, their parts stay.

    It stops no run: one in flight publishes its month again, as the next `ingest` does.
    """
    for record in records:
        table.forget(record.slot, at)
