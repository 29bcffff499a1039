"""Delete what nothing refers to any more: old snapshots, and the files that were theirs alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.domain.errors import BadRequestError, NotFoundError
from worker.domain.garbage import FileKind, StoredFile, garbage
from worker.ports.ledger import RunLedger
from worker.ports.table import TableFiles

SHORTEST = timedelta(hours=1)
"""A commit under way has files that nothing refers to yet; none takes so long."""

SPARED_SECONDS = timedelta(days=7).total_seconds()
"""The files of a run that was closed less long ago are spared: `retry` needs them."""

BATCH = 2_000
"""Files deleted between two looks at the ledger and at the turn."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Files and their size."""

    files: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What was deleted of one org's table, or would be. ``spared`` counts files that a run of the ledger may need."""

    org_id: str
    snapshots: int
    manifests: int
    deleted: Mapping[FileKind, Amount]
    spared: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Deletes nothing younger than ``before``, and nothing that a run names which was closed less than ``spared_seconds`` ago."""

    before: datetime
    spared_seconds: float = SPARED_SECONDS
    dry_run: bool = False


def limits(now: datetime, older_than: timedelta, *, dry_run: bool) -> Limits:
    """What `offgridflow vacuum` may delete at this moment. BadRequestError for less than an hour."""
    if older_than < SHORTEST:
        message = f"--older-than {older_than} is too short: a commit under way needs its files"
        raise BadRequestError(message, "usage", f"give at least {SHORTEST}")
    return Limits(now - older_than, dry_run=dry_run)


def vacuum(ledger: RunLedger, files: TableFiles, limits: Limits, org_id: str | None = None) -> tuple[Vacuumed, ...]:
    """Tidy up the table of every org, or of one, while its publishers wait.

    Raises, with nothing touched, when the ledger cannot be asked which files its runs need. Interrupted at any point it has
    deleted only what was not needed; the next one does the rest.
    """
    ledger.digests_in_use(limits.spared_seconds)
    orgs = files.orgs()
    if org_id is not None and org_id not in orgs:
        raise NotFoundError(
            f"nothing was ever published for org {org_id!r}", "unpublished", f"there is {', '.join(orgs) or 'none'}"
        )
    return tuple(_vacuum_org(ledger, files, limits, org) for org in orgs if org_id in {None, org})


def _vacuum_org(ledger: RunLedger, files: TableFiles, limits: Limits, org_id: str) -> Vacuumed:
    with files.turn(org_id) as require_turn:
        in_use = set(ledger.digests_in_use(limits.spared_seconds))
        snapshots, manifests = files.trim(org_id, limits.before, dry_run=limits.dry_run)
        # First what there is, then what is needed: what is written in between is not seen, or is young.
        stored = files.stored(org_id)
        old = garbage(stored, files.needed(org_id, limits.before), limits.before)
        doomed: list[StoredFile] = []
        for start in range(0, len(old), BATCH):
            require_turn()
            # Asked again: a run opened meanwhile may have found an old part of its own.
            in_use |= ledger.digests_in_use(limits.spared_seconds)
            doomed += _deleted(files, old[start : start + BATCH], in_use, dry_run=limits.dry_run)
    return Vacuumed(org_id, snapshots, manifests, _amounts(doomed), len(old) - len(doomed))


def _deleted(
    files: TableFiles, old: Sequence[StoredFile], in_use: AbstractSet[str], *, dry_run: bool
) -> Sequence[StoredFile]:
    doomed = [file for file in old if file.identity not in in_use]
    if not dry_run:
        files.delete(doomed)
    return doomed


def _amounts(files: Sequence[StoredFile]) -> dict[FileKind, Amount]:
    of_kind = {kind: [file.size for file in files if file.kind is kind] for kind in FileKind}
    return {kind: Amount(len(sizes), sum(sizes)) for kind, sizes in of_kind.items()}
