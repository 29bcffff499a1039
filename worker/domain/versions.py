"""The published versions of a month, newest first: how one is named, and which two are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.domain.errors import BadRequestError, NotFoundError
from worker.domain.publication import PublicationRecord

SHOWN = 5
"""Candidates that an error names; a month may have been published a hundred times."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A month that was unpublished on purpose: the URI of its last record, and when that was."""

    record: str
    at: datetime


def find_version(versions: Sequence[PublicationRecord], name: str) -> PublicationRecord:
    """The version that a run id or a version id names, whole or by its beginning.

    NotFoundError when none is named so, BadRequestError when more than one is: AWS's version id stays the same when a
    delivery is published again, a run id never does.
    """
    exact = [record for record in versions if name in (record.run_id, record.version_id)]
    found = exact or [each for each in versions if each.run_id.startswith(name) or each.version_id.startswith(name)]
    if len(found) == 1:
        return found[0]
    slot = versions[0].slot
    about = f"{slot.source_name} {slot.period}"
    if not found:
        raise NotFoundError(f"{about}: no published version is called {name!r}", "no_version", _choices(versions))
    message = f"{about}: {len(found)} published versions are called {name!r}"
    raise BadRequestError(message, "ambiguous_version", _choices(found))


def compared(
    versions: Sequence[PublicationRecord], before: str | None, after: str | None
) -> tuple[PublicationRecord, PublicationRecord]:
    """The two versions to compare: those named; by default the newest, and the one that it replaced.

    ``before`` alone is compared with the newest, ``after`` alone with the one before it. NotFoundError when there is none.
    """
    new = find_version(versions, after) if after else versions[0]
    if before:
        return find_version(versions, before), new
    at = versions.index(new) + 1
    if at == len(versions):
        message = f"{new.slot.source_name} {new.slot.period}: nothing was published before run {new.run_id}"
        raise NotFoundError(message, "no_version", "there is nothing to compare it with")
    return versions[at], new


def _choices(versions: Sequence[PublicationRecord]) -> str:
    named = ", ".join(f"{each.run_id} ({each.version_id})" for each in versions[:SHOWN])
    more = f" and {len(versions) - SHOWN} more" if len(versions) > SHOWN else ""
    return f"give a run id: {named}{more}"
