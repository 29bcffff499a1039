"""Gather, decide: what one source has delivered, against what is published, as runs to make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from worker.domain.columns import announced
from worker.domain.diff import diff
from worker.domain.discovery import (
    FoundManifest,
    StoredObject,
    locate,
    refuse_outside,
)
from worker.domain.errors import IngestError, NotFoundError, TransientError
from worker.domain.manifest import Manifest
from worker.domain.plan import PlannedFile, RunPlan, part_digest
from worker.domain.report import RunReport
from worker.domain.retry import WorthAnother
from worker.domain.rulebooks import RULEBOOKS
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.services import reporting
from worker.services.survey import Survey, read_manifest, survey
from worker.services.world import World

UNDER_WAY = "delivery_under_way"
"""Seconds do not help: AWS takes minutes to deliver."""


def plan_source(
    world: World, source: Source, trigger: Trigger, worth_another: WorthAnother
) -> Iterator[RunPlan | RunReport]:
    """A plan for every month that changed, a report for every one that did not or cannot be planned, oldest month first.

    One listing serves all months, and a manifest is read only if the listing shows another ETag than is published. Errors
    about the whole source are raised; those about one month become its report, unless they are worth another attempt.
    """
    spent = world.stores(source).requests  # a worker keeps its stores: what they did before is not this trigger's
    found = survey(world, source, trigger, worth_another)
    delivered = set[str]()
    for manifest in found.manifests():
        if manifest.period:
            delivered.add(str(manifest.period))
            if not found.covers(manifest.period):
                continue
        with world.telemetry.span("aws.manifest", key=manifest.object.key, billing_period=manifest.period):
            planned = _plan_month(found, manifest, spent)
            spent = found.store.requests
            if planned:
                delivered.add(str(planned.period if isinstance(planned, RunPlan) else planned.billing_period))
                yield planned  # what comes of it belongs to the span
    missing = (str(month) for month in found.expected() if str(month) not in delivered)
    yield from (reporting.not_delivered(trigger.trigger_id, source, month, world.clock.now()) for month in missing)


def _plan_month(survey: Survey, found: FoundManifest, spent: int) -> RunPlan | RunReport | None:
    """``spent`` are the requests already attributed; the first month of a source carries the listing."""
    world, store = survey.world, survey.store
    try:
        record = survey.published(found)
        if record and not survey.covers(record.slot.period):
            return None
        if record and survey.is_current(record, found):
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


def _look_again(survey: Survey, found: FoundManifest) -> tuple[Survey, FoundManifest]:
    """A delivery that came between the listing and the manifest names files the listing lacks."""
    now = survey.again()
    return now, replace(found, object=now.listing.get(found.object.key, found.object))


def _plan(survey: Survey, found: FoundManifest, spent: int) -> RunPlan | None:
    source, store = survey.source, survey.store
    manifest, etag = read_manifest(store, found)
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
        manifest_key=manifest.key,
        manifest_path=found.object.key,
        manifest_etag=etag,
        version_id=manifest.version_id,
        account=manifest.account,
        bucket=store.bucket,
        charset=manifest.charset,
        files=files,
        add=changes.add,
        table_columns=survey.world.table.columns(source.org_id),
        dropped=len({file.key for file in record.files} - objects.keys()) if record else 0,
        requests=store.requests - spent,
        compression=str(manifest.compression),
        reconvert=survey.trigger.reconvert,
        supersessions=survey.trigger.supersessions,
        failing_since=survey.trigger.failing_since,
        background=survey.trigger.background,
        columns=announced(manifest.columns, RULEBOOKS[source.kind].wanted),
        max_rejected_percent=survey.world.max_rejected_percent if limit is None else limit,
    )


def _planned(source: Source, manifest: Manifest, bucket: str, key: str, stored: StoredObject) -> PlannedFile:
    digest = part_digest(source, manifest.period, bucket, (key, stored.etag, stored.size))
    return PlannedFile(digest, key, stored.key, stored.etag, stored.size)


def _refuse_unsettled(
    survey: Survey, manifest: Manifest, stored: StoredObject, objects: Mapping[str, StoredObject]
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
