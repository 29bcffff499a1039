"""A spooled file to its part, with parts in memory and with real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.fakes.lakehouse import lakehouse
from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld, month
from worker.adapters.sample_columns import PAYER, line_item
from worker.adapters.sample_month import Layout, Month
from worker.adapters.warehouse import path_of
from worker.domain.errors import BadRequestError
from worker.domain.outcome import FileOutcome
from worker.domain.source import Source
from worker.ports.parts import PartStore
from worker.services.convert_file import convert_file
from worker.services.lease import CancelledError
from worker.services.world import World

ROW = line_item("2024-01")
OTHER_PAYER = "999988887777"


@dataclass(frozen=True)
class Bench:
    """A world with some part store. ``rows`` reads the URI of a part or of rejections."""

    fake: FakeWorld
    world: World
    folder: Path
    read: Callable[[str], pl.DataFrame]

    def convert(
        self, delivered: Month, still_wanted: Callable[[], None] = lambda: None, source: Source = ACME
    ) -> FileOutcome:
        """Convert the first file of a month."""
        self.fake.deliver(delivered, source)
        [sent] = self.fake.send(source)
        job = self.fake.ledger.claim(sent.run_id, sent.digests[0], "worker-1")
        assert job is not None
        spooled = self.folder / "report"
        spooled.write_bytes(self.fake.bucket(source).objects[job.file.path].body)
        return convert_file(self.world, job, spooled, still_wanted)


@pytest.fixture(params=["memory", "parquet"])
def bench(request: pytest.FixtureRequest, fake: FakeWorld, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "memory":
        yield Bench(fake, fake.world, tmp_path, lambda uri: _from_memory(fake, uri))
        return
    with lakehouse(tmp_path) as lake:
        parts: PartStore = lake.parts
        yield Bench(fake, replace(fake.world, parts=parts), tmp_path, lambda uri: pl.read_parquet(path_of(uri)))


def _from_memory(fake: FakeWorld, uri: str) -> pl.DataFrame:
    digest = uri.removeprefix("warehouse/").partition(".")[0]
    return (fake.parts.rejections if uri.endswith(".rejections.parquet") else fake.parts.activities)[digest]


def rows_of(bench: Bench, uri: str | None) -> list[dict[str, object]]:
    assert uri is not None
    return bench.read(uri).rows(named=True)


def test_every_row_is_an_activity_an_exclusion_or_a_rejection_and_kept_as_such(bench: Bench) -> None:
    tax = line_item("2024-01", line_item_line_item_type="Tax", line_item_unblended_cost="3")
    negative = line_item("2024-01", line_item_usage_amount="-1", line_item_unblended_cost="0")

    outcome = bench.convert(month("2024-01", ROW, tax, negative))

    balance = outcome.balance
    assert (balance.read.rows, balance.activities.rows) == (3, 1)
    assert (balance.excluded_by_type, balance.rejected_by_reason) == ({"Tax": 1}, {"negative_usage": 1})
    assert (balance.read.cost, balance.activities.cost) == (Decimal("73.08"), Decimal("70.08"))
    [activity] = rows_of(bench, outcome.part)
    assert (activity["quantity"], activity["source_row"]) == (730, 1)
    [rejection] = rows_of(bench, outcome.rejections)
    assert (rejection["reason"], rejection["source_row"]) == ("negative_usage", 3)


def test_an_outcome_says_whose_it_is(bench: Bench) -> None:
    outcome = bench.convert(month())

    [run_id] = bench.fake.ledger.runs
    [file] = bench.fake.ledger.plan(run_id).files
    assert (outcome.digest, outcome.key) == (file.digest, file.key)
    assert (outcome.run_id, outcome.version_id, outcome.payers) == (run_id, "v1", (PAYER,))


def test_activity_ids_are_the_parts_digest_and_the_row(bench: Bench) -> None:
    outcome = bench.convert(month("2024-01", ROW, ROW))

    ids = [row["activity_id"] for row in rows_of(bench, outcome.part)]
    assert ids == [f"{outcome.digest[:16]}-1", f"{outcome.digest[:16]}-2"]


def test_all_payers_of_a_file_are_known(bench: Bench) -> None:
    outcome = bench.convert(month("2024-01", ROW, line_item("2024-01", bill_payer_account_id=OTHER_PAYER)))

    assert outcome.payers == (PAYER, OTHER_PAYER)


def test_a_file_that_names_no_payer_has_the_manifests(bench: Bench) -> None:
    outcome = bench.convert(month("2024-01", line_item("2024-01", bill_payer_account_id="")))

    assert outcome.payers == (PAYER,)


def test_a_file_of_an_export_that_names_no_payer_has_none(bench: Bench) -> None:
    anonymous = month("2024-01", line_item("2024-01", bill_payer_account_id=""))

    assert bench.convert(replace(anonymous, layout=Layout.EXPORT)).payers == ()


def test_a_file_with_nothing_but_a_header_has_an_outcome_and_no_part(bench: Bench) -> None:
    outcome = bench.convert(replace(month(), rows=()))

    assert (outcome.part, outcome.rejections, outcome.failure) == (None, None, None)
    assert outcome.balance.read.rows == 0


def test_rows_of_other_accounts_are_excluded_when_one_is_wanted(bench: Bench) -> None:
    mine = line_item("2024-01", line_item_usage_account_id="222233334444")

    outcome = bench.convert(month("2024-01", ROW, mine), source=replace(ACME, account_id="222233334444"))

    assert outcome.balance.excluded_by_type == {"OtherAccount": 1}
    assert [row["account_id"] for row in rows_of(bench, outcome.part)] == ["222233334444"]


def test_all_rejections_are_counted_and_so_many_are_kept(bench: Bench) -> None:
    negative = line_item("2024-01", line_item_usage_amount="-1")
    few = replace(bench, world=replace(bench.world, rejections_per_file=2))

    outcome = few.convert(month("2024-01", *[negative] * 5))

    assert outcome.balance.rejected.rows == 5
    assert outcome.balance.notes == {"rejections_not_kept": 3}
    assert [row["source_row"] for row in rows_of(bench, outcome.rejections)] == [1, 2]


def test_a_run_that_has_ended_stops_the_conversion_and_leaves_nothing(bench: Bench) -> None:
    def ended() -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        bench.convert(month(), ended)

    [run_id] = bench.fake.ledger.runs
    job = bench.fake.ledger.claim(run_id, bench.fake.ledger.plan(run_id).files[0].digest, "worker-2")
    assert job is not None
    assert bench.world.parts.find(job) is None


def test_a_report_that_lacks_what_it_needs_is_refused_by_name(bench: Bench) -> None:
    delivered = replace(month(), columns=tuple(name for name in ROW if name != "line_item_usage_amount"))

    with pytest.raises(BadRequestError, match="line_item_usage_amount"):
        bench.convert(delivered)
