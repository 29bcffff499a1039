"""Backfills in memory; see `tests/fakes/triggers.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.domain.backfill import Backfill
from worker.domain.trigger import Trigger
from worker.ports.triggers import Triggers


@dataclass(slots=True)
class _Line:
    max_active: int
    waiting: list[Trigger]
    active: list[str] = field(default_factory=list)


class FakeBackfills:
    """`worker.ports.triggers.Backfills` in lists."""

    def __init__(self, triggers: Triggers) -> None:
        self._triggers = triggers
        self._lines: dict[str, _Line] = {}

    def open(self, backfill: Backfill) -> None:
        if backfill.triggers:
            self._lines.setdefault(backfill.backfill_id, _Line(backfill.max_active, list(backfill.triggers)))

    def active(self) -> Mapping[str, tuple[str, ...]]:
        return {backfill_id: tuple(line.active) for backfill_id, line in sorted(self._lines.items())}

    def end(self, backfill_id: str, trigger_id: str) -> None:
        line = self._lines[backfill_id]
        line.active.remove(trigger_id)
        if not line.waiting and not line.active:
            del self._lines[backfill_id]

    def start(self, backfill_id: str) -> tuple[str, ...]:
        line = self._lines.get(backfill_id, _Line(0, []))
        room = line.max_active - len(line.active)
        begun, line.waiting = line.waiting[:room], line.waiting[room:]
        for trigger in begun:
            self._triggers.open(trigger)
            line.active.append(trigger.trigger_id)
        return tuple(trigger.trigger_id for trigger in begun)
