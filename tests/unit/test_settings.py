"""The settings of a process, and how mistakes in them are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from worker.domain.errors import BadRequestError
from worker.settings import Settings, broker_url, environment_for, settings

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing is set, and the current folder is empty."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"OFFGRIDFLOW_{name.upper()}", raising=False)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def configure(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"OFFGRIDFLOW_{name}", value)
    settings.cache_clear()


def test_new_hardened_adapter_valid_config(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, RATE_LIMIT_CAPACITY="1", RATE_LIMIT_PER_SEC="0.5", MAX_RETRIES="1", REQUEST_TIMEOUT="1")

    chosen = settings()

    limits = (chosen.rate_limit_capacity, chosen.rate_limit_per_sec, chosen.max_retries, chosen.request_timeout)
    assert limits == (1, 0.5, 1, 1.0)


def test_the_defaults_are_the_founding_ones() -> None:
    chosen = settings()

    limits = (chosen.rate_limit_capacity, chosen.rate_limit_per_sec, chosen.max_retries, chosen.request_timeout)
    assert limits == (100, 5.0, 3, 30.0)
    assert (chosen.max_pages, chosen.settle_seconds, chosen.run_deadline) == (1000, 900.0, timedelta(hours=6))
    assert chosen.max_rejected_percent is None


def test_new_hardened_adapter_invalid_config(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(
        monkeypatch,
        RATE_LIMIT_CAPACITY="0",
        RATE_LIMIT_PER_SEC="0",
        MAX_RETRIES="0",
        REQUEST_TIMEOUT="0",
        MAX_PAGES="0",
        BROKER_URL=f"redis://:{SECRET}@localhost:6379/0",
    )

    with pytest.raises(BadRequestError) as caught:
        settings()

    wrong = ("RATE_LIMIT_CAPACITY", "RATE_LIMIT_PER_SEC", "MAX_RETRIES", "REQUEST_TIMEOUT", "MAX_PAGES")
    assert [name for name in wrong if f"OFFGRIDFLOW_{name}: " not in caught.value.message] == []
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RATE_LIMIT_CAPACITY", "0"),
        ("RATE_LIMIT_PER_SEC", "0"),
        ("RATE_LIMIT_PER_SEC", "-1"),
        ("MAX_RETRIES", "0"),
        ("REQUEST_TIMEOUT", "0.5"),
        ("MAX_PAGES", "0"),
        ("MAX_PAGES", "many"),
        ("MAX_REJECTED_PERCENT", "101"),
        ("UNPACKED_LIMIT", "0"),
    ],
)
def test_a_setting_out_of_range_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    configure(monkeypatch, **{name: value})

    with pytest.raises(BadRequestError, match=f"OFFGRIDFLOW_{name}"):
        settings()


def test_an_unknown_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, MAX_RETIRES="5")

    with pytest.raises(BadRequestError, match="OFFGRIDFLOW_MAX_RETIRES"):
        settings()


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, MAX_RETRIES="")

    assert settings().max_retries == 3


def test_no_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(
        monkeypatch,
        BROKER_URL=f"redis://:{SECRET}@localhost:6379/0",
        CATALOG_URI=f"postgresql://user:{SECRET}@localhost/catalog",
    )

    shown = f"{settings()!r} {settings()} {settings().model_dump()}"

    assert SECRET not in shown
    assert SECRET in broker_url()
    assert SECRET in settings().catalog


def test_without_a_broker_whoever_needs_one_says_what_to_set() -> None:
    with pytest.raises(BadRequestError) as caught:
        broker_url()

    assert "OFFGRIDFLOW_BROKER_URL" in caught.value.remedy


def test_what_is_kept_lies_below_home_unless_said_otherwise(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home = (settings().catalog, settings().warehouse_url)
    configure(monkeypatch, WAREHOUSE=f"file://{folder}/elsewhere")

    assert at_home == (f"sqlite:///{folder}/.offgridflow/catalog.db", f"{folder}/.offgridflow/warehouse")
    assert settings().warehouse_url == str(folder / "elsewhere")


def test_the_warehouse_may_be_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, WAREHOUSE="s3://my-bucket.eu/a_b/c=1")

    assert settings().warehouse_url == "s3://my-bucket.eu/a_b/c=1"


@pytest.mark.parametrize(
    "place", ["gs://bucket/x", "s3://", "s3:///x", "s3://bucket/a?b", "s3://bucket/a#b", "s3://b/%20"]
)
def test_a_warehouse_that_others_could_not_name_is_refused(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    configure(monkeypatch, WAREHOUSE=place)

    with pytest.raises(BadRequestError, match="OFFGRIDFLOW_WAREHOUSE: must be"):
        settings()


def test_workers_that_we_start_inherit_the_environment_and_get_the_broker(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, MAX_PAGES="7")

    environment = environment_for("redis://127.0.0.1:1")

    assert environment["OFFGRIDFLOW_BROKER_URL"] == "redis://127.0.0.1:1"
    assert environment["OFFGRIDFLOW_HOME"] == str(folder / ".offgridflow")
    assert (environment["OFFGRIDFLOW_MAX_PAGES"], environment["POLARS_MAX_THREADS"]) == ("7", "1")
