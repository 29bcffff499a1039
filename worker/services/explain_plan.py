"""Why each file of a plan is new, changed, kept or dropped."""

from __future__ import annotations

from dataclasses import dataclass

from worker.domain.plan import CONVERTER_VERSION, PlannedFile, RunPlan
from worker.domain.publication import PublicationRecord, PublishedFile


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a month. ``what`` is new, changed, kept or dropped; ``size`` in bytes."""

    key: str
    size: int
    what: str
    why: str


def explain(plan: RunPlan, record: PublicationRecord | None) -> tuple[FileChange, ...]:
    """Every file that the manifest calls for, in its order, and then those that are published and no longer called for."""
    known = {file.key: file for file in record.files} if record else {}
    called_for = {file.digest for file in plan.files}
    changes = [_change(plan, file, known.get(file.key), record) for file in plan.files]
    gone = [file for file in (record.files if record else ()) if file.digest not in called_for]
    replaced = {file.key for file in plan.files}
    dropped = [
        FileChange(file.key, file.size, "dropped", "the manifest no longer names it")
        for file in gone
        if file.key not in replaced
    ]
    return (*changes, *dropped)


def _change(
    plan: RunPlan, file: PlannedFile, published: PublishedFile | None, record: PublicationRecord | None
) -> FileChange:
    if file.digest not in plan.add:
        return FileChange(file.key, file.size, "kept", "published from this very object")
    if published is None or record is None:
        return FileChange(file.key, file.size, "new", "not published yet")
    return FileChange(file.key, file.size, "changed", _reason(file, published, record))


def _reason(file: PlannedFile, published: PublishedFile, record: PublicationRecord) -> str:
    if file.etag != published.etag:
        return f"its ETag is {file.etag}, published is {published.etag}"
    if record.converter_version != CONVERTER_VERSION:
        return f"published by converter {record.converter_version}, this is {CONVERTER_VERSION}"
    return "the source's configuration changed"
