"""The JSON documents of `history`, `diff`, `forget` and `vacuum`. Amounts are strings with all their digits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from worker.domain.publication import PublicationRecord
from worker.domain.report import plain
from worker.services.history import MonthHistory
from worker.services.reporting import record_warnings
from worker.services.vacuum import Vacuumed

if TYPE_CHECKING:  # polars is in there, and `--help` should not wait for it
    from worker.domain.restatement import Change, GroupChange
    from worker.services.diff_versions import VersionDiff


def history_document(months: Iterable[MonthHistory]) -> dict[str, object]:
    """``{"months": […]}``, one object a month of a source, its ``versions`` newest first."""
    return {"months": [_month(month) for month in months]}


def _month(month: MonthHistory) -> dict[str, object]:
    return {
        **_slot(month.versions[0]),
        "forgotten_at": month.forgotten_at.isoformat() if month.forgotten_at else None,
        "versions": [
            {**_version(record), "current": record is month.current, **_totals(record)} for record in month.versions
        ],
    }


def _slot(record: PublicationRecord) -> dict[str, object]:
    slot = record.slot
    return {
        "org_id": slot.org_id,
        "source_name": slot.source_name,
        "source": slot.source,
        "billing_period": str(slot.period),
    }


def _version(record: PublicationRecord) -> dict[str, object]:
    return {
        "version_id": record.version_id,
        "run_id": record.run_id,
        "published_at": record.published_at.isoformat(),
        "final": record.is_final,
    }


def _totals(record: PublicationRecord) -> dict[str, object]:
    activities = record.balance.activities
    return {
        "files": len(record.files),
        "rows": activities.rows,
        "usage_amount": plain(activities.usage),
        "cost": plain(activities.cost),
        "warnings": list(record_warnings(record)),
    }


def diff_document(diffs: Iterable[VersionDiff]) -> dict[str, object]:
    """``{"diffs": […]}``, one object a month of a source: the two versions, their files, and the groups that changed.

    The figures of a group are those of the files added and dropped; what the kept ones say is in neither ``from`` nor ``to``.
    """
    return {
        "diffs": [
            {
                **_slot(each.after),
                "from": {**_version(each.before), **_totals(each.before)},
                "to": {**_version(each.after), **_totals(each.after)},
                "files": {"added": list(each.added), "dropped": list(each.dropped), "kept": list(each.kept)},
                "groups": [_group(group) for group in each.groups],
            }
            for each in diffs
        ]
    }


def _group(group: GroupChange) -> dict[str, object]:
    rows = {"from": int(group.rows.before), "to": int(group.rows.after), "change": int(group.rows.by)}
    return {
        "service": group.service,
        "account": group.account,
        "region": group.region,
        "rows": rows,
        "usage": {unit: _change(change) for unit, change in group.usage.items()},
        "cost": _change(group.cost),
        "currency": group.currency,
    }


def _change(change: Change) -> dict[str, str]:
    return {"from": plain(change.before), "to": plain(change.after), "change": plain(change.by)}


def forgotten_document(records: Iterable[PublicationRecord]) -> dict[str, object]:
    """``{"forgotten": […]}``, one object a month that was unpublished."""
    return {"forgotten": [{**_slot(record), **_version(record), **_totals(record)} for record in records]}


def vacuum_document(orgs: Iterable[Vacuumed], *, dry_run: bool) -> dict[str, object]:
    """``{"dry_run": …, "orgs": […]}``, what was deleted of each org's table, or would be: files and bytes by kind."""
    return {
        "dry_run": dry_run,
        "orgs": [
            {
                "org_id": each.org_id,
                "snapshots_expired": each.snapshots,
                "manifests_left_out": each.manifests,
                "deleted": {
                    str(kind): {"files": amount.files, "bytes": amount.size} for kind, amount in each.deleted.items()
                },
                "spared_for_runs": each.spared,
            }
            for each in orgs
        ],
    }
