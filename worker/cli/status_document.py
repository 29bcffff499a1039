"""The JSON document of `status`: the same content as its tables."""

from __future__ import annotations

from datetime import datetime

from worker.domain.schedule import ScheduleStanding
from worker.domain.standing import Standing
from worker.ports.limits import BucketLevel
from worker.services.overview import Machinery, Overview, SourceStanding


def status_document(seen: Overview) -> dict[str, object]:
    """One object a month of a source, a source, a worker, a queue, a schedule, and a token bucket that is not full.

    ``unknown`` says why the last four are empty, if they are because no broker answered.
    """
    machinery = seen.machinery or Machinery()
    return {
        "at": seen.at.isoformat(),
        "months": [_month(each) for each in seen.months],
        "sources": [_source(each) for each in seen.sources],
        "workers": [{"name": each.name, "queues": list(each.queues)} for each in machinery.workers],
        "queues": [
            {"name": each.name, "waiting": each.waiting, "since": _moment(each.since)} for each in machinery.queues
        ],
        "schedules": [_schedule(each) for each in machinery.schedules],
        "beat": machinery.has_beat,
        "limits": [_limit(each) for each in machinery.limits],
        "unknown": seen.unknown,
    }


def _month(each: Standing) -> dict[str, object]:
    return {
        "org_id": each.org_id,
        "source_name": each.source_name,
        "source": each.source,
        "kind": each.kind,
        "billing_period": each.period,
        "cell": str(each.cell),
        "plain": each.is_plain,
        "version_id": each.version_id,
        "rows": each.rows,
        "at": _moment(each.at),
        "warnings": list(each.warnings),
        "why": each.why,
        "next_step": each.next_step,
        "run_id": each.run_id,
        "seen_version_id": each.seen_version_id,
        "looked_at": _moment(each.looked_at),
        "published_at": _moment(each.published_at),
    }


def _source(each: SourceStanding) -> dict[str, object]:
    return {
        "org_id": each.org_id,
        "source_name": each.source_name,
        "source": each.source,
        "kind": each.kind,
        "looked_at": _moment(each.looked_at),
        "published_at": _moment(each.published_at),
        "behind": each.behind,
    }


def _schedule(each: ScheduleStanding) -> dict[str, object]:
    return {
        "source_name": each.schedule.source_name,
        "source": each.schedule.kind,
        "last_run": _moment(each.last_run),
        "next_run": _moment(each.next_run),
        "paused": each.paused,
    }


def _limit(each: BucketLevel) -> dict[str, object]:
    return {
        "bucket": each.bucket,
        "tokens": round(each.tokens, 3),
        "wait_seconds": round(each.wait_seconds, 3),
        "capacity": each.capacity,
        "rate_per_second": each.rate_per_second,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
