from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError, IngestError
from worker.domain.manifest import SIZE_CAP, Compression, Manifest, parse_manifest, report_files

JANUARY = BillingPeriod(2024, 1)
KEY = "cur/report/20240101-20240201/report-Manifest.json"


def legacy(**changes: object) -> dict[str, object]:
    return {
        "assemblyId": "a-1",
        "account": "123456789012",
        "columns": [{"category": "lineItem", "name": "UsageAmount"}],
        "charset": "UTF-8",
        "compression": "GZIP",
        "contentType": "text/csv",
        "reportName": "report",
        "billingPeriod": {"start": "20240101T000000.000Z", "end": "20240201T000000.000Z"},
        "bucket": "billing",
        "reportKeys": ["cur/report/20240101-20240201/a-1/report-1.csv.gz"],
        "additionalArtifactKeys": [],
    } | changes


def export(**changes: object) -> dict[str, object]:
    return {
        "columns": [{"name": "line_item_usage_amount", "type": "double"}],
        "dataFiles": ["s3://billing/exports/data/BILLING_PERIOD=2024-01/e-00001.csv.gz"],
        "executionId": "e-1",
        "exportArn": "arn:aws:bcm-data-exports:us-east-1:123456789012:export/e",
    } | changes


def parsed(body: object, period: BillingPeriod | None = JANUARY, key: str = KEY) -> Manifest:
    return parse_manifest(json.dumps(body).encode(), key, period, "etag-1")


def test_parse_s3_manifest() -> None:
    manifest = parsed(legacy())

    assert manifest.version_id == "a-1"
    assert manifest.period == JANUARY
    assert manifest.files == ("cur/report/20240101-20240201/a-1/report-1.csv.gz",)
    assert manifest.compression is Compression.GZIP
    assert manifest.columns == ("lineItem/UsageAmount",)


def test_a_data_export_names_files_by_url_its_version_by_execution_and_its_month_by_its_folder() -> None:
    manifest = parsed(export())

    assert manifest.files == ("exports/data/BILLING_PERIOD=2024-01/e-00001.csv.gz",)
    assert manifest.version_id == "e-1"
    assert manifest.period == JANUARY
    assert manifest.compression is Compression.GZIP
    assert manifest.bucket == "billing"


def test_a_data_export_without_a_version_is_known_by_its_etag() -> None:
    body = export()
    del body["executionId"]

    assert parsed(body).version_id == "etag-1"


def test_the_founding_shape_lists_keys_and_sizes() -> None:
    body = legacy(files=[{"key": "cur/one.csv.gz", "size": 7}])
    del body["reportKeys"]

    assert parsed(body).files == ("cur/one.csv.gz",)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (legacy(assemblyId=" "), "version id"),
        (legacy(assemblyId=None), "version id"),
        (legacy(reportKeys=[]), "no report files"),
        (legacy(reportKeys=["a.md5", "b-Manifest.json"]), "no report files"),
        (legacy(reportKeys=["a.csv.bz2"]), "neither CSV nor Parquet"),
        (legacy(billingPeriod={"start": "soon", "end": "later"}), "cannot be read"),
        (legacy(billingPeriod={"start": "20240201T000000.000Z", "end": "20240101T000000.000Z"}), "before it starts"),
        (legacy(billingPeriod={"start": "20240301T000000.000Z", "end": "20240401T000000.000Z"}), "its folder says"),
        (legacy(reportKeys="one"), "reportKeys"),
        (legacy(compression="BROTLI"), "never writes"),
        ([], "cannot be read"),
    ],
)
def test_validate_manifest(body: object, said: str) -> None:
    with pytest.raises(BadRequestError, match=said):
        parsed(body)


@pytest.mark.parametrize("body", [b"", b"{", b"<Error/>", b'{"assemblyId": ', b"\xff\xfe"])
def test_parse_s3_manifest_invalid(body: bytes) -> None:
    with pytest.raises(BadRequestError, match="cannot be read"):
        parse_manifest(body, KEY, JANUARY, "etag")


def test_no_period_anywhere_is_an_error() -> None:
    with pytest.raises(BadRequestError, match="no billing period"):
        parsed(export(), period=None)


def test_a_manifest_has_a_size_cap() -> None:
    with pytest.raises(BadRequestError, match="larger than"):
        parse_manifest(b" " * (SIZE_CAP + 1), KEY, JANUARY, "etag")


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (["b.csv.gz", "a.parquet", "c.CSV"], ("b.csv.gz", "c.CSV")),
        (["a.snappy.PARQUET"], ("a.snappy.PARQUET",)),
        (["z.csv.zip", "a.csv.zip", "a.csv.zip.md5", "x.sql", "x-RedshiftManifest.json"], ("z.csv.zip", "a.csv.zip")),
    ],
)
def test_get_report_files(keys: list[str], chosen: tuple[str, ...]) -> None:
    assert report_files(tuple(keys), KEY) == chosen


def test_get_file_by_key_is_exact() -> None:
    manifest = parsed(legacy())

    assert manifest.file(manifest.files[0]) == manifest.files[0]
    assert manifest.file(manifest.files[0].upper()) is None


def test_is_new_manifest() -> None:
    manifest = parsed(legacy())

    assert manifest.is_newer_than(None)
    assert manifest.is_newer_than("a-0")
    assert not manifest.is_newer_than("a-1")


def test_a_summary_is_one_line() -> None:
    manifest = parsed(legacy())

    assert manifest.summary({manifest.files[0]: 1234}) == "version a-1, 2024-01, 1 files, 1,234 bytes"


@pytest.mark.parametrize(
    ("manifest_key", "named", "key"),
    [(KEY, "/cur/a.csv", "cur/a.csv"), ("/" + KEY, "/cur/a.csv", "/cur/a.csv"), (KEY, "cur//a.csv", "cur//a.csv")],
)
def test_leading_slashes_are_dropped_only_if_the_manifests_own_key_has_none(
    manifest_key: str, named: str, key: str
) -> None:
    assert parsed(legacy(reportKeys=[named]), key=manifest_key).files == (key,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(field=st.sampled_from(sorted(legacy())), value=JSON)
def test_no_manifest_raises_anything_but_a_classified_error(field: str, value: object) -> None:
    body = legacy(**{field: value})

    with suppress(IngestError):
        parsed(body)
