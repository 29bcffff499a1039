"""What beat runs: a schedule in Redis that several beats share, one of them sending; the sources' turns among its entries."""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery
from celery.schedules import crontab
from redbeat.schedulers import RedBeatScheduler
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import LockError
from redis.exceptions import TimeoutError as NoReply

from worker.domain.errors import IngestError
from worker.domain.schedule import Schedule, schedules
from worker.settings import settings
from worker.sources import configured_sources

log = logging.getLogger(__name__)

OUTAGE_SECONDS = 5.0
"""How long a broker that is away is left alone."""

TRIGGER_SLOT = "offgridflow.trigger_slot"


class SourceScheduler(RedBeatScheduler):  # type: ignore[misc]  # redbeat has no types
    """RedBeat's, with an entry for each source that offgridflow.toml has when beat starts; those of removed sources go.

    A paused entry stays paused. An entry's message names its slot: two beats that both find it due ask for the same.
    """

    def __init__(self, app: Celery, **options: Any) -> None:
        # Not in the configuration: there, Flower would show it to whoever looks at a worker, password and all.
        app.conf.redbeat_redis_url = app.conf.broker_url
        super().__init__(app, **options)

    def setup_schedule(self) -> None:
        """Write the configured entries over those of the last start. With a file that cannot be read, the last ones stay."""
        try:
            configured = schedules(configured_sources())
        except IngestError as error:
            log.error("the schedule stays as it was", extra={"error": str(error)})  # noqa: TRY400 (the sentence says it)
            self.update_from_dict(self.app.conf.beat_schedule)
            return
        self.app.conf.beat_schedule |= {each.name: _entry(each) for each in configured}
        super().setup_schedule()

    def update_from_dict(self, dict_: dict[str, Any]) -> None:
        """Write these entries; what was paused, and when each ran last, stays."""
        super().update_from_dict({name: {**entry, "enabled": self._is_enabled(name)} for name, entry in dict_.items()})

    def apply_async(self, entry: Any, *args: Any, **options: Any) -> Any:
        """Send an entry's message, a source's with the id of its slot's trigger."""
        if entry.task == TRIGGER_SLOT:
            [turn] = entry.args
            entry.args = [turn | {"trigger_id": Schedule(**turn).trigger_id(self.app.now())}]
        return super().apply_async(entry, *args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        """Send what is due, if the lock is ours. One that was lost, after an outage perhaps, is waited for as at the start."""
        try:
            until_next = self._tick(*args, **options)
        except (NoConnection, NoReply) as error:
            log.warning("the broker is away", extra={"error": type(error).__name__})
            return OUTAGE_SECONDS
        if file := settings().heartbeat_file:  # what a probe looks at
            file.touch()
        return until_next

    def _tick(self, *args: Any, **options: Any) -> float:
        try:
            return float(super().tick(*args, **options))
        except LockError:
            is_ours = self.lock.acquire(blocking=False)
            log.warning("the schedule's lock was lost", extra={"acquired_again": is_ours})
            return 0.0 if is_ours else float(self.max_interval)

    def _is_enabled(self, name: str) -> bool:
        try:
            return bool(self.Entry.from_key(self.Entry.generate_key(self.app, name), app=self.app).enabled)
        except KeyError:
            return True


def _entry(schedule: Schedule) -> dict[str, Any]:
    return {
        "task": TRIGGER_SLOT,
        "args": [{"source_name": schedule.source_name, "kind": schedule.kind}],
        "schedule": crontab(minute=schedule.minute, hour="*" if schedule.hour is None else schedule.hour),
        # A turn that nobody took before half of its time was over is left to the next one.
        "options": {"expires": schedule.every.total_seconds() / 2},
    }
