"""The watchdog's eyes in Redis: it finds what a lost message or a killed worker left."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from worker.adapters import redis_keys as keys
from worker.adapters.codec import load
from worker.adapters.redis_broker import Broker
from worker.adapters.redis_keys import RunKeys, TriggerKeys
from worker.adapters.redis_leases import MOST_LOSSES, RedisFileLeases
from worker.adapters.redis_ledger import DEADLINE_SECONDS
from worker.domain.trigger import Trigger
from worker.ports.ledger import Repairs


@dataclass(frozen=True, slots=True)
class Patience:
    """How long until something is taken for lost.

    A lease not renewed for ``lease_seconds``; a run that has not moved for ``stale_seconds`` with the queue empty, or for
    ``crowded_seconds`` with messages waiting; both double each time files are sent again in vain. A run without open files
    that nobody ended after ``publish_after_seconds``, and then every ``stale_seconds``.
    """

    lease_seconds: float = 60.0
    stale_seconds: float = 120.0
    crowded_seconds: float = 600.0
    publish_after_seconds: float = 2.0
    deadline_seconds: float = DEADLINE_SECONDS


class RedisRepairer:
    """`Repairer` on a broker. A look costs the active runs and their leases; the files only of a run that has stalled."""

    def __init__(self, broker: Broker, patience: Patience | None = None) -> None:
        self._broker = broker
        self._leases = RedisFileLeases(broker)
        self._patience = patience or Patience()

    def inspect(self, *, files_queue_is_empty: bool) -> tuple[Repairs, ...]:
        """One look at every active run; only those with something to repair are returned, and each repair once.

        ``publish`` is also asked for a cancelled run: whoever publishes finds out and ends it.
        """
        [active] = self._broker.read(("ZRANGE", keys.ACTIVE_RUNS, 0, -1))
        looks = (self._look(run_id, queue_is_empty=files_queue_is_empty) for run_id in active)
        return tuple(repairs for repairs in looks if repairs is not None)

    def stale_triggers(self) -> tuple[Trigger, ...]:
        """Triggers whose coordinator was not heard of for ``stale_seconds``; each is returned once in that time.

        One for later is returned when its time has come, and from then on is like any other.
        """
        indexes, args = [keys.OPEN_TRIGGERS, keys.LATER_TRIGGERS], [self._patience.stale_seconds, keys.TRIGGER_SECONDS]
        stale = self._broker.run("find_stale_triggers", indexes, args)
        values = self._broker.read(*(("HGET", TriggerKeys.of(each).trigger, "value") for each in stale))
        return tuple(load(Trigger, value) for value in values if value is not None)

    def _look(self, run_id: str, *, queue_is_empty: bool) -> Repairs | None:
        run = RunKeys.of(run_id)
        kept = [run.run, run.pending, run.leases, run.holders, run.losses, keys.ACTIVE_RUNS]
        args = [run_id, int(queue_is_empty), MOST_LOSSES, *astuple(self._patience)]
        found = self._broker.run("look_at_run", kept, args)
        if found is None:
            return None
        generation, overdue, publish, resend, lost = found
        for digest in lost:
            self._leases.quarantine(run_id, digest)
        if not (resend or publish or overdue):
            return None
        return Repairs(run_id, generation, tuple(resend), publish=bool(publish), overdue=bool(overdue))
