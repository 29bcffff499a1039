"""The JSON documents of the reading verbs. `ingest`'s is the report's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from worker.api import MonthPlan
from worker.domain.outcome import FileOutcome
from worker.domain.report import RunReport


def plan_document(months: Iterable[MonthPlan | RunReport]) -> dict[str, object]:
    """``{"months": […]}``: a month up to date or failed as a run's report, a changed one with its files."""
    return {"months": [each.document() if isinstance(each, RunReport) else _month(each) for each in months]}


def _month(month: MonthPlan) -> dict[str, object]:
    plan = month.plan
    return {
        "source_name": plan.source.name,
        "org_id": plan.source.org_id,
        "connector": plan.connector,
        "billing_period": str(plan.period),
        "state": "changed",
        "version_id": plan.version_id,
        "manifest": plan.manifest_key,
        "bytes_to_read": sum(file.size for file in plan.files if file.digest in plan.add),
        "requests": plan.requests,
        "files": [{"key": each.key, "size": each.size, "what": each.what, "why": each.why} for each in month.files],
    }


def run_document(reports: Iterable[RunReport], files: Iterable[FileOutcome]) -> dict[str, object]:
    """``{"runs": […]}``, and of one run its ``files`` too."""
    document: dict[str, object] = {"runs": [report.document() for report in reports]}
    listed = [_file(each) for each in files]
    return {**document, "files": listed} if listed else document


def _file(outcome: FileOutcome) -> dict[str, object]:
    balance = outcome.balance
    return {
        "key": outcome.key,
        "digest": outcome.digest,
        "rows": balance.read.rows,
        "activities": balance.activities.rows,
        "excluded": balance.excluded.rows,
        "rejected": balance.rejected.rows,
        "attempts": outcome.attempts,
        "requests": outcome.requests,
        "bytes_read": outcome.bytes_read,
        "seconds": round(outcome.seconds, 3),
        "part": outcome.part,
        "error": outcome.failure.message if outcome.failure else None,
        "remedy": outcome.failure.remedy if outcome.failure else None,
    }


def query_document(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> dict[str, object]:
    """``{"columns": […], "rows": [{…}]}``, decimals as strings with all their digits."""
    return {
        "columns": list(columns),
        "rows": [{name: _value(value) for name, value in zip(columns, row, strict=True)} for row in rows],
    }


def _value(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
