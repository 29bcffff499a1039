"""The publication record: what is published for one month, and from what. And the arithmetic of replacing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from worker.domain.balance import Balance
from worker.domain.diff import diff
from worker.domain.errors import BadRequestError, ChangedError, FatalError
from worker.domain.outcome import FileOutcome
from worker.domain.plan import PlannedFile, RunPlan, Slot


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One report file of a published month. ``part`` is None for a file without activities."""

    digest: str
    key: str
    etag: str
    size: int
    part: str | None
    rejections: str | None
    balance: Balance
    payers: tuple[str, ...]
    run_id: str
    version_id: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class PublicationRecord:
    """Immutable: a month is published again under a new record, whose ``previous`` is this one's URI.

    ``was_final`` says that an earlier version of the month was final already, so this one restates it.
    """

    slot: Slot
    workspace_id: str
    run_id: str
    published_at: datetime
    url: str
    account_filter: str
    manifest_key: str
    manifest_etag: str
    version_id: str
    converter_version: int
    configuration_digest: str
    files: tuple[PublishedFile, ...]
    balance: Balance
    was_final: bool = False
    previous: str | None = None
    schema: int = 1

    @property
    def is_final(self) -> bool:
        """Whether AWS has closed the month's bill."""
        return self.balance.is_final

    @property
    def payers(self) -> frozenset[str]:
        """Every payer account whose rows it holds."""
        return frozenset(payer for file in self.files for payer in file.payers)


@dataclass(frozen=True, slots=True)
class Held:
    """The slot as the table has it, all read from the very metadata that a commit will be based on.

    ``parts`` maps the digest of every live part of the slot to its URI; ``others`` are the current records of the same org
    and month under other source names. ``uri`` is where ``record`` is kept; without one, where the record of a month is that
    was forgotten.
    """

    record: PublicationRecord | None
    uri: str | None
    parts: Mapping[str, str]
    others: tuple[PublicationRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Publication:
    """One commit: the new record, the parts to add (with the Iceberg data file of each) and the URIs to drop."""

    record: PublicationRecord
    add: tuple[FileOutcome, ...]
    drop: frozenset[str]


def publication(
    plan: RunPlan, run_id: str, outcomes: Mapping[str, FileOutcome], held: Held, now: datetime
) -> Publication:
    """Decide the commit that makes the plan's files the month, given what the table holds at this moment.

    ``outcomes`` are this run's, by digest. Raises ChangedError when a file that was to be kept is no longer held (plan
    again), FatalError when the month would be counted twice, would not balance, or an older converter would replace a newer
    record, BadRequestError when more rows were rejected than the run allows.
    """
    _refuse_older_converter(plan, held)
    known = {file.digest: file for file in held.record.files} if held.record else {}
    files = tuple(_published(plan, planned, outcomes, known) for planned in plan.files)
    balance = Balance.total(file.balance for file in files)
    record = PublicationRecord(
        slot=plan.slot,
        workspace_id=plan.source.workspace_id,
        run_id=run_id,
        published_at=now,
        url=plan.source.url,
        account_filter=plan.source.account_id,
        manifest_key=plan.manifest_key,
        manifest_etag=plan.manifest_etag,
        version_id=plan.version_id,
        converter_version=plan.converter_version,
        configuration_digest=plan.source.configuration_digest,
        files=files,
        balance=balance,
        was_final=held.record is not None and (held.record.was_final or held.record.is_final),
        previous=held.uri,
    )
    balance.check(f"{plan.source.name} {plan.period}")
    _refuse_overlap(record, held.others)
    _refuse_rejections(plan, balance)
    changes = diff((file.digest for file in files if file.part), held.parts)
    if missing := changes.add - outcomes.keys():
        raise _no_longer_held(plan, next(iter(missing)))
    return Publication(
        record=record,
        add=tuple(outcomes[each] for each in sorted(changes.add)),
        drop=frozenset(held.parts[each] for each in changes.drop),
    )


def _published(
    plan: RunPlan, planned: PlannedFile, outcomes: Mapping[str, FileOutcome], known: Mapping[str, PublishedFile]
) -> PublishedFile:
    outcome = outcomes.get(planned.digest)
    if outcome is None:
        if planned.digest not in known:
            raise _no_longer_held(plan, planned.digest)
        return known[planned.digest]
    if outcome.failure:
        raise FatalError(f"{plan.source.name} {plan.period}: {planned.key} failed; nothing was published", "incomplete")
    return PublishedFile(
        digest=planned.digest,
        key=planned.key,
        etag=planned.etag,
        size=planned.size,
        part=outcome.part,
        rejections=outcome.rejections,
        balance=outcome.balance,
        payers=outcome.payers,
        run_id=outcome.run_id,
        version_id=outcome.version_id,
        attempts=outcome.attempts,
    )


def _no_longer_held(plan: RunPlan, digest: str) -> ChangedError:
    return ChangedError(
        f"{plan.source.name} {plan.period}: part {digest[:16]} was to be kept, and is no longer published"
    )


def _refuse_older_converter(plan: RunPlan, held: Held) -> None:
    if held.record and held.record.converter_version > plan.converter_version:
        message = (
            f"{plan.source.name} {plan.period} was published by converter {held.record.converter_version}, "
            f"this worker has {plan.converter_version}"
        )
        raise FatalError(
            message, "older_converter", "upgrade the workers; an older converter never replaces a newer record"
        )


def _refuse_overlap(record: PublicationRecord, others: tuple[PublicationRecord, ...]) -> None:
    for other in others:
        # The usage and the emissions of one month are no overlap: no total adds both.
        shared = record.payers & other.payers if other.slot.source == record.slot.source else frozenset()
        same_rows = (
            not record.account_filter or not other.account_filter or record.account_filter == other.account_filter
        )
        if shared and same_rows:
            message = (
                f"source {other.slot.source_name!r} of the same org already published payer {min(shared)} for "
                f"{record.slot.period}; publishing {record.slot.source_name!r} would count the month twice"
            )
            remedy = f"keep one of them: `offgridflow forget {other.slot.source_name} --period {record.slot.period}`, or remove a source"
            raise FatalError(message, "counted_twice", remedy)


def _refuse_rejections(plan: RunPlan, balance: Balance) -> None:
    limit = plan.max_rejected_percent
    if limit is None or balance.rejected.rows * 100 <= limit * balance.read.rows:
        return
    message = f"{balance.rejected.rows} of {balance.read.rows} rows were rejected, more than the {limit:g} % allowed"
    raise BadRequestError(
        message, "too_many_rejected", "look at the reasons in `offgridflow runs RUN_ID`, or allow more"
    )
