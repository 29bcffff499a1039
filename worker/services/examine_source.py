"""One source, examined as an ingest would use it, and no further than the first thing that keeps one from it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime

from worker.domain.billing_period import BillingPeriod
from worker.domain.counting import counted
from worker.domain.diagnosis import Finding, failed, ok, spoken, warn
from worker.domain.discovery import FoundManifest, StoredObject, locate, refuse_outside
from worker.domain.errors import IngestError, TransientError
from worker.domain.export_options import options, read_rows
from worker.domain.iam import missing
from worker.domain.manifest import Compression, Manifest
from worker.domain.source import CARBON, Source
from worker.ports.probes import ApiProbe, BucketProbe, SourceProbe
from worker.services.status import ESTIMATED_AFTER, LATE_AFTER
from worker.services.survey import delivered_manifests, read_manifest

PEEKED_BYTES = 64 * 1024
"""Of a file: one request shows that it may be read, how it begins, and whether it is hourly."""

STOPPED = "look at the export in AWS's Billing console: it may be off, or its bucket's policy may no longer let AWS write there"


def examine_asked(source: Source, probe: ApiProbe, now: datetime) -> Iterator[Finding]:
    """A source of estimates that are asked for."""
    check = "identity"
    try:
        yield _identity(source, probe)
        check = "estimates"
        probe.ask(_newest_estimated(now))
        yield ok(check, f"{source.location} answers", source.name)
    except IngestError as error:
        yield failed(check, error, source.name, missing(error.remedy))


def examine_delivered(source: Source, probe: BucketProbe, now: datetime) -> Iterator[Finding]:
    """A source that AWS delivers to a bucket or, copied, to a folder."""
    check = "identity"
    try:
        yield _identity(source, probe)
        check = "list"
        listing = {each.key: each for each in probe.store.list()}
        yield from _listed(source, probe, listing)
        check = "manifests"
        manifests = delivered_manifests(source, listing)
        yield _freshness(source, manifests, now)
        check = "manifest"
        manifest, _ = read_manifest(probe.store, manifests[-1])
        if source.location.scheme == "s3":
            refuse_outside(manifest.files, source.location.prefix, str(source.location))
        yield ok(check, f"{manifest.period} has {counted(len(manifest.files), 'file')} in {manifest.key}", source.name)
        check = "file"
        beginning = _first_bytes(source, probe, manifest, listing)
        yield ok(check, "its files can be read, and so decrypted", source.name)
        yield from options(source, *_columns(manifest, beginning))
    except IngestError as error:
        yield failed(check, error, source.name, missing(error.remedy, source.location))


def _identity(source: Source, probe: SourceProbe) -> Finding:
    try:
        who = probe.identity()
    except TransientError as error:
        return warn("identity", error.message, "let this host reach STS, to see whom AWS takes it for", source.name)
    return ok("identity", f"AWS knows us as {who}" if who else "nobody to ask: this is not AWS", source.name)


def _listed(source: Source, probe: BucketProbe, listing: Mapping[str, StoredObject]) -> Iterator[Finding]:
    payer = ", and we pay for it" if source.requester_pays else ""
    yield ok("list", f"{counted(len(listing), 'object')} below {source.location}{payer}", source.name)
    if probe.bucket_region and probe.bucket_region != probe.region:
        said = f"the bucket is in {probe.bucket_region}, and asked for in {probe.region}: requests are sent twice"
        yield warn("region", said, f"set the source's region to {probe.bucket_region}", source.name)


def _freshness(source: Source, manifests: tuple[FoundManifest, ...], now: datetime) -> Finding:
    """A copied folder, and a range of months that is over, need nothing new."""
    newest = max(manifests, key=lambda each: each.object.last_modified)
    age = now - newest.object.last_modified
    months = [str(each.period) for each in manifests if each.period]
    span = f" of {months[0]} to {months[-1]}" if months else ""
    said = f"{counted(len(manifests), 'manifest')}{span}, the newest is {spoken(age)} old"
    if source.location.scheme == "file" or (source.end and source.end.start <= now):
        return ok("manifests", said, source.name)
    if source.kind == CARBON:
        due = _newest_estimated(now)
        is_stale = bool(months) and months[-1] < str(due)
        said = f"{said}, and {due} is due" if is_stale else said
    else:
        is_stale = age > LATE_AFTER
        said = f"{said}, and AWS writes an open month every day" if is_stale else said
    return warn("manifests", said, STOPPED, source.name) if is_stale else ok("manifests", said, source.name)


def _newest_estimated(now: datetime) -> BillingPeriod:
    """The last month that AWS should have estimated by now."""
    month = BillingPeriod.at(now).previous()
    return month if now >= month.end + ESTIMATED_AFTER else month.previous()


def _first_bytes(source: Source, probe: BucketProbe, manifest: Manifest, listing: Mapping[str, StoredObject]) -> bytes:
    """Of the first file that is not empty."""
    objects = locate(manifest.files, listing, probe.store.roots, str(source.location))
    key = next((each.key for each in objects.values() if each.size), "")
    return probe.first_bytes(key, PEEKED_BYTES) if key else b""


def _columns(manifest: Manifest, beginning: bytes) -> tuple[tuple[str, ...], list[list[str]]]:
    """The manifest's columns, or those of the file if it lists none; and first rows. Only plain and gzipped CSV is opened."""
    if manifest.compression not in (Compression.NONE, Compression.GZIP):
        return manifest.columns, []
    try:
        packed = manifest.compression is Compression.GZIP
        text = (zlib.decompressobj(31).decompress(beginning) if packed else beginning).decode(errors="replace")
    except zlib.error:  # reading it whole will say what is wrong with it
        return manifest.columns, []
    header, rows = read_rows(text.removeprefix("\ufeff"))
    return tuple(header) or manifest.columns, rows
