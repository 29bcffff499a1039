"""The tables on a real S3 server: publishing, reading, tidying up, and what S3 objects to."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.lakehouse import Lakehouse, activities_of, job_of, lakehouse, rejections_of, s3_warehouse
from tests.fakes.ledger import FakeLedger
from tests.fakes.plans import JANUARY, NOON, plan_of
from tests.integration.old_table import no_turn
from tests.servers.seaweed import BUCKET, Keys, Seaweed
from worker.adapters.activity_scan import scan
from worker.adapters.duckdb_query import query
from worker.adapters.exports import export
from worker.adapters.part_totals import WarehousePartTotals
from worker.adapters.s3_warehouse import S3Warehouse
from worker.adapters.system_clock import SystemClock
from worker.adapters.table_files import WarehouseTableFiles
from worker.adapters.table_version import EVERYTHING, Selection
from worker.adapters.warehouse import Warehouse
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import AuthError, BadRequestError, FatalError, NotFoundError, TransientError
from worker.domain.garbage import FileKind
from worker.domain.plan import RunPlan
from worker.domain.source import Location
from worker.services.diff_versions import Asked, diff_versions
from worker.services.history import history
from worker.services.vacuum import Limits, vacuum

PUBLISHERS, PUBLISHES = 2, 5
ROWS = activities_of(("0.1", "99999999999999.999999999999999999"), ("0.2", "0.000000000000000001"))
TOTALS = "SELECT count(*), sum(quantity), sum(cost) FROM activities"
OF_ROWS = (2, Decimal("0.3"), Decimal(100_000_000_000_000))
NOBODY = Keys("OWNER0000000000000", "canary-of-the-warehouse")


@pytest.fixture
def warehouse(seaweed: Seaweed, s3_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Warehouse:
    seaweed.owner.sign_in(monkeypatch)
    return s3_warehouse(seaweed, s3_folder, tmp_path)


@pytest.fixture
def lake(warehouse: Warehouse, tmp_path: Path) -> Iterator[Lakehouse]:
    with lakehouse(tmp_path, warehouse) as opened:
        yield opened


def publish(lake: Lakehouse, plan: RunPlan, run_id: str = "run-1") -> None:
    lake.publish(plan, lake.ingest(plan, ROWS, rejections_of("bad_number")), run_id, SystemClock().now())


@pytest.fixture
def published(lake: Lakehouse) -> Lakehouse:
    """One month of one org: two activities and a rejection."""
    publish(lake, plan_of("a.csv"))
    return lake


def replaced(lake: Lakehouse) -> None:
    """A second version of the month: one file that stayed, one that came, one that went."""
    publish(lake, plan_of("a.csv", "b.csv"))
    publish(lake, plan_of("c.csv", keep=("a.csv",), manifest_etag="m2"), "run-2")


def the_part(lake: Lakehouse) -> str:
    [record] = lake.table.records()
    return str(record.files[0].part)


def test_a_part_is_there_for_good_and_another_worker_finds_its_outcome(lake: Lakehouse, s3_folder: str) -> None:
    first = lake.write(job_of(), ROWS, rejections_of("bad_number"))
    again = lake.write(job_of(run_id="run-2"), ROWS, rejections_of("bad_number"))

    assert first == again
    assert lake.parts.find(job_of()) == first
    assert str(first.part).startswith(f"{s3_folder}/offgridflow_org-123/activities/data/acme/aws_cur/2024-01/")
    assert lake.parts.has(first)


def test_a_part_whose_rejections_are_gone_is_not_whole(lake: Lakehouse) -> None:
    written = lake.write(job_of(), ROWS, rejections_of("bad_number"))
    lake.warehouse.delete(str(written.rejections).removeprefix(lake.warehouse.uri("")))

    assert lake.parts.find(job_of()) is None


def test_rows_and_sums_are_exact_whoever_reads(published: Lakehouse, tmp_path: Path) -> None:
    frame = scan(published.table, selection=Selection(billing_period="2024-01")).collect()
    exported = export(published.table, None, EVERYTHING, tmp_path / "out.jsonl", "jsonl")
    reasons = query("SELECT org_id, reason FROM rejections", published.table)

    assert list(query(TOTALS, published.table).rows) == [OF_ROWS]
    assert (frame.height, frame["quantity"].sum(), frame["cost"].sum()) == OF_ROWS
    assert exported == len((tmp_path / "out.jsonl").read_text().splitlines()) == 2
    assert list(reasons.rows) == [("org-123", "bad_number")]


def test_a_view_may_be_read_more_than_once_in_one_statement(published: Lakehouse) -> None:
    twice = "SELECT count(*) FROM usage a JOIN activities b USING (activity_id) WHERE a.cost > 1 AND b.quantity = 0.1"

    assert list(query(twice, published.table).rows) == [(1,)]


def test_a_query_gives_the_same_columns_as_on_a_folder(published: Lakehouse, tmp_path: Path) -> None:
    described = "SELECT column_name, column_type FROM (DESCRIBE activities)"
    with lakehouse(tmp_path / "local") as local:
        publish(local, plan_of("a.csv"))
        expected = list(query(described, local.table).rows)

    assert list(query(described, published.table).rows) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1 AS a) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)",
        "WITH x AS (COPY (SELECT 1 AS a) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)) SELECT * FROM x",
        "FROM read_parquet('{part}')",
        "FROM '{other}'",
        "SELECT (SELECT count(*) FROM '{other}')",
        "FROM glob('{folder}/*')",
        "FROM read_text('{other}')",
        "LOAD httpfs",
    ],
)
def test_a_query_reads_the_views_and_nothing_else_of_the_bucket(published: Lakehouse, s3_folder: str, sql: str) -> None:
    part, other = the_part(published), published.warehouse.put("other.csv", b"a\n1\n")
    before = published.warehouse.read(part)

    with pytest.raises(BadRequestError) as refusal:
        list(query(sql.format(part=part, other=other, folder=s3_folder), published.table).rows)

    assert refusal.value.remedy
    assert published.warehouse.read(part) == before


def test_versions_and_what_was_restated_are_read_from_the_bucket(lake: Lakehouse) -> None:
    replaced(lake)

    [versions] = history(lake.table, JANUARY)
    [found] = diff_versions(lake.table, WarehousePartTotals(lake.warehouse), Asked(JANUARY))

    assert [each.run_id for each in versions.versions] == ["run-2", "run-1"]
    assert (found.added, found.dropped, found.kept) == (("c.csv",), ("b.csv",), ("a.csv",))
    assert found.groups == ()  # the rows are the same, and were read: else their sums would not be the records'


def test_vacuum_deletes_what_was_replaced_and_nothing_else(lake: Lakehouse) -> None:
    replaced(lake)
    files = WarehouseTableFiles(lake.warehouse, lake.tables, no_turn)
    limits = Limits(SystemClock().now() + timedelta(minutes=1))
    dry, [wet] = (
        vacuum(FakeLedger(ManualClock(NOON)), files, each) for each in (replace(limits, dry_run=True), limits)
    )

    assert dry[0].deleted[FileKind.PART].files == wet.deleted[FileKind.PART].files == 1
    assert wet.deleted[FileKind.REJECTIONS].files == 1
    assert wet.snapshots == 1
    assert list(query(TOTALS, lake.table).rows) == [tuple(2 * each for each in OF_ROWS)]
    with pytest.raises(NotFoundError):
        diff_versions(lake.table, WarehousePartTotals(lake.warehouse), Asked(JANUARY))


def publish_again_and_again(folder: Path, server: Seaweed, url: str, publisher: int, start: Event) -> None:
    """By turns a month of one's own and a month that all share."""
    start.wait(60)
    with lakehouse(folder, s3_warehouse(server, url, folder)) as lake:
        for turn in range(PUBLISHES):
            number = publisher * PUBLISHES + turn
            period = JANUARY if turn % 2 else BillingPeriod(2024, 2 + publisher)
            month = plan_of(f"{period}/same.csv", f"{period}/{number}.csv", manifest_etag=f"m{number}")
            publish(lake, replace(month, period=period), f"run-{number}")


