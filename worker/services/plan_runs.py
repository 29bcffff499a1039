"""Gather, decide: what one source has delivered, against what is published, as runs to make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from worker.domain.billing_period import BillingPeriod
from worker.domain.columns import announced
from worker.domain.diff import diff
from worker.domain.discovery import (
    FoundManifest,
    StoredObject,
    choose_report,
    find_manifests,
    locate,
    newest_manifests,
    refuse_outside,
)
from worker.domain.errors import IngestError, NotFoundError, TransientError
from worker.domain.manifest import Manifest, parse_manifest
from worker.domain.plan import CONVERTER_VERSION, CUR, PlannedFile, RunPlan, Slot, part_digest
from worker.domain.publication import PublicationRecord
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.ports import ReportStore
from worker.services import reporting
from worker.services.world import World

WorthAnother = Callable[[IngestError], bool]
"""Whether an error is worth another attempt at the whole; the task that asks knows how many it has left."""

UNDER_WAY = "delivery_under_way"
"""Seconds do not help: AWS takes minutes to deliver."""


@dataclass(frozen=True, slots=True)
class _Survey:
    """One source as it was found: its listing, and the current records of its org."""

    world: World
    source: Source
    trigger: Trigger
    worth_another: WorthAnother
    store: ReportStore
    listing: Mapping[str, StoredObject]
    records: Mapping[Slot, PublicationRecord]

    def covers(self, period: BillingPeriod) -> bool:
        wanted = self.trigger
        after = wanted.start is None or wanted.start <= period
        return after and (wanted.end is None or period < wanted.end) and self.source.covers(period)

    def record(self, period: BillingPeriod) -> PublicationRecord | None:
        return self.records.get(Slot(self.source.org_id, self.source.name, CUR, period))


def plan_source(
    world: World, source: Source, trigger: Trigger, worth_another: WorthAnother
) -> Iterator[RunPlan | RunReport]:
    """A plan for every month that changed, a report for every one that did not or cannot be planned, oldest month first.

    One listing serves all months, and a manifest is read only if the listing shows another ETag than is published. Errors
    about the whole source are raised; those about one month become its report, unless they are worth another attempt.
    """
    store = world.stores(source)
    spent = store.requests  # a worker keeps its stores: what they did before is not this trigger's
    listing = {each.key: each for each in store.list()}
    found = choose_report(find_manifests(listing.values()), source.report, str(source.location))
    if not found:
        remedy = "check the url; AWS writes a first delivery up to 24 hours after an export is made"
        raise NotFoundError(f"no report's manifest lies under {source.location}", "no_manifest", remedy)
    records = {record.slot: record for record in world.table.records(source.org_id)}
    survey = _Survey(world, source, trigger, worth_another, store, listing, records)
    delivered = {str(manifest.period) for manifest in found}
    for manifest in newest_manifests(found):
        if manifest.period and not survey.covers(manifest.period):
            continue
        planned = _plan_month(survey, manifest, spent)
        spent = store.requests
        if planned:
            delivered.add(str(planned.period if isinstance(planned, RunPlan) else planned.billing_period))
            yield planned
    yield from _missing_months(survey, delivered)


def _plan_month(survey: _Survey, found: FoundManifest, spent: int) -> RunPlan | RunReport | None:
    """``spent`` are the requests already attributed; the first month of a source carries the listing."""
    world, store = survey.world, survey.store
    try:
        record = _published(survey, found)
        if record and not survey.covers(record.slot.period):
            return None
        if record and _is_current(record, found, survey):
            return reporting.up_to_date(record, store.requests - spent, world.clock.now())
        try:
            return _plan(survey, found, spent)
        except NotFoundError:
            return _plan(*_look_again(survey, found), spent)
    except IngestError as error:
        if error.code != UNDER_WAY and survey.worth_another(error):
            raise
        period = str(found.period) if found.period else None
        return reporting.refused(survey.trigger.trigger_id, survey.source, period, error, world.clock.now())


def _published(survey: _Survey, found: FoundManifest) -> PublicationRecord | None:
    """The month's current record; a month that only the manifest's body tells is recognised by the manifest itself."""
    if found.period:
        return survey.record(found.period)
    mine = (each for each in survey.records.values() if each.slot.source_name == survey.source.name)
    this = (found.object.key, found.object.etag)
    return next((each for each in mine if (each.manifest_key, each.manifest_etag) == this), None)


def _is_current(record: PublicationRecord, found: FoundManifest, survey: _Survey) -> bool:
    same_input = record.manifest_etag == found.object.etag
    same_configuration = record.configuration_digest == survey.source.configuration_digest
    good_enough = record.converter_version >= CONVERTER_VERSION or not survey.trigger.reconvert
    return same_input and same_configuration and good_enough


def _read(survey: _Survey, found: FoundManifest) -> tuple[Manifest, str]:
    read = survey.store.read_manifest(found.object.key)
    if read is None:
        raise NotFoundError(f"manifest {found.object.key} is gone", "NoSuchKey", "look again when AWS has delivered")
    body, etag = read
    return parse_manifest(body, found.object.key, found.period, etag), etag


def _look_again(survey: _Survey, found: FoundManifest) -> tuple[_Survey, FoundManifest]:
    """The source as it is now: a delivery that came between the listing and the manifest names files the listing lacks."""
    listing = {each.key: each for each in survey.store.list()}
    return replace(survey, listing=listing), replace(found, object=listing.get(found.object.key, found.object))


def _plan(survey: _Survey, found: FoundManifest, spent: int) -> RunPlan | None:
    source, store = survey.source, survey.store
    manifest, etag = _read(survey, found)
    if not survey.covers(manifest.period):
        return None
    if source.location.scheme == "s3":
        refuse_outside(manifest.files, source.location.prefix, str(source.location))
    objects = locate(manifest.files, survey.listing, store.roots, str(source.location))
    _refuse_unsettled(survey, manifest, found.object, objects)
    files = tuple(_planned(source, manifest, store.bucket, key, stored) for key, stored in objects.items())
    record = survey.record(manifest.period)
    changes = diff((file.digest for file in files), (file.digest for file in record.files) if record else ())
    limit = survey.trigger.max_rejected_percent
    return RunPlan(
        source=source,
        period=manifest.period,
        connector=reporting.CONNECTOR,
        manifest_key=manifest.key,
        manifest_path=found.object.key,
        manifest_etag=etag,
        version_id=manifest.version_id,
        account=manifest.account,
        bucket=store.bucket,
        charset=manifest.charset,
        files=files,
        add=changes.add,
        dropped=len({file.key for file in record.files} - objects.keys()) if record else 0,
        requests=store.requests - spent,
        compression=str(manifest.compression),
        reconvert=survey.trigger.reconvert,
        supersessions=survey.trigger.supersessions,
        columns=announced(manifest.columns),
        max_rejected_percent=survey.world.max_rejected_percent if limit is None else limit,
    )


def _planned(source: Source, manifest: Manifest, bucket: str, key: str, stored: StoredObject) -> PlannedFile:
    digest = part_digest(source, manifest.period, bucket, (key, stored.etag, stored.size))
    return PlannedFile(digest, key, stored.key, stored.etag, stored.size)


def _refuse_unsettled(
    survey: _Survey, manifest: Manifest, stored: StoredObject, objects: Mapping[str, StoredObject]
) -> None:
    """In overwrite mode AWS rewrites the data first and the manifest last: data newer than its manifest is not to be trusted yet.

    Keys that hold the version id are never overwritten, and a folder is no delivery.
    """
    if survey.source.location.scheme != "s3":
        return
    settled = survey.world.clock.now() - timedelta(seconds=survey.world.settle_seconds)
    for key, each in objects.items():
        if (
            stored.last_modified < each.last_modified
            and each.last_modified > settled
            and manifest.version_id not in key
        ):
            message = f"{key} is newer than manifest {manifest.key}: a delivery is under way"
            raise TransientError(message, UNDER_WAY, "nothing to do; the next run finds it complete")


def _missing_months(survey: _Survey, delivered: set[str]) -> Iterator[RunReport]:
    """Months that were asked for by both ends and that have no manifest."""
    month, end = survey.trigger.start, survey.trigger.end
    while month and end and month < end:
        if str(month) not in delivered and survey.source.covers(month):
            now = survey.world.clock.now()
            yield reporting.not_delivered(survey.trigger.trigger_id, survey.source, str(month), now)
        month = month.next()
