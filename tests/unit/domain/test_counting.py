from __future__ import annotations

import pytest

from worker.domain.counting import counted


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("source",), "0 sources"),
        (1, ("source",), "1 source"),
        (1200, ("row",), "1,200 rows"),
        (1, ("activity", "activities"), "1 activity"),
        (2, ("activity", "activities"), "2 activities"),
    ],
)
def test_one_is_said_otherwise_than_none_or_many(number: int, words: tuple[str, ...], said: str) -> None:
    assert counted(number, *words) == said
