"""The files behind a table, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from worker.domain.errors import TransientError
from worker.domain.garbage import StoredFile


@dataclass(slots=True)
class FakeTableFiles:
    """`worker.ports.table.TableFiles` on lists. ``log`` has every step in order; ``meanwhile`` runs before each look at the turn."""

    files: dict[str, list[StoredFile]] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()
    has_turn: bool = True
    meanwhile: Callable[[], None] = lambda: None
    log: list[str] = field(default_factory=list)

    def orgs(self) -> tuple[str, ...]:
        return tuple(self.files)

    @contextmanager
    def turn(self, org_id: str) -> Iterator[Callable[[], None]]:
        self._require_turn()
        self.log.append(f"turn {org_id}")
        yield self._require_turn
        self.log.append(f"end {org_id}")

    def trim(self, org_id: str, before: datetime, *, dry_run: bool) -> tuple[int, int]:
        self.log.append("count" if dry_run else "trim")
        return 2, 3

    def stored(self, org_id: str) -> tuple[StoredFile, ...]:
        self.log.append("stored")
        return tuple(self.files[org_id])

    def needed(self, org_id: str, before: datetime) -> frozenset[str]:
        self.log.append("needed")
        return self.wanted

    def delete(self, files: Iterable[StoredFile]) -> None:
        for file in files:
            self.log.append(f"delete {file.identity}")

    @property
    def deleted(self) -> list[str]:
        return [step.removeprefix("delete ") for step in self.log if step.startswith("delete ")]

    def _require_turn(self) -> None:
        self.meanwhile()
        if not self.has_turn:
            raise TransientError("the turn cannot be had")
