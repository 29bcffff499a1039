"""The swap is held to the overwrite of Iceberg's own library: the same table, with fewer manifests written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import Table

from tests.fakes.lakehouse import Lakehouse, activities_of, lakehouse
from tests.fakes.plans import ACME, JANUARY, plan_of
from worker.adapters import month_swap
from worker.adapters.activity_scan import scan
from worker.adapters.layout import digest_of
from worker.adapters.month_swap import MonthSwap
from worker.domain.billing_period import BillingPeriod
from worker.domain.plan import RunPlan

FEBRUARY = BillingPeriod(2024, 2)
FILES = ("a.csv", "b.csv", "c.csv", "d.csv", "e.csv")
OF_NO_MATTER = {"run_id", "publication", "version_id"}


@pytest.fixture(autouse=True)
def small_manifests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_swap, "MOST_ENTRIES", 2)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lakehouse]:
    with lakehouse(tmp_path / "ours") as opened:
        yield opened


@pytest.fixture
def librarys(tmp_path: Path) -> Iterator[Lakehouse]:
    with lakehouse(tmp_path / "library") as opened:
        yield opened


def overwrite(self: MonthSwap, drop: Iterable[DataFile], add: Iterable[DataFile]) -> None:
    """`MonthSwap.swap` as the library does it."""
    library = self._transaction.update_snapshot(self.snapshot_properties).overwrite()
    for file in drop:
        library.delete_data_file(file)
    for file in add:
        library.append_data_file(file)
    library.commit()


def month(*keys: str, period: BillingPeriod = JANUARY) -> RunPlan:
    return replace(plan_of(*(f"{period}/{key}" for key in keys), manifest_etag="-".join(keys)), period=period)


VERSIONS = (
    month(*FILES),
    month("a.csv", period=FEBRUARY),
    month("a.csv", "new.csv", *FILES[2:]),
    month("a.csv"),
    month("a.csv"),
    month(),
    month("c.csv"),
)
"""Published one after the other: a first month, another one, one changed part, most of them gone, the same again, none, one."""


def publish(lake: Lakehouse, plan: RunPlan) -> Table:
    lake.publish(plan, lake.ingest(plan, activities_of(("1", "0.1"))))
    return lake.tables.get(ACME.org_id)


def live_manifests(table: Table) -> list[ManifestFile]:
    snapshot = table.current_snapshot()
    manifests = snapshot.manifests(table.io) if snapshot else []
    return [each for each in manifests if each.has_added_files() or each.has_existing_files()]


def state_of(table: Table) -> dict[str, Any]:
    """What a reader can tell of the table: the live files with their sequence numbers, what was deleted, and the summary."""
    snapshot = table.current_snapshot()
    assert snapshot
    assert snapshot.summary
    entries = [
        (entry.status.name, entry.sequence_number, entry.data_file.file_path.rpartition("/")[2])
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False)
        if entry.snapshot_id == snapshot.snapshot_id or entry.status.name != "DELETED"
    ]
    named = {name for _, _, name in entries}
    known = snapshot.summary.additional_properties
    summary = {name: value for name, value in known.items() if name not in OF_NO_MATTER and "size" not in name}
    live = {(seq, name) for status, seq, name in entries if status != "DELETED"}
    deleted = {name for status, _, name in entries if status == "DELETED"}
    return {"live": live, "deleted": deleted, "names": named, "summary": summary, "is": snapshot.summary.operation}


def test_each_swap_comes_to_what_the_librarys_overwrite_does(
    lake: Lakehouse, librarys: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = [state_of(publish(lake, plan)) for plan in VERSIONS]
    monkeypatch.setattr(MonthSwap, "swap", overwrite)

    theirs = [state_of(publish(librarys, plan)) for plan in VERSIONS]

    assert ours == theirs


def test_a_month_is_swapped_whole_whatever_its_manifests(lake: Lakehouse) -> None:
    for plan in VERSIONS[:3]:
        publish(lake, plan)

    files = scan(lake.table).select("billing_period", "source_file").collect().rows()

    assert sorted(files) == [
        *(("2024-01", f"2024-01/{key}") for key in ("a.csv", "c.csv", "d.csv", "e.csv", "new.csv")),
        ("2024-02", "2024-02/a.csv"),
    ]


def test_a_changed_part_makes_only_its_own_manifest_anew(lake: Lakehouse) -> None:
    publish(lake, VERSIONS[0])
    before = live_manifests(publish(lake, VERSIONS[1]))

    after = live_manifests(publish(lake, VERSIONS[2]))

    sizes = [(each.added_files_count or 0) + (each.existing_files_count or 0) for each in before]
    assert sizes == [1, 2, 2, 1]
    [lost] = [each for each in before if each not in after]
    assert lost.added_files_count == 2
    new = [each for each in after if each not in before]
    assert sorted((each.added_files_count, each.existing_files_count) for each in new) == [(0, 1), (1, 0)]


def test_what_is_dropped_was_named_by_the_plan(lake: Lakehouse) -> None:
    plan = VERSIONS[0]
    table = publish(lake, plan)

    changed = publish(lake, VERSIONS[2])

    [gone] = state_of(changed)["deleted"]
    assert digest_of(gone) in {file.digest for file in plan.files}
    assert gone in state_of(table)["names"]
