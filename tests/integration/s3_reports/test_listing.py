"""What S3Reports lists, page by page, and what it will not take for a listing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.s3_reports.bench import Bench, error_of, page
from tests.servers.http_stub import Answer, http_stub
from worker.domain.errors import BadRequestError, FatalError, NotFoundError, TransientError


def test_no_such_bucket_is_named(bench: Bench) -> None:
    error = error_of(lambda: list(bench.store(source=replace(bench.source, url="s3://no-such-bucket/cur/")).list()))

    assert isinstance(error, NotFoundError)
    assert "s3://no-such-bucket/cur/" in error.message
    assert "s3://no-such-bucket does not exist" in error.remedy


def test_a_prefix_is_a_folder_with_or_without_its_slash(bench: Bench) -> None:
    every_key = {"cur/a.csv", "cur-other/b.csv", "cur.csv"}
    bench.server.client.create_bucket(Bucket="prefixes")
    for key in every_key:
        bench.server.client.put_object(Bucket="prefixes", Key=key, Body=b"x")
    urls = [f"s3://prefixes{end}" for end in ("/cur", "/cur/", "/", "")]

    listings = [bench.store(source=replace(bench.source, url=url)).list() for url in urls]

    assert [{each.key for each in listing} for listing in listings] == [{"cur/a.csv"}] * 2 + [every_key] * 2


def test_a_listing_follows_its_pages_once_each(bench: Bench) -> None:
    with http_stub(page(2, "b"), page(2, "c"), page(1)) as stub:
        listed = list(bench.store(stub.url).list())

    assert len(listed) == 5
    assert ["continuation-token=b" in each.path for each in stub.asked] == [False, True, False]


def test_a_listing_whose_token_expires_goes_on_behind_the_last_key(bench: Bench) -> None:
    expired = Answer(
        400, b"<Error><Code>InvalidArgument</Code><Message>The continuation token is bad</Message></Error>"
    )
    with http_stub(page(2, "b"), expired, page(1)) as stub:
        listed = list(bench.store(stub.url).list())

    assert len(listed) == 3
    assert [f"start-after={listed[1].key}".replace("/", "%2F") in each.path for each in stub.asked] == [
        False,
        False,
        True,
    ]


def test_a_listing_that_is_refused_from_the_beginning_is_an_error(bench: Bench) -> None:
    refused = Answer(400, b"<Error><Code>InvalidArgument</Code><Message>no</Message></Error>")
    with http_stub(refused) as stub:
        error = error_of(lambda: list(bench.store(stub.url).list()))

    assert (type(error), len(stub.asked)) == (BadRequestError, 1)


def test_a_listing_in_circles_is_detected(bench: Bench) -> None:
    with http_stub(page(1, "b"), page(1, "c"), page(1, "b")) as stub:
        error = error_of(lambda: list(bench.store(stub.url).list()))

    assert isinstance(error, FatalError)
    assert len(stub.asked) == 3


def test_a_listing_beyond_the_page_limit_is_an_error(bench: Bench) -> None:
    with http_stub(page(1, "b"), page(1, "c"), page(1)) as stub:
        error = error_of(lambda: list(bench.store(stub.url, max_pages=2).list()))

    assert isinstance(error, BadRequestError)
    assert "2 pages" in error.message
    assert len(stub.asked) == 2


@pytest.mark.parametrize("body", [b"", b"<ListBucketResult><Contents>", b"<html>Welcome</html>", b"rows"])
def test_an_answer_that_is_no_listing_is_no_empty_listing(bench: Bench, body: bytes) -> None:
    with http_stub(Answer(body=body)) as stub:
        error = error_of(lambda: list(bench.store(stub.url).list()))

    assert isinstance(error, TransientError)
