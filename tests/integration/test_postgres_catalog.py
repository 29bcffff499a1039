"""The catalog on a real PostgreSQL server."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path

import psycopg
import pytest

from tests.fakes.lakehouse import Lakehouse, activities_of, lakehouse
from tests.fakes.plans import JANUARY, plan_of
from tests.servers.postgres import PASSWORD, Postgres
from tests.servers.valkey import free_port
from worker.adapters.activity_scan import scan
from worker.adapters.catalog import open_catalog
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import AuthError, BadRequestError, IngestError, TransientError
from worker.services.history import history

PUBLISHERS, PUBLISHES = 3, 6
ROWS = activities_of(("1", "0.1"), ("0.5", "0.2"))


@pytest.fixture
def catalog_uri(postgres: Postgres) -> str:
    return postgres.new_catalog()


@pytest.fixture
def lake(tmp_path: Path, catalog_uri: str) -> Iterator[Lakehouse]:
    with lakehouse(tmp_path, catalog_uri=catalog_uri) as opened:
        yield opened


def publish(lake: Lakehouse, number: int, period: BillingPeriod = JANUARY) -> None:
    """A month as delivered for the n-th time: a file that never changes, and one that is new every time."""
    plan = plan_of(f"{period}/same.csv", f"{period}/{number}.csv", manifest_etag=f"m{number}")
    lake.publish(replace(plan, period=period), lake.ingest(replace(plan, period=period), ROWS), f"run-{number}")


def publish_again_and_again(folder: Path, uri: str, publisher: int, start: Event) -> None:
    """By turns a month of one's own and a month that all share. All begin with a catalog that has no tables yet."""
    start.wait(60)
    with lakehouse(folder, catalog_uri=uri) as lake:
        for turn in range(PUBLISHES):
            publish(lake, publisher * PUBLISHES + turn, JANUARY if turn % 2 else BillingPeriod(2024, 2 + publisher))


def failure_of(uri: str) -> tuple[IngestError, str]:
    """What opening the catalog raises, and all that a log would say of it."""
    with pytest.raises(IngestError) as caught:
        open_catalog(uri, {})
    error = caught.value
    return error, f"{error!r} {error.remedy} {''.join(traceback.format_exception(error))}"


def test_publishers_that_begin_at_once_lose_nothing(tmp_path: Path, catalog_uri: str) -> None:
    fresh = multiprocessing.get_context("spawn")
    start = fresh.Event()
    publishers = [
        fresh.Process(target=publish_again_and_again, args=(tmp_path, catalog_uri, number, start))
        for number in range(PUBLISHERS)
    ]
    for publisher in publishers:
        publisher.start()
    start.set()
    for publisher in publishers:
        publisher.join()

    assert [publisher.exitcode for publisher in publishers] == [0] * PUBLISHERS
    with lakehouse(tmp_path, catalog_uri=catalog_uri) as lake:
        months = [each for month in (1, 2, 3, 4) for each in history(lake.table, BillingPeriod(2024, month))]
        assert sum(len(month.versions) for month in months) == PUBLISHERS * PUBLISHES
        assert scan(lake.table).collect().height == 4 * 4


def test_a_new_catalog_is_made_once_however_many_open_it(tmp_path: Path, catalog_uri: str) -> None:
    with lakehouse(tmp_path, catalog_uri=catalog_uri) as one, lakehouse(tmp_path, catalog_uri=catalog_uri) as other:
        assert one.tables.get("org-123").metadata == other.tables.get("org-123").metadata


def test_connections_that_the_server_dropped_are_made_anew(lake: Lakehouse, postgres: Postgres) -> None:
    publish(lake, 1)

    postgres.drop_connections()
    publish(lake, 2)

    assert len(lake.table.records()) == 1
    assert scan(lake.table).collect().height == 4


def test_a_wrong_password_is_not_shown(postgres: Postgres) -> None:
    error, said = failure_of(postgres.uri("postgres", "canary-in-the-wrong-place"))

    assert isinstance(error, TransientError)
    assert "password authentication failed" in error.message
    assert "OFFGRIDFLOW_CATALOG_URI" in error.remedy
    assert "canary" not in said


def test_a_server_that_is_away_is_worth_another_attempt(postgres: Postgres) -> None:
    error, said = failure_of(postgres.uri("postgres").replace(str(postgres.port), str(free_port())))

    assert isinstance(error, TransientError)
    assert "refused" in error.message
    assert PASSWORD not in said


@pytest.mark.parametrize(
    "uri", ["canary", "mysql://u:canary@h/d", "nosql://u:canary@h/d", "postgresql://u:canary@h:ca#nary@x/d"]
)
def test_what_names_no_database_we_know_is_refused_without_being_shown(uri: str) -> None:
    error, said = failure_of(uri)

    assert isinstance(error, BadRequestError)
    assert "postgresql+psycopg" in error.remedy
    assert "nary" not in said


def test_a_user_who_may_not_make_tables_is_told_what_is_missing(postgres: Postgres, catalog_uri: str) -> None:
    address = postgres.address(catalog_uri.rpartition("/")[2])
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'canary'")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM public")
    guest = catalog_uri.replace(f"offgridflow:{PASSWORD}", "guest:canary")

    error, _ = failure_of(guest)
    with closing(open_catalog(catalog_uri, {})), psycopg.connect(address, autocommit=True) as connection:
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest")
    with closing(open_catalog(guest, {})) as opened:
        opened.create_namespace("a")

    assert isinstance(error, AuthError)
    assert error.code == "42501"
    assert "make tables" in error.remedy
