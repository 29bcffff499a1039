from __future__ import annotations

import polars as pl
import pytest

from tests.unit.domain.line_items import batch
from worker.domain import meaning
from worker.domain.meaning import DERIVED, Meanings

HOURS: dict[str, str | None] = {
    "pricing_unit": "Hrs",
    "product_servicecode": "AmazonEC2",
    "product_region": "eu-west-3",
}
BYTES: dict[str, str | None] = {
    "pricing_unit": "GB-Mo",
    "product_servicecode": "AmazonS3",
    "product_region": "us-east-1",
}


def said(rows: pl.DataFrame) -> list[tuple[str, ...]]:
    return rows.select(pl.col("category", "location", "unit").cast(pl.String)).rows()


@pytest.mark.parametrize("most", [0, 1, 20_000])
def test_what_is_remembered_changes_nothing(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(meaning, "MOST_KNOWN", most)
    meanings = Meanings()

    first, second, third = (
        said(meanings.added_to(batch(*changes))) for changes in ([HOURS], [BYTES, HOURS, BYTES], [HOURS])
    )

    assert first == third == [("cloud_compute", "EU-WEST", "hours")]
    assert second == [("cloud_storage", "US-EAST", "GB-month"), *first, ("cloud_storage", "US-EAST", "GB-month")]


def test_a_combination_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[int] = []
    derive = meaning._derived

    def counted(combinations: list[meaning._Combination]) -> pl.DataFrame:
        judged.append(len(combinations))
        return derive(combinations)

    monkeypatch.setattr(meaning, "_derived", counted)
    meanings = Meanings()

    for _ in range(3):
        meanings.added_to(batch(HOURS, HOURS, BYTES))

    assert judged == [0, 2]


def test_each_batch_has_dictionaries_of_its_own() -> None:
    meanings = Meanings()

    one, other = (meanings.added_to(batch(HOURS)).select(DERIVED) for _ in range(2))

    assert one.schema["unit"] != other.schema["unit"]
    assert one["unit"].dtype.categories.to_series().to_list() == ["hours"]  # type: ignore[attr-defined]
