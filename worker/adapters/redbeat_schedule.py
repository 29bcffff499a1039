"""The schedule that the beats share, as RedBeat keeps it on the broker: read, and paused entry by entry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery
from redbeat.schedulers import RedBeatSchedulerEntry, get_redis
from redis.exceptions import RedisError

from worker.domain.errors import NotFoundError, TransientError
from worker.domain.schedule import Schedule, ScheduleStanding


class RedbeatSchedule:
    """The entries that a beat wrote when it started. TransientError when the broker does not answer."""

    def __init__(self, url: str) -> None:
        self._app = Celery(broker=url, set_as_current=False)
        self._app.conf.update(redbeat_redis_url=url, redbeat_redis_options={"socket_timeout": 10})
        with _translating():
            self._redis = get_redis(self._app)
        self._keys = self._app.redbeat_conf  # type: ignore[attr-defined]  # redbeat puts it there

    def standings(self) -> tuple[ScheduleStanding, ...]:
        """Every source's, in order."""
        with _translating():
            return tuple(self._standing(schedule) for schedule in self._schedules())

    def pause(self, source_name: str, *, paused: bool) -> tuple[ScheduleStanding, ...]:
        """Pause all schedules of a source, or resume them; how they then stand. NotFoundError when no beat knows any."""
        with _translating():
            mine = [each for each in self._schedules() if each.source_name == source_name]
            if not mine:
                remedy = "beat reads offgridflow.toml when it starts: restart it if the source is new"
                raise NotFoundError(f"nothing is scheduled for a source {source_name}", "not_scheduled", remedy)
            for schedule in mine:
                entry = self._entry(schedule)
                entry.enabled = not paused
                entry.save()
            return tuple(map(self._standing, mine))

    def has_beat(self) -> bool:
        """Whether a beat holds the schedule's lock; one that was killed does for some minutes more."""
        with _translating():
            return bool(self._redis.exists(self._keys.lock_key))

    def _schedules(self) -> list[Schedule]:
        names = (name.split("/") for name in self._redis.smembers(self._keys.statics_key) if "/" in name)
        return sorted(Schedule(*parts) for parts in names)

    def _entry(self, schedule: Schedule) -> RedBeatSchedulerEntry:
        return RedBeatSchedulerEntry.from_key(self._keys.key_prefix + schedule.name, app=self._app)

    def _standing(self, schedule: Schedule) -> ScheduleStanding:
        entry = self._entry(schedule)
        return ScheduleStanding(
            schedule=schedule,
            # A new entry's is when it was made: so it is due at its next turn, and not at once.
            last_run=entry.last_run_at if entry.total_run_count else None,
            next_run=entry.due_at if entry.enabled else None,
            paused=not entry.enabled,
        )


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        remedy = "check that it runs, and that the broker's URL names it"
        raise TransientError("the broker did not answer about the schedule", type(error).__name__, remedy) from error