def test_publishers_at_once_lose_nothing(
    warehouse: S3Warehouse, seaweed: Seaweed, s3_folder: str, tmp_path: Path
) -> None:
    fresh = multiprocessing.get_context("spawn")
    start = fresh.Event()
    server = Seaweed(seaweed.port)
    publishers = [
        fresh.Process(target=publish_again_and_again, args=(tmp_path, server, s3_folder, number, start))
        for number in range(PUBLISHERS)
    ]
    for publisher in publishers:
        publisher.start()
    start.set()
    for publisher in publishers:
        publisher.join()

    assert [publisher.exitcode for publisher in publishers] == [0] * PUBLISHERS
    with lakehouse(tmp_path, warehouse) as lake:
        records = lake.table.records()
        live = {uri for _, version in lake.table.versions() for uri in version.data_files()}
        assert [str(record.slot.period) for record in records] == ["2024-01", "2024-02", "2024-03"]
        assert live == {file.part for record in records for file in record.files}
        versions = [each for period in (1, 2, 3) for each in history(lake.table, BillingPeriod(2024, period))]
        assert sum(len(each.versions) for each in versions) == PUBLISHERS * PUBLISHES
        assert list(query(TOTALS, lake.table).rows) == [tuple(6 * each for each in OF_ROWS)]


