from __future__ import annotations

import polars as pl
import pytest

from worker.domain.texts import TEXT, of_each

CELLS = ["a", None, "bb", "a", ""]


@pytest.mark.parametrize("kind", [pl.String(), pl.Categorical(pl.Categories.random())])
@pytest.mark.parametrize("cells", [CELLS, [None, None], []])
def test_a_rule_answers_for_each_row(kind: pl.DataType, cells: list[str | None]) -> None:
    rows = pl.DataFrame({"said": pl.Series(cells, dtype=kind)})

    answers = rows.select(of_each("said", pl.col(TEXT).str.len_bytes(), pl.UInt32)).to_series()

    assert answers.dtype == pl.UInt32
    assert answers.to_list() == [None if cell is None else len(cell) for cell in cells]


def test_a_rule_looks_at_each_text_once() -> None:
    looked: list[int] = []
    rows = pl.DataFrame({"said": pl.Series(CELLS * 100, dtype=pl.Categorical(pl.Categories.random()))})

    def look(texts: pl.Series) -> pl.Series:
        looked.append(len(texts))
        return texts

    rows.select(of_each("said", pl.col(TEXT).map_batches(look, return_dtype=pl.String), pl.String))

    assert looked == [3]
