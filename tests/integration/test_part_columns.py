from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fakes.lakehouse import Lakehouse, activities_of, converted, job_of, lakehouse
from worker.adapters.warehouse import path_of
from worker.domain.outcome import FileOutcome
from worker.domain.schema import CONSTANT_COLUMNS, activity_schema


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lakehouse]:
    with lakehouse(tmp_path) as opened:
        yield opened


def read(outcome: FileOutcome) -> pl.DataFrame:
    assert outcome.part
    return pl.read_parquet(path_of(outcome.part))


def test_a_part_has_every_column_of_the_table_in_order(lake: Lakehouse) -> None:
    outcome = lake.write(job_of(), activities_of(("1.5", "0.25")))

    assert read(outcome).schema == pl.Schema(activity_schema())


def test_what_a_file_has_in_common_is_written_into_every_row(lake: Lakehouse) -> None:
    outcome = lake.write(job_of("a.csv", run_id="run-7"), activities_of(("1.5", "0.25"), ("2", "0")))

    expected = {
        "org_id": "org-123",
        "workspace_id": None,
        "source": "aws_cur",
        "source_name": "acme",
        "kind": "usage",
        "billing_period": "2024-01",
        "scope": None,
        "method": None,
        "model_version": None,
        "data_quality": "measured",
        "source_file": "a.csv",
        "version_id": "v1",
        "import_batch_id": "run-7",
    }
    assert list(expected) == list(CONSTANT_COLUMNS)
    assert read(outcome).select(CONSTANT_COLUMNS).rows(named=True) == [expected, expected]


def test_a_cost_that_the_report_does_not_have_is_null_and_sums_to_nothing(lake: Lakehouse) -> None:
    activities = activities_of(("1", "0")).with_columns(cost=pl.lit(None, pl.Decimal(38, 18)))
    outcome = converted(job_of(), activities_of(("1", "0")))

    with lake.parts.create(job_of(), ()) as writer:
        writer.write(activities)
        written = writer.finish(outcome)

    assert read(written)["cost"].to_list() == [None]


@pytest.mark.parametrize("kind", [pl.Categorical(), pl.Enum(["a", "b"])], ids=str)
def test_text_that_comes_as_a_dictionary_reads_as_text(lake: Lakehouse, kind: pl.DataType) -> None:
    activities = activities_of(("1", "0"), ("1", "0"), ("1", "0"), operation=["b", None, "a"])

    outcome = lake.write(job_of(), activities.with_columns(pl.col("operation").cast(kind)))

    assert read(outcome)["operation"].to_list() == ["b", None, "a"]
    assert read(outcome).schema["operation"] == pl.String()


def test_dictionaries_that_grow_from_batch_to_batch_stay_dictionaries(lake: Lakehouse) -> None:
    kind = pl.Categorical(pl.Categories.random())
    batches = [
        activities_of(*[("1", "0")] * 3, operation=values).with_columns(pl.col("operation").cast(kind))
        for values in (["x", "y", "x"], ["z", None, "y"])
    ]

    with lake.parts.create(job_of(), ()) as writer:
        for batch in batches:
            writer.write(batch)
        outcome = writer.finish(converted(job_of(), pl.concat(batches)))

    stored = pq.read_table(path_of(str(outcome.part)), read_dictionary=["operation"])["operation"]
    dictionaries = [chunk.dictionary.to_pylist() for chunk in stored.chunks if isinstance(chunk, pa.DictionaryArray)]
    assert dictionaries == [["x", "y", "z"]]
    assert read(outcome)["operation"].to_list() == ["x", "y", "x", "z", None, "y"]


def test_tags_come_from_columns_and_blank_ones_are_none(lake: Lakehouse) -> None:
    tags = {"tag:user:team": ["web", None, ""], "tag:aws:stack": ["s1", None, "s3"]}

    outcome = lake.write(job_of(), activities_of(("1", "0"), ("1", "0"), ("1", "0"), **tags))

    assert read(outcome)["tags"].to_list() == [{"user:team": "web", "aws:stack": "s1"}, {}, {"aws:stack": "s3"}]


def test_tags_come_as_a_map_and_blank_ones_are_none(lake: Lakehouse) -> None:
    maps = [{"team": "web", "stack": None}, None, {"stack": ""}, {}, {"a": "1", "b": "2"}]
    activities = activities_of(*[("1", "0")] * 5)

    outcome = lake.write(job_of(), activities.with_columns(pl.Series("tags", maps, activity_schema()["tags"])))

    assert read(outcome)["tags"].to_list() == [{"team": "web"}, {}, {}, {}, {"a": "1", "b": "2"}]


def test_columns_may_come_in_any_order(lake: Lakehouse) -> None:
    activities = activities_of(("1", "0"), **{"tag:b": ["2"], "tag:a": ["1"]})

    outcome = lake.write(job_of(), activities.select(reversed(activities.columns)))

    assert read(outcome).row(0, named=True)["tags"] == {"a": "1", "b": "2"}
    assert read(outcome).schema == pl.Schema(activity_schema())


def test_row_groups_are_full_whatever_the_batches(lake: Lakehouse) -> None:
    batch = activities_of(*[("1", "0.5")] * 30_000)

    with lake.parts.create(job_of(), ()) as writer:
        for _ in range(5):
            writer.write(batch)
        outcome = writer.finish(converted(job_of(), pl.concat([batch] * 5)))

    footer = pq.read_metadata(path_of(str(outcome.part)))
    assert [footer.row_group(at).num_rows for at in range(footer.num_row_groups)] == [60_000, 60_000, 30_000]
