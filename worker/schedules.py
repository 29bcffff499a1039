"""The schedule that the beats share: how it stands, paused and resumed. `worker.api` has this too."""

from __future__ import annotations

# ruff: noqa: PLC0415 (as in `worker.api`: a function loads what it needs)
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.adapters.redbeat_schedule import RedbeatSchedule
    from worker.domain.schedule import ScheduleStanding


def schedule(url: str) -> tuple[tuple[ScheduleStanding, ...], bool]:
    """Every schedule of a source, and whether there is a beat that keeps to them."""
    kept = _schedule(url)
    return kept.standings(), kept.has_beat()


def pause(url: str, source_name: str) -> tuple[ScheduleStanding, ...]:
    """Let no turn of the source come until it is resumed, whichever beat runs; how its schedules then stand.

    NotFoundError when nothing is scheduled for it.
    """
    return _schedule(url).pause(source_name, paused=True)


def resume(url: str, source_name: str) -> tuple[ScheduleStanding, ...]:
    """Let its turns come again; if one was due meanwhile, now."""
    return _schedule(url).pause(source_name, paused=False)


@cache
def _schedule(url: str) -> RedbeatSchedule:
    from worker.adapters.redbeat_schedule import RedbeatSchedule

    return RedbeatSchedule(url)
