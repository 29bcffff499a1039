"""From one listing: the newest manifest of every billing period, and the objects that a manifest names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError, NotFoundError

MANIFEST = re.compile(r"(?:(?P<name>.+)-)?Manifest\.json")
OTHER_EXPORTS = re.compile(r"(usage_period|date|carbon_model_version|model_version)=.*", re.IGNORECASE)
"""Partitions of exports that are not cost and usage reports: carbon emissions, recommendations."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as a listing shows it. ``key`` is what the store that listed it takes."""

    key: str
    etag: str
    size: int
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class FoundManifest:
    """A manifest by its key alone. ``report`` is the path and name of the report it belongs to.

    ``period`` is None when no folder spells it: only the body can tell. ``is_copy``: AWS keeps one in the folder of each
    delivery, and overwrites the one above it, which therefore is the newest.
    """

    object: StoredObject
    report: str
    period: BillingPeriod | None
    is_copy: bool


def find_manifests(listing: Iterable[StoredObject]) -> tuple[FoundManifest, ...]:
    """Every manifest of a cost and usage report in the listing."""
    found = (_recognise(each) for each in listing)
    return tuple(each for each in found if each)


def newest_manifests(manifests: Iterable[FoundManifest]) -> tuple[FoundManifest, ...]:
    """One manifest for each period, oldest period first; those of unknown period all stay, last."""
    best: dict[tuple[bool, str], FoundManifest] = {}
    for each in manifests:
        slot = (False, str(each.period)) if each.period else (True, each.object.key)
        rival = best.get(slot)
        if rival is None or _freshness(each) > _freshness(rival):
            best[slot] = each
    return tuple(best[slot] for slot in sorted(best))


def is_of_report(manifest: FoundManifest, wanted: str) -> bool:
    """Whether a source that names this report, by its path or its name alone, means the manifest; one without names any."""
    return wanted in ("", manifest.report, manifest.report.rpartition("/")[2])


def choose_report(manifests: tuple[FoundManifest, ...], wanted: str, where: str) -> tuple[FoundManifest, ...]:
    """The manifests of one report. Several under one prefix and none named: a BadRequestError that lists them."""
    chosen = tuple(each for each in manifests if is_of_report(each, wanted))
    if wanted and not chosen:
        message = f"no report {wanted!r} under {where}; there is {_reports(manifests) or 'none'}"
        raise NotFoundError(message, "no_such_report", "correct `report` in the source")
    if len({each.report for each in chosen}) > 1:
        message = f"several reports lie under {where}: {_reports(chosen)}"
        raise BadRequestError(
            message, "several_reports", "name one as `report` in the source, or make the prefix longer"
        )
    return chosen


def _reports(manifests: Iterable[FoundManifest]) -> str:
    return ", ".join(sorted({each.report for each in manifests}))


def locate(
    keys: tuple[str, ...], listed: Mapping[str, StoredObject], roots: tuple[str, ...], where: str
) -> dict[str, StoredObject]:
    """The listed object of every key that a manifest names.

    ``roots`` are what a key may carry before a listed key (a copied folder may start anywhere inside its bucket); the first
    under which a key exists counts for all. Raises BadRequestError for a key that steps out, NotFoundError for one missing.
    """
    for key in keys:
        if ".." in key.split("/"):
            raise BadRequestError(
                f"the manifest names {key!r}, a key with `..`", "key_outside", "do not ingest this delivery"
            )
    for root in roots:
        below = {key: key.removeprefix(f"{root}/") if root else key for key in keys}
        if any(path in listed and (not root or path != key) for key, path in below.items()):
            missing = [key for key, path in below.items() if path not in listed]
            if not missing:
                return {key: listed[path] for key, path in below.items()}
            raise _not_there(missing[0], where)
    raise _not_there(keys[0], where)


def refuse_outside(keys: tuple[str, ...], prefix: str, where: str) -> None:
    """Keep a manifest from making us read anything but the source: every key must lie below its prefix."""
    for key in keys:
        if not key.startswith(prefix):
            message = f"the manifest names {key!r}, which is outside {where}"
            remedy = "make the source's url reach both the manifest and its files, if this delivery is yours"
            raise BadRequestError(message, "key_outside", remedy)


def _not_there(key: str, where: str) -> NotFoundError:
    remedy = "if a delivery is under way, it will be there on the next run; else restore the object"
    return NotFoundError(f"the manifest names {key!r}, which is not under {where}", "NoSuchKey", remedy)


def _freshness(manifest: FoundManifest) -> tuple[bool, datetime, str]:
    return (not manifest.is_copy, manifest.object.last_modified, manifest.object.key)


def _recognise(stored: StoredObject) -> FoundManifest | None:
    *folders, file = stored.key.split("/")
    match = MANIFEST.fullmatch(file)
    if not match or any(OTHER_EXPORTS.fullmatch(folder) for folder in folders):
        return None
    at = _period_folder(folders)
    period = None if at is None else BillingPeriod.of_folder(folders[at], folders[at - 1] if at else "")
    base = _report_path(folders if at is None else folders[:at])
    name = match["name"] or (base[-1] if base else "")
    if not base or base[-1] != name:
        base = [*base, name]
    return FoundManifest(stored, "/".join(base), period, is_copy=at is not None and at < len(folders) - 1)


def _period_folder(folders: list[str]) -> int | None:
    """Where the folder that spells the month is; the last such folder counts."""
    parents = ["", *folders]
    spelled = (at for at in range(len(folders) - 1, -1, -1) if BillingPeriod.of_folder(folders[at], parents[at]))
    return next(spelled, None)


def _report_path(folders: list[str]) -> list[str]:
    """The folders above the month, without what AWS puts in between: ``metadata``, ``year=…``, a doubled name."""
    path = [folder for folder in folders if not re.fullmatch(r"year=\d{4}", folder, re.IGNORECASE)]
    if path and path[-1] == "metadata":
        path.pop()
    if len(path) > 1 and path[-1] == path[-2]:
        path.pop()
    return path
