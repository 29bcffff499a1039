from __future__ import annotations

from datetime import UTC, datetime

import pytest

from worker.domain.discovery import (
    StoredObject,
    choose_report,
    find_manifests,
    locate,
    newest_manifests,
    refuse_outside,
)
from worker.domain.errors import BadRequestError, NotFoundError

NOON = datetime(2024, 2, 1, 12, tzinfo=UTC)


def stored(key: str, hour: int = 12) -> StoredObject:
    return StoredObject(key, f"etag of {key}", 1, NOON.replace(hour=hour))


@pytest.mark.parametrize(
    ("key", "report", "period", "is_copy"),
    [
        ("cur/rep/20240101-20240201/rep-Manifest.json", "cur/rep", "2024-01", False),
        ("cur/rep/20240101-20240201/uuid/rep-Manifest.json", "cur/rep", "2024-01", True),
        ("20240101-20240131/rep-Manifest.json", "rep", "2024-01", False),
        ("p/exp/metadata/BILLING_PERIOD=2024-09/exp-Manifest.json", "p/exp", "2024-09", False),
        (
            "p/exp/metadata/billing_period=2024-09/2024-09-02T01:02:03.004Z-uuid/exp-Manifest.json",
            "p/exp",
            "2024-09",
            True,
        ),
        ("p/exp/metadata/BILLING_PERIOD=2024-09/Manifest.json", "p/exp", "2024-09", False),
        ("p/rep/rep/year=2024/month=3/rep-Manifest.json", "p/rep", "2024-03", False),
        ("rep-Manifest.json", "rep", "None", False),
    ],
)
def test_a_manifest_is_recognised_by_its_key(key: str, report: str, period: str, *, is_copy: bool) -> None:
    [found] = find_manifests([stored(key)])

    assert (found.report, str(found.period), found.is_copy) == (report, period, is_copy)


@pytest.mark.parametrize(
    "key",
    [
        "cur/rep/20240101-20240201/uuid/rep-RedshiftManifest.json",
        "cur/rep/20240101-20240201/uuid/rep-1.csv.gz",
        "c/metadata/carbon_model_version=v3.0.0/usage_period=2024-03/c-Manifest.json",
        "coh/metadata/date=2024-03-01/coh-Manifest.json",
        "aws-programmatic-access-test-object",
    ],
)
def test_what_is_no_manifest_of_a_cost_and_usage_report_is_passed_over(key: str) -> None:
    assert find_manifests([stored(key)]) == ()


def test_of_every_month_the_manifest_that_each_refresh_overwrites_is_the_newest() -> None:
    listing = [
        stored("rep/20240201-20240301/rep-Manifest.json"),
        stored("rep/20240101-20240201/b/rep-Manifest.json", hour=23),
        stored("rep/20240101-20240201/rep-Manifest.json", hour=1),
    ]

    newest = newest_manifests(find_manifests(listing))

    assert [each.object.key for each in newest] == [listing[2].key, listing[0].key]


def test_without_one_the_copy_that_was_written_last_is_the_newest() -> None:
    listing = [
        stored("rep/20240101-20240201/b/rep-Manifest.json", hour=9),
        stored("rep/20240101-20240201/a/rep-Manifest.json", hour=10),
    ]

    [newest] = newest_manifests(find_manifests(listing))

    assert newest.object is listing[1]


def test_several_reports_under_one_prefix_are_never_chosen_between() -> None:
    manifests = find_manifests(
        [stored("one/20240101-20240201/one-Manifest.json"), stored("two/20240101-20240201/two-Manifest.json")]
    )

    with pytest.raises(BadRequestError, match="one, two"):
        choose_report(manifests, "", "s3://b/")
    assert [each.report for each in choose_report(manifests, "two", "s3://b/")] == ["two"]
    with pytest.raises(NotFoundError, match="no report 'three'"):
        choose_report(manifests, "three", "s3://b/")


def test_a_key_is_located_as_it_is_or_below_the_nearest_root_that_has_it() -> None:
    listed = {"rep/a.csv": stored("rep/a.csv"), "a.csv": stored("a.csv")}

    assert locate(("rep/a.csv",), listed, ("",), "s3://b/")["rep/a.csv"].key == "rep/a.csv"
    assert locate(("up/cur/a.csv",), listed, ("", "cur", "up/cur"), "file:///up/cur")["up/cur/a.csv"].key == "a.csv"


def test_a_missing_key_is_named() -> None:
    with pytest.raises(NotFoundError, match=r"'b\.csv', which is not under s3://b/"):
        locate(("a.csv", "b.csv"), {"a.csv": stored("a.csv")}, ("",), "s3://b/")


@pytest.mark.parametrize("key", ["../other/a.csv", "cur/../../a.csv"])
def test_a_key_that_steps_out_is_refused(key: str) -> None:
    with pytest.raises(BadRequestError, match=r"\.\."):
        locate((key,), {key: stored(key)}, ("",), "s3://b/cur/")


def test_a_key_outside_the_prefix_is_refused() -> None:
    with pytest.raises(BadRequestError, match="outside s3://b/cur/"):
        refuse_outside(("cur/a.csv", "secret/a.csv"), "cur/", "s3://b/cur/")
