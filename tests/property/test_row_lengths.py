"""Rows that have more fields than the header, or fewer, or none: each is accounted for, and its neighbours stay what they are."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.conversion import Packed, convert, figures, reference
from tests.property.written import ROW
from worker.domain.columns import OPTIONAL, REQUIRED

WIDE = tuple(ROW)
NARROW = tuple(name for name in ROW if name in (*REQUIRED, *OPTIONAL))
"""Only columns that are read."""

LENGTHS = st.lists(st.one_of(st.just(0), st.integers(-len(ROW), -1), st.integers(1, 3)), max_size=12)
"""How many fields more than the header, or how many fewer."""


def line(columns: tuple[str, ...], surplus: int) -> list[str]:
    """What is too much is not blank: what a row has behind its last field and says nothing is not seen."""
    cells = [ROW[name] for name in columns]
    return cells[: max(0, len(cells) + surplus)] + ["more"] * surplus


@settings(max_examples=60, deadline=None)
@given(
    lengths=LENGTHS, columns=st.sampled_from([WIDE, NARROW]).flatmap(lambda names: st.permutations(names).map(tuple))
)
def test_rows_of_any_length_come_to_what_a_naive_reading_finds(
    folder: Path, lengths: list[int], columns: tuple[str, ...]
) -> None:
    lines = [line(columns, surplus) for surplus in lengths]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([columns, *lines])
    packed = Packed(text.getvalue().encode())

    converted = convert(packed, folder)

    naive = reference(packed)
    missing = sum(len(columns) - max(1, len(cells)) for cells in lines)
    assert figures(converted.balance) == naive.figures()
    assert [row["source_row"] for row in converted.rows] == [row["source_row"] for row in naive.made]
    assert converted.balance.notes.get("missing_fields", 0) == max(0, missing)
