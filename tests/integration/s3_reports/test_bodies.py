"""What S3Reports fetches over connections that break, stall or lie."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.report_store import still_wanted
from tests.integration.s3_reports.bench import ETAG, MIB, MONTH, Bench, error_of
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.http_stub import Answer, http_stub
from tests.waiting import until
from worker.adapters import s3_reports
from worker.adapters.aws_session import connect_s3
from worker.adapters.s3_reports import S3Reports
from worker.domain.errors import BadRequestError, ChangedError, NotFoundError, TransientError
from worker.services import interruptible as interruptible_module
from worker.services.interruptible import interruptible
from worker.services.lease import CancelledError


@pytest.mark.parametrize("cuts", [[2 * MIB], [200], [MIB, 2 * MIB]])
def test_a_body_that_breaks_off_is_resumed(bench: Bench, cuts: list[int], tmp_path: Path) -> None:
    with cutting_proxy(bench.server.port, cuts) as url:
        store = bench.store(url)

        received = store.fetch(bench.key, ETAG, len(MONTH), tmp_path / "into", still_wanted)

    assert received == len(MONTH)
    assert (tmp_path / "into").read_bytes() == MONTH
    assert store.requests == 1 + len(cuts)


def test_resuming_ends_with_the_attempts(bench: Bench, tmp_path: Path) -> None:
    with cutting_proxy(bench.server.port, [MIB] * 9) as url:
        store = bench.store(url, attempts=2)

        error = error_of(lambda: store.fetch(bench.key, ETAG, len(MONTH), tmp_path / "into", still_wanted))

    assert isinstance(error, TransientError)
    assert store.requests == 2


def test_what_is_replaced_while_its_body_is_broken_off_is_never_mixed(bench: Bench, tmp_path: Path) -> None:
    with cutting_proxy(bench.server.port, [MIB], on_cut=lambda: bench.put(bench.key, MONTH[::-1])) as url:
        store = bench.store(url)

        error = error_of(lambda: store.fetch(bench.key, ETAG, len(MONTH), tmp_path / "into", still_wanted))

    assert isinstance(error, ChangedError)
    assert store.requests == 2


def test_a_manifest_that_breaks_off_is_no_manifest(bench: Bench) -> None:
    with cutting_proxy(bench.server.port, [MIB]) as url:
        error = error_of(lambda: bench.store(url).read_manifest(bench.key))

    assert isinstance(error, TransientError)


@pytest.mark.parametrize("received", [10, 60, 120, 300])
def test_an_answer_that_breaks_off_in_its_headers_is_transient(bench: Bench, received: int) -> None:
    with cutting_proxy(bench.server.port, [received]) as url:
        error = error_of(lambda: bench.store(url).read_manifest(bench.key))

    assert isinstance(error, TransientError)


def test_a_manifest_over_the_limit_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_reports, "MANIFEST_LIMIT_BYTES", MIB)

    with pytest.raises(BadRequestError, match="longer than"):
        bench.store().read_manifest(bench.key)


def test_a_spool_that_cannot_be_written_is_no_matter_for_resuming(bench: Bench, tmp_path: Path) -> None:
    store = bench.store()

    error = error_of(lambda: store.fetch(bench.key, ETAG, len(MONTH), tmp_path / "no" / "folder", still_wanted))

    assert isinstance(error, NotFoundError)
    assert store.requests == 0


def test_a_resumed_body_must_go_on_where_the_first_one_broke(bench: Bench, tmp_path: Path) -> None:
    whole = Answer(body=b"rows", headers={"ETag": '"e"', "Content-Length": "4", "Connection": "close"})
    with http_stub(replace(whole, body=b"ro"), whole) as stub:
        store = bench.store(stub.url)

        error = error_of(lambda: store.fetch(bench.key, "e", 4, tmp_path / "into", still_wanted))

    assert isinstance(error, TransientError)
    assert error.code == "wrong_length"
    assert stub.asked[1].headers["Range"] == "bytes=2-"
    assert stub.asked[1].headers["If-Match"] == '"e"'


def test_a_download_that_is_stalled_does_not_hold_up_its_end(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruptible_module, "GRACE_SECONDS", 0.0)
    ended = threading.Event()

    def fetched(go_on: Callable[[], None]) -> None:
        try:
            store.fetch(bench.key, "e", 4, tmp_path / "into", go_on)
        finally:
            ended.set()

    def cancelled() -> None:
        if stub.asked:
            raise CancelledError

    with http_stub(Answer(body=b"ro", headers={"ETag": '"e"', "Content-Length": "4"})) as stub:
        connection = connect_s3(bench.source, bench.limiter, endpoint_url=stub.url, read_timeout_seconds=3.0)
        store = S3Reports(bench.source, connection)

        with pytest.raises(CancelledError):
            interruptible(fetched, cancelled)
        was_stalled = not ended.is_set()
        until(ended.is_set)

    assert was_stalled
    assert store.requests == 1
