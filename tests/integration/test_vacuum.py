"""What vacuum deletes, and what it spares, on a real table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.lakehouse import job_of, lakehouse
from tests.fakes.ledger import FakeLedger
from tests.fakes.plans import JANUARY, plan_of
from tests.integration.old_table import (
    MINUTE,
    REJECTED,
    ROWS,
    Old,
    moment_after_first_snapshot,
    no_turn,
    parts_of,
    referenced,
    version,
)
from worker.adapters.activity_scan import scan
from worker.adapters.duckdb_query import query
from worker.adapters.folder_warehouse import FolderWarehouse
from worker.adapters.part_totals import WarehousePartTotals
from worker.adapters.system_clock import SystemClock
from worker.adapters.table_files import WarehouseTableFiles
from worker.adapters.warehouse import path_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import FatalError, NotFoundError, TransientError
from worker.domain.garbage import FileKind, StoredFile
from worker.services.diff_versions import Asked, diff_versions
from worker.services.history import history
from worker.services.vacuum import Limits, vacuum


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Old]:
    with lakehouse(tmp_path) as lake:
        yield Old(lake)


def test_exactly_what_nothing_refers_to_is_deleted(old: Old) -> None:
    plans = [version(number) for number in (1, 2, 3)]
    for number, plan in enumerate(plans, start=1):
        old.publish(plan, f"run-{number}")
    old.lake.write(job_of("orphan.csv"), ROWS, REJECTED)
    rejected_commit = old.write(f"publications/acme/aws_cur/2024-01/run-9-{'0' * 64}.json")
    old.write("metadata/lost-m0.avro")
    old.write("data/acme/aws_cur/2024-01/.0123456789abcdef0123456789abcdef")
    records, rows = old.names("publications/**/*.json"), scan(old.lake.table).collect()
    old.age()
    before = old.everything()

    done = old.vacuum()

    live = {file.digest for file in plans[2].files}
    assert old.names("data/**/*") == parts_of(live)
    assert old.names("publications/**/*.json") == records - {rejected_commit.name}
    assert old.names("metadata/*") == set(referenced(old))
    assert {kind: amount.files for kind, amount in done.deleted.items() if kind is not FileKind.METADATA} == {
        FileKind.PART: 3,
        FileKind.REJECTIONS: 3,
        FileKind.RECORD: 1,
        FileKind.SCRATCH: 1,
    }
    gone = {name: body for name, body in before.items() if name not in old.everything()}
    assert sum(amount.size for amount in done.deleted.values()) == sum(map(len, gone.values()))
    assert scan(old.lake.table).collect().equals(rows)
    assert old.lake.tables.get("org-123").scan().to_arrow().num_rows == rows.height


def test_a_second_vacuum_finds_nothing(old: Old) -> None:
    for number in (1, 2, 3):
        old.publish(version(number), f"run-{number}")
    old.age()
    old.vacuum()
    before = old.everything()

    done = old.vacuum()

    assert (done.snapshots, done.manifests, done.spared) == (0, 0, 0)
    assert sum(amount.files for amount in done.deleted.values()) == 0
    assert old.everything() == before


def test_the_history_keeps_the_totals_of_versions_whose_parts_are_gone(old: Old) -> None:
    for number in (1, 2, 3):
        old.publish(version(number), f"run-{number}")
    before = history(old.lake.table, JANUARY)
    old.age()

    old.vacuum()

    assert history(old.lake.table, JANUARY) == before
    with pytest.raises(NotFoundError, match=r"run-2\) .* vacuumed"):
        diff_versions(old.lake.table, WarehousePartTotals(old.lake.warehouse), Asked(JANUARY))


def test_young_files_are_spared_whatever_refers_to_them(old: Old) -> None:
    old.publish(version(1), "run-1")
    young = [
        Path(path_of(str(old.lake.write(job_of("young.csv"), ROWS, REJECTED).part))),
        old.write(f"publications/acme/aws_cur/2024-01/run-9-{'0' * 64}.json"),
        old.write("metadata/young-m0.avro"),
        old.write("metadata/.0123456789abcdef0123456789abcdef"),
    ]
    old.age()
    soon = (old.before + MINUTE).timestamp()
    for path in young:
        os.utime(path, (soon, soon))

    done = old.vacuum()

    assert all(path.exists() for path in young)
    assert old.names("data/**/*.rejections.parquet") >= {f"{young[0].stem}.rejections.parquet"}
    assert sum(amount.files for amount in done.deleted.values()) == 0


def test_files_of_others_are_never_touched(old: Old) -> None:
    old.publish(version(1), "run-1")
    others = [
        old.write("data/acme/aws_cur/2024-01/backup.parquet"),
        old.write("data/acme/aws_cur/2024-01/notes.txt"),
        old.write("metadata/.keep"),
        old.write("runs/acme/aws_cur/2024-01.json"),
        old.write("README"),
    ]
    old.age()

    old.vacuum()

    assert all(path.exists() for path in others)


def test_a_version_replaced_later_than_the_limit_is_spared_however_old_its_files(old: Old) -> None:
    old.publish(version(1), "run-1")
    old.publish(version(2), "run-2")
    old.age()

    done = old.vacuum(moment_after_first_snapshot(old))

    assert done.snapshots == 0
    assert sum(amount.files for amount in done.deleted.values()) == 0
    assert old.names("data/**/*") == parts_of(file.digest for number in (1, 2) for file in version(number).files)
    [found] = diff_versions(old.lake.table, WarehousePartTotals(old.lake.warehouse), Asked(JANUARY))
    assert (found.dropped, found.added) == (("1.csv",), ("2.csv",))


def test_a_reader_with_an_open_query_reads_on(old: Old) -> None:
    old.publish(version(1), "run-1")
    table = old.lake.tables.get("org-123")
    frame = scan(old.lake.table)
    rows = query("SELECT source_file FROM activities ORDER BY source_row", old.lake.table).rows
    first = list(islice(rows, 1))
    old.publish(version(2), "run-2")
    old.age()

    old.vacuum(moment_after_first_snapshot(old))

    seen = {source_file for (source_file,) in (*first, *rows)}
    assert seen == {"same.csv", "1.csv"}
    assert set(frame.collect()["source_file"]) == seen
    assert set(table.scan().to_arrow()["source_file"].to_pylist()) == seen
    assert set(scan(old.lake.table).collect()["source_file"]) == {"same.csv", "2.csv"}


def test_parts_that_a_run_of_the_ledger_names_are_spared(old: Old) -> None:
    plan = plan_of("orphan.csv", manifest_etag="m9")
    old.publish(version(1), "run-1")
    old.lake.write(job_of("orphan.csv"), ROWS, REJECTED)
    old.ledger.open(plan, "t1")
    old.age()

    done = old.vacuum()

    assert done.spared == 2
    assert old.names("data/**/*") >= parts_of([plan.files[0].digest])


def test_a_forgotten_month_keeps_its_parts_until_the_limit_and_its_record_for_ever(old: Old) -> None:
    plan = version(1)
    old.publish(plan, "run-1")
    old.publish(replace(plan_of("february.csv"), period=BillingPeriod(2024, 2)), "run-2")
    records = old.names("publications/**/*.json")
    old.lake.table.forget(plan.slot, SystemClock().now())
    old.age()

    old.vacuum(SystemClock().now() - MINUTE)
    spared = old.names("data/**/2024-01/*")
    old.vacuum()

    assert spared == parts_of(file.digest for file in plan.files)
    assert old.names("data/**/2024-01/*") == set()
    assert old.names("publications/**/*.json") == records
    [found] = history(old.lake.table, JANUARY)
    assert found.versions[0].balance.activities.rows == 4


def test_a_dry_run_says_what_would_be_and_changes_nothing(old: Old) -> None:
    for number in (1, 2, 3):
        old.publish(version(number), f"run-{number}")
    old.age()
    before = old.everything()

    would_be = old.vacuum(dry_run=True)

    assert old.everything() == before
    done = old.vacuum()
    for kind in (FileKind.PART, FileKind.REJECTIONS, FileKind.RECORD, FileKind.SCRATCH):
        assert would_be.deleted[kind] == done.deleted[kind]
    assert (would_be.snapshots, would_be.manifests) == (done.snapshots, done.manifests) == (2, 2)


def test_empty_manifests_are_carried_along_no_further(old: Old) -> None:
    for number in range(1, 12):
        old.publish(version(number), f"run-{number}")
    rows = scan(old.lake.table).collect()
    old.age()

    done = old.vacuum()

    table = old.lake.tables.get("org-123")
    snapshot = table.current_snapshot()
    assert snapshot
    manifests = snapshot.manifests(table.io)
    assert done.manifests > 5
    assert all(each.has_added_files() or each.has_existing_files() for each in manifests)
    assert scan(old.lake.table).collect().equals(rows)


def test_without_the_ledger_nothing_is_deleted(old: Old) -> None:
    class Unreachable(FakeLedger):
        def digests_in_use(self, closed_within_seconds: float) -> frozenset[str]:
            raise TransientError("the broker cannot be reached")

    old.publish(version(1), "run-1")
    old.publish(version(2), "run-2")
    old.age()
    before = old.everything()

    with pytest.raises(TransientError):
        vacuum(Unreachable(ManualClock()), old.files, Limits(old.before))

    assert old.everything() == before


def test_a_warehouse_that_is_not_the_tables_is_left_alone(old: Old, tmp_path: Path) -> None:
    old.publish(version(1), "run-1")
    old.age()
    elsewhere = WarehouseTableFiles(FolderWarehouse(tmp_path / "another"), old.lake.tables, no_turn)

    with pytest.raises(FatalError, match="not in this warehouse"):
        vacuum(old.ledger, elsewhere, Limits(old.before))


def test_a_record_that_cannot_be_read_stops_it(old: Old) -> None:
    old.publish(version(1), "run-1")
    old.publish(version(2), "run-2")
    [record] = old.lake.table.records()
    Path(path_of(str(record.previous))).unlink()
    old.age()
    before = old.everything()

    with pytest.raises(NotFoundError):
        old.vacuum()

    assert {name for name in before if "/data/" in name} <= old.everything().keys()


def test_one_that_was_interrupted_leaves_a_whole_table_and_the_next_does_the_rest(old: Old) -> None:
    class Interrupted(WarehouseTableFiles):
        def delete(self, files: Iterable[StoredFile]) -> None:
            super().delete(islice(files, 1))
            raise KeyboardInterrupt

    for number in (1, 2, 3):
        old.publish(version(number), f"run-{number}")
    old.age()
    rows = scan(old.lake.table).collect()

    with pytest.raises(KeyboardInterrupt):
        vacuum(old.ledger, Interrupted(old.lake.warehouse, old.lake.tables, no_turn), Limits(old.before))
    halfway = len(old.names("data/**/*.parquet"))
    old.vacuum()

    assert halfway == 7
    assert old.names("data/**/*") == parts_of(file.digest for file in version(3).files)
    assert scan(old.lake.table).collect().equals(rows)


def test_what_was_deleted_can_be_converted_and_published_again(old: Old) -> None:
    for number in (1, 2):
        old.publish(version(number), f"run-{number}")
    old.age()
    old.vacuum()

    assert old.lake.parts.find(job_of("1.csv")) is None
    again = plan_of("1.csv", keep=("same.csv",), manifest_etag="m3")
    old.publish(again, "run-3")

    assert set(scan(old.lake.table).collect()["source_file"]) == {"same.csv", "1.csv"}