def test_a_published_part_that_is_gone_is_said_to_be(published: Lakehouse, tmp_path: Path) -> None:
    published.warehouse.delete(the_part(published).removeprefix(published.warehouse.uri("")))

    with pytest.raises(FatalError, match="Path does not exist") as queried:
        list(query(TOTALS, published.table).rows)
    with pytest.raises(NotFoundError) as exported:
        export(published.table, None, EVERYTHING, tmp_path / "out.csv", "csv")

    assert "doctor" in queried.value.remedy
    assert "backup" in exported.value.remedy
    assert not (tmp_path / "out.csv").exists()


def test_a_wrong_secret_is_an_error_of_ours_whoever_meets_it(
    published: Lakehouse, seaweed: Seaweed, s3_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = the_part(published)
    NOBODY.sign_in(monkeypatch)
    refused = s3_warehouse(seaweed, s3_folder, tmp_path)

    with pytest.raises(AuthError, match="SignatureDoesNotMatch") as asked:
        refused.read(part)
    with pytest.raises(AuthError) as opened:
        refused.open(part)
    with lakehouse(tmp_path, refused) as lake, pytest.raises(AuthError) as loaded:
        lake.table.records()

    for error in (asked, opened, loaded):
        assert error.value.remedy
        assert NOBODY.secret_key not in f"{error.value!r} {error.value.remedy}"


def test_who_may_only_read_is_told_what_to_grant(
    published: Lakehouse, seaweed: Seaweed, s3_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seaweed.reader.sign_in(monkeypatch)
    reader = s3_warehouse(seaweed, s3_folder, tmp_path)

    with pytest.raises(AuthError) as put:
        reader.put_if_absent("a.json", b"")
    with pytest.raises(AuthError) as listed:
        reader.list("*")

    key = s3_folder.removeprefix("s3://")
    assert f"grant s3:PutObject on arn:aws:s3:::{key}/a.json" in put.value.remedy
    assert f"grant s3:ListBucket on arn:aws:s3:::{BUCKET}" in listed.value.remedy


def test_a_server_that_is_away_is_worth_another_attempt(
    tmp_path: Path, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    seaweed.owner.sign_in(monkeypatch)
    away = S3Warehouse(Location("s3", BUCKET, "x"), "http://127.0.0.1:1", lambda: pytest.fail("nothing is written"))

    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1"):
        away.read("a.json")
    with pytest.raises(TransientError):
        away.open("a.parquet")


def test_a_bucket_that_is_not_there_is_named(seaweed: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seaweed.owner.sign_in(monkeypatch)
    nowhere = s3_warehouse(seaweed, "s3://no-such-bucket/x", tmp_path)

    with pytest.raises(NotFoundError, match="no-such-bucket") as error:
        nowhere.read("a.json")

    assert "OFFGRIDFLOW_WAREHOUSE" in error.value.remedy


def test_a_whole_bucket_may_be_the_warehouse(seaweed: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seaweed.owner.sign_in(monkeypatch)
    seaweed.client.create_bucket(Bucket=tmp_path.name.replace("_", "-"))

    with lakehouse(tmp_path, s3_warehouse(seaweed, f"s3://{tmp_path.name.replace('_', '-')}", tmp_path)) as lake:
        publish(lake, plan_of("a.csv"))
        keys = {file.key.partition("/")[0] for file in lake.warehouse.below("offgridflow_org-123")}

        assert keys == {"offgridflow_org-123"}
        assert list(query(TOTALS, lake.table).rows) == [OF_ROWS]
        assert json.loads(lake.warehouse.read(lake.warehouse.list("*/*/publications/*/*/*/*.json")[0]))
