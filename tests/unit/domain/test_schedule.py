from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.plans import ACME
from worker.domain.schedule import Schedule, schedules
from worker.domain.source import CARBON, CUR

HOURLY, DAILY = Schedule("acme", CUR), Schedule("acme", CARBON)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds it)


def test_usage_has_a_turn_every_hour_and_estimates_every_day() -> None:
    found = schedules([ACME, replace(ACME, kind=CARBON)])

    assert found == (HOURLY, DAILY)
    assert [(each.every, each.hour is None) for each in found] == [
        (timedelta(hours=1), True),
        (timedelta(days=1), False),
    ]


def test_sources_take_turns_at_minutes_of_their_own() -> None:
    minutes = {Schedule(f"source-{number}", CUR).minute for number in range(600)}
    hours = {Schedule(f"source-{number}", CARBON).hour for number in range(600)}

    assert (minutes, hours) == (set(range(60)), set(range(24)))


@pytest.mark.parametrize("schedule", [HOURLY, DAILY])
@given(now=MOMENTS)
def test_a_slot_is_the_last_turn_that_has_come(schedule: Schedule, now: datetime) -> None:
    slot = schedule.slot(now)

    assert now - schedule.every < slot <= now
    assert slot.minute == schedule.minute
    assert schedule.hour in (None, slot.hour)


@given(now=MOMENTS, late=st.timedeltas(timedelta(0), timedelta(minutes=59, seconds=59)))
def test_whoever_finds_a_turn_due_however_late_asks_for_the_same(now: datetime, late: timedelta) -> None:
    due = HOURLY.slot(now)

    assert HOURLY.trigger_id(due + late) == HOURLY.trigger_id(due)
    assert HOURLY.trigger_id(due + HOURLY.every) != HOURLY.trigger_id(due)


def test_a_slot_is_named_by_its_source_its_kind_and_its_hour() -> None:
    noon = datetime(2024, 2, 3, 12, 59, 59, tzinfo=UTC)

    assert HOURLY.trigger_id(noon) == "beat-acme-aws_cur-2024-02-03T12"
    assert DAILY.trigger_id(noon).startswith("beat-acme-aws_carbon_footprint-2024-02-0")
