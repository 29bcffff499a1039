from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.diff import Changes, diff

digests = st.frozensets(st.text(alphabet="0123456789abcdef", min_size=1, max_size=3))


@pytest.mark.parametrize(
    ("called_for", "held", "add", "keep", "drop"),
    [
        ("", "", "", "", ""),
        ("ab", "", "ab", "", ""),
        ("", "ab", "", "", "ab"),
        ("ab", "ab", "", "ab", ""),
        ("abc", "bcd", "a", "bc", "d"),
        ("aab", "a", "b", "a", ""),
    ],
)
def test_what_to_read_to_keep_and_to_drop(called_for: str, held: str, add: str, keep: str, drop: str) -> None:
    assert diff(called_for, held) == Changes(frozenset(add), frozenset(keep), frozenset(drop))


@given(digests, digests)
def test_applying_the_changes_gives_what_was_called_for(called_for: frozenset[str], held: frozenset[str]) -> None:
    changes = diff(called_for, held)

    applied = (held - changes.drop) | changes.add

    assert applied == called_for
    assert diff(called_for, applied) == Changes(frozenset(), called_for, frozenset())
