"""The same rows in every layout and packing are the same activities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld, month
from tests.unit.services.steps import ingest, outcome_in, sent
from worker.adapters.sample_columns import line_item
from worker.adapters.sample_files import FileFormat
from worker.adapters.sample_month import Layout, Month
from worker.domain.columns import OPTIONAL, REQUIRED, TAG_MAP, Binding
from worker.domain.outcome import FileOutcome
from worker.services.convert_file import convert_file

TAX = line_item("2024-01", line_item_line_item_type="Tax", line_item_unblended_cost="3.25")
TINY = line_item("2024-01", line_item_usage_amount="3.34E-8", line_item_unblended_cost="0.1")
TAGGED = line_item("2024-01") | {"resourceTags/user:team": "checkout"}
DELIVERED = replace(month("2024-01", TAGGED, TAX, TINY), columns=())
OF_THE_DELIVERY = ("activity_id", "tags", "tag:user_team")
"""What names the file, and the one column that is told in two ways."""


def converted(fake: FakeWorld, delivered: Month) -> tuple[FileOutcome, pl.DataFrame]:
    fake.deliver(delivered)
    [dispatch] = fake.send(replace(ACME, report=delivered.name), trigger_id=delivered.name)
    ingest(fake, dispatch)
    outcome = outcome_in(fake, dispatch)
    assert outcome.failure is None
    return outcome, fake.parts.activities[outcome.digest]


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("packed", FileFormat)
def test_the_same_rows_become_the_same_activities(fake: FakeWorld, layout: Layout, packed: FileFormat) -> None:
    outcome, rows = converted(fake, DELIVERED)

    other_outcome, other_rows = converted(fake, replace(DELIVERED, name="other", layout=layout, file_format=packed))

    assert other_outcome.balance == outcome.balance
    assert other_rows.drop(OF_THE_DELIVERY, strict=False).equals(rows.drop(OF_THE_DELIVERY, strict=False))


@pytest.mark.parametrize("packed", [FileFormat.GZIP, FileFormat.PARQUET])
def test_tags_of_an_export_are_a_map_however_it_is_packed(fake: FakeWorld, packed: FileFormat) -> None:
    _, rows = converted(fake, replace(DELIVERED, layout=Layout.EXPORT, file_format=packed))

    [first, second] = rows["tags"].to_list()
    assert dict(first) == {"user_team": "checkout"}
    assert not second


COLUMNS = (*REQUIRED, *OPTIONAL, TAG_MAP)


@dataclass
class RowByRow:
    """A reader of rows that are in memory, one to a batch."""

    rows: pl.DataFrame
    binding: Binding
    missing_fields: int

    def batches(self, on_batch: Callable[[pl.DataFrame], None]) -> int:
        for at in range(self.rows.height):
            on_batch(self.rows[at : at + 1])
        return self.rows.height


def batch_of(*rows: dict[str, str]) -> pl.DataFrame:
    schema = dict.fromkeys(COLUMNS, pl.String)
    frame = pl.DataFrame([dict.fromkeys(COLUMNS) | row for row in rows], schema=schema)
    return frame.with_row_index("source_row", 1).with_columns(is_ragged=pl.lit(value=False))


def test_what_comes_in_several_batches_adds_up(fake: FakeWorld, tmp_path: Path) -> None:
    rows = batch_of(line_item("2024-01", resource_tags="no JSON"), TAX, TINY)
    reader = RowByRow(rows, Binding(len(COLUMNS), {name: at for at, name in enumerate(COLUMNS)}, ()), missing_fields=2)
    dispatch = sent(fake)
    job = fake.ledger.claim(dispatch.run_id, dispatch.digests[0], "worker-1")
    assert job is not None
    world = replace(fake.world, open_report=lambda _path, _job: reader)

    outcome = convert_file(world, job, tmp_path, lambda: None)

    assert (outcome.balance.read.rows, outcome.balance.activities.rows) == (3, 2)
    assert outcome.balance.notes == {"missing_fields": 2, "tags_malformed": 1}
    assert fake.parts.activities[outcome.digest]["source_row"].to_list() == [1, 3]
