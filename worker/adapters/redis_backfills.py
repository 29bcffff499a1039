"""Backfills in Redis: the months that wait for their turn, and those that have it."""

from __future__ import annotations

from collections.abc import Mapping

from worker.adapters.codec import dump, load
from worker.adapters.redis_broker import Argument, Broker
from worker.adapters.redis_keys import BACKFILL_SECONDS, BACKFILLS, BackfillKeys
from worker.adapters.redis_triggers import opening
from worker.domain.backfill import Backfill
from worker.domain.trigger import Trigger


class RedisBackfills:
    """`Backfills` on a broker. One that nothing happens to for thirty days is forgotten."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def open(self, backfill: Backfill) -> None:
        """Keep the backfill, in one step; opened again, it changes nothing."""
        own = BackfillKeys.of(backfill.backfill_id)
        args: list[Argument] = [backfill.backfill_id, backfill.max_active, BACKFILL_SECONDS]
        self._broker.run("open_backfill", [BACKFILLS, own.waiting], [*args, *map(dump, backfill.triggers)])

    def active(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the triggers under way, oldest first, of every backfill that has not ended."""
        [backfill_ids] = self._broker.read(("HKEYS", BACKFILLS))
        return {backfill_id: self._active(backfill_id) for backfill_id in sorted(backfill_ids)}

    def end(self, backfill_id: str, trigger_id: str) -> None:
        """The month has ended; the last one ends the backfill."""
        own = BackfillKeys.of(backfill_id)
        self._broker.run("end_month", [BACKFILLS, own.waiting, own.active], [backfill_id, trigger_id])

    def start(self, backfill_id: str) -> tuple[str, ...]:
        """Open the triggers whose turn has come; their ids. Each is opened in the step that takes it out of the line."""
        own = BackfillKeys.of(backfill_id)
        [max_active] = self._broker.read(("HGET", BACKFILLS, backfill_id))
        [line] = self._broker.read(("ZRANGE", own.waiting, 0, int(max_active or 0) - 1)) if max_active else [[]]
        months = [(month, load(Trigger, month)) for month in line]
        return tuple(trigger.trigger_id for month, trigger in months if self._start(backfill_id, month, trigger))

    def _start(self, backfill_id: str, month: str, trigger: Trigger) -> bool:
        own = BackfillKeys.of(backfill_id)
        opened, how = opening(trigger)
        own_args: list[Argument] = [backfill_id, month, BACKFILL_SECONDS]
        return bool(self._broker.run("start_month", [BACKFILLS, own.waiting, own.active, *opened], [*own_args, *how]))

    def _active(self, backfill_id: str) -> tuple[str, ...]:
        [active] = self._broker.read(("ZRANGE", BackfillKeys.of(backfill_id).active, 0, -1))
        return tuple(active)
