"""Whatever a report holds and however it is delivered: every row is accounted for, as a naive reading accounts for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.conversion import convert, figures, reference, total, what_they_say
from tests.property.line_items import ACCOUNT, CHANGES, COLUMNS, Item, items, many_items
from tests.property.packing import (
    CUTS,
    PACKINGS,
    Packing,
    Spelling,
    as_export,
    as_parquet,
    cut,
    gzipped_in_members,
    plain,
    spellings,
    zipped,
)

ROWS = st.lists(CHANGES, max_size=25)
TEXTS = st.sampled_from([packing for packing in PACKINGS if packing is not as_parquet])
PLAIN = Spelling(COLUMNS)
OF_KEYS = tuple(name for name in COLUMNS if name != "resourceTags/user:Team")
"""Without the tag that shares its key with another: of two, the first column that speaks wins."""


@pytest.mark.parametrize("packing", [plain, gzipped_in_members, zipped])
@pytest.mark.parametrize("account", ["", ACCOUNT])
def test_thousands_of_rows_come_to_what_a_naive_reading_finds(folder: Path, packing: Packing, account: str) -> None:
    random = Random(f"{packing.__name__} {account}")
    packed = packing(replace(PLAIN, quotes_all=True), many_items(random, 3000), (0.3, 0.31))

    converted = convert(packed, folder, account=account)

    naive = reference(packed, account=account)
    assert figures(converted.balance) == naive.figures()
    assert [{name: row[name] for name in row if name != "activity_id"} for row in converted.rows] == naive.made


@settings(max_examples=100, deadline=None)
@given(rows=ROWS, spelling=spellings(COLUMNS), packing=TEXTS, cuts=CUTS, account=st.sampled_from(["", ACCOUNT]))
def test_a_report_comes_to_what_a_naive_reading_finds(
    folder: Path, rows: list[Item], spelling: Spelling, packing: Packing, cuts: Sequence[float], account: str
) -> None:
    packed = packing(spelling, items(rows), cuts)

    converted = convert(packed, folder, account=account)

    naive = reference(packed, account=account)
    converted.balance.check("the report")
    assert figures(converted.balance) == naive.figures()
    assert [{name: row[name] for name in row if name != "activity_id"} for row in converted.rows] == naive.made


@settings(max_examples=60, deadline=None)
@given(
    rows=ROWS,
    order=st.randoms(use_true_random=False),
    chunks=CUTS,
    deliveries=st.lists(st.tuples(spellings(OF_KEYS), st.sampled_from(PACKINGS), CUTS), min_size=4, max_size=4),
)
def test_order_chunks_columns_and_packing_change_nothing_but_lineage(
    folder: Path,
    rows: list[Item],
    order: Random,
    chunks: Sequence[float],
    deliveries: list[tuple[Spelling, Packing, Sequence[float]]],
) -> None:
    shuffled = order.sample(items(rows), len(rows))
    files = [
        packing(spelling, piece, cuts)
        for piece, (spelling, packing, cuts) in zip(cut(shuffled, chunks), deliveries, strict=False)
    ]

    converted = [convert(each, folder) for each in files]

    alone = convert(plain(replace(PLAIN, columns=OF_KEYS), items(rows), ()), folder)
    assert total(converted) == figures(alone.balance)
    assert what_they_say([row for each in converted for row in each.rows]) == what_they_say(alone.rows)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_maps_say_what_columns_say(folder: Path, rows: list[Item]) -> None:
    whole = [row | {"product_region": ""} for row in items(rows)]  # an export has it in a map that is not read

    as_maps = convert(as_export(OF_KEYS, whole), folder)

    as_columns = convert(plain(replace(PLAIN, columns=OF_KEYS), whole, ()), folder)
    assert figures(as_maps.balance) == figures(as_columns.balance)
    assert as_maps.rows == as_columns.rows
