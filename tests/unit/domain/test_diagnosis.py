from __future__ import annotations

from datetime import timedelta

import pytest

from worker.domain.diagnosis import Verdict, any_failed, clock, ok, spoken, warn


@pytest.mark.parametrize(
    ("minutes", "verdict", "said"),
    [
        (0, Verdict.OK, "this host is 0 s ahead of AWS"),
        (5, Verdict.OK, "this host is 5 min behind AWS"),
        (5.1, Verdict.WARN, "this host is 5 min behind AWS"),
        (-15, Verdict.WARN, "this host is 15 min ahead of AWS"),
        (-15.1, Verdict.FAIL, "this host is 15 min ahead of AWS"),
        (180, Verdict.FAIL, "this host is 3 hours behind AWS"),
    ],
)
def test_a_clock_is_judged_by_what_aws_still_accepts(minutes: float, verdict: Verdict, said: str) -> None:
    found = clock([timedelta(minutes=minutes)])

    assert (found.verdict, found.said) == (verdict, said)
    assert bool(found.remedy) is (verdict is not Verdict.OK)


def test_the_worst_clock_counts_and_none_is_no_fault() -> None:
    assert clock([timedelta(), timedelta(hours=-1), timedelta(minutes=6)]).verdict is Verdict.FAIL
    assert clock([]).verdict is Verdict.OK


@pytest.mark.parametrize(("seconds", "words"), [(119, "119 s"), (120, "2 min"), (7200, "2 hours"), (864000, "10 days")])
def test_spans_are_said_in_the_largest_unit_that_fits_twice(seconds: int, words: str) -> None:
    assert spoken(timedelta(seconds=seconds)) == words


def test_a_warning_is_no_failure() -> None:
    found = warn("broker", "old", "upgrade")

    assert not any_failed([found, ok("list", "fine")])
