"""The fake bucket (the founding document's mock S3 client) fails on demand, counts its calls, and starts anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.report_store import FakeReportStore, still_wanted
from worker.domain.errors import AuthError, TransientError


@pytest.fixture
def store() -> FakeReportStore:
    store = FakeReportStore()
    for key in ("a/1.csv", "a/2.csv", "b/1.csv"):
        store.put(key, key.encode())
    return store


def test_an_error_can_be_put_on_one_key(store: FakeReportStore) -> None:
    store.fail_key("a/1.csv", AuthError("denied"))

    assert store.read_manifest("a/2.csv")
    with pytest.raises(AuthError):
        store.read_manifest("a/1.csv")


def test_an_error_can_be_put_on_a_prefix(store: FakeReportStore, tmp_path: Path) -> None:
    store.fail_prefix("a/", TransientError("slow down"))

    assert store.read_manifest("b/1.csv")
    for key in ("a/1.csv", "a/2.csv"):
        with pytest.raises(TransientError):
            store.fetch(key, "etag", 7, tmp_path / "into", still_wanted)


def test_the_first_calls_can_fail_whatever_they_are_about(store: FakeReportStore) -> None:
    store.fail_first(2, TransientError("slow down"))

    for key in ("a/1.csv", "b/1.csv"):
        with pytest.raises(TransientError):
            store.read_manifest(key)
    assert store.read_manifest("a/1.csv")


def test_calls_are_counted_those_that_failed_included(store: FakeReportStore) -> None:
    store.fail_first(1, TransientError("slow down"))
    with pytest.raises(TransientError):
        list(store.list())
    list(store.list())
    store.read_manifest("a/1.csv")

    assert store.calls == {"list": 2, "read_manifest": 1}
    assert store.requests == 3


def test_a_reset_leaves_an_empty_bucket_that_does_not_fail(store: FakeReportStore) -> None:
    store.fail_prefix("", AuthError("denied"))
    store.fail_first(9, AuthError("denied"))

    store.reset()

    assert list(store.list()) == []
    assert store.calls == {"list": 1}
