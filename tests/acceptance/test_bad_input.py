"""Input that cannot be right: one sentence says so, nothing is published, and what was published stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.buckets import NOTHING, RemoteFolder, totals, totals_of, usage
from tests.acceptance.commands import Command
from tests.servers.deployment import Deployment
from tests.servers.seaweed import BUCKET
from worker import api
from worker.adapters.sample_month import Month, write_month
from worker.cli.exits import Exit

pytestmark = pytest.mark.acceptance

ROWS = usage("1.25", "2.5")
JANUARY = Month("2025-01", rows=ROWS, overwrite=True, version_id="delivery-1")
LATER = replace(JANUARY, version_id="delivery-2")


def a_manifest_that_is_no_json(folder: Path) -> None:
    manifest = write_month(folder, LATER).manifests[-1]
    (folder / manifest).write_text("<html>not found</html>")


def a_key_that_steps_out(folder: Path) -> None:
    rename_file(folder, "../elsewhere/report-00001.csv.gz")


def a_key_beside_the_folder(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    write_month(folder.parent / "elsewhere", JANUARY)
    rename_file(folder, "elsewhere/report/20250101-20250201/report-00001.csv.gz")


def rename_file(folder: Path, key: str) -> None:
    manifest = folder / write_month(folder, LATER).manifests[-1]
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"reportKeys": [key]}))


def a_truncated_file(folder: Path) -> None:
    delivery = write_month(folder, replace(LATER, rows=ROWS * 200))
    file = folder / delivery.files[0]
    file.write_bytes(file.read_bytes()[:-20])


def a_missing_column(folder: Path) -> None:
    columns = [name for name in ROWS[0] if name != "line_item_usage_amount"]
    write_month(folder, replace(LATER, columns=tuple(columns)))


def a_second_report(folder: Path) -> None:
    write_month(folder, replace(LATER, name="another"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (a_manifest_that_is_no_json, "report-Manifest.json cannot be read: Invalid JSON"),
        (a_key_that_steps_out, "names '../elsewhere/report-00001.csv.gz', a key with `..`"),
        (a_key_beside_the_folder, "names 'elsewhere/report/20250101-20250201/report-00001.csv.gz', which is not under"),
        (a_truncated_file, "report-00001.csv.gz is damaged"),
        (a_missing_column, "report-00001.csv.gz lacks the required column line_item_usage_amount"),
        (a_second_report, "several reports lie under"),
    ],
)
def test_a_bad_delivery_is_refused_and_the_month_stays_as_it_was(
    deployment: Deployment, command: Command, org: str, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    folder = tmp_path / "delivered"
    write_month(folder, JANUARY)
    deployment.ingest(api.source(folder.as_uri(), org))
    spoil(folder)

    ended = command("ingest", "--url", folder.as_uri(), "--org", org)

    assert ended.code == Exit.EVERY_RUN_FAILED
    assert [said in error for error in ended.errors] == [True], ended.err
    assert totals(org) == totals_of(ROWS)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://no-such-bucket", "s3://no-such-bucket/"),
        ("file:///no/such/folder", "/no/such/folder"),
        (f"s3://{BUCKET}/nothing-here/", f"no report's manifest lies under s3://{BUCKET}/nothing-here/"),
    ],
)
def test_a_place_that_is_not_there_is_named(
    deployment: Deployment, command: Command, org: str, url: str, said: str
) -> None:
    ended = command("ingest", "--url", url, "--org", org)

    assert ended.code == Exit.EVERY_RUN_FAILED
    assert [said in error for error in ended.errors] == [True], ended.err
    assert totals(org) == NOTHING


def test_a_wrong_secret_is_refused_with_the_remedy(
    deployment: Deployment, command: Command, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(JANUARY)
    deployment.ingest(api.source(remote.url, org, "acme"))
    remote.deliver(LATER)
    configuration = (
        f'[[source]]\nname = "acme"\norg_id = "{org}"\nprofile = "wrong"\n[source.cur]\nurl = "{remote.url}"\n'
    )
    (deployment.folder / "offgridflow.toml").write_text(configuration)

    ended = command("ingest", "acme")

    assert ended.code == Exit.EVERY_RUN_FAILED
    assert ["SignatureDoesNotMatch" in error for error in ended.errors] == [True], ended.err
    assert "correct the secret" in ended.err
    assert totals(org) == totals_of(ROWS)


def test_a_key_outside_the_prefix_is_not_read(
    deployment: Deployment, command: Command, org: str, remote: RemoteFolder
) -> None:
    outside = replace(remote, prefix=f"{remote.prefix}-elsewhere").deliver(JANUARY).files[0]
    manifest = remote.deliver(JANUARY).manifests[-1]
    body = json.loads((remote.local / manifest).read_text()) | {"reportKeys": [outside]}
    remote.put(manifest, json.dumps(body).encode())

    ended = command("ingest", "--url", remote.url, "--org", org)

    assert ended.code == Exit.EVERY_RUN_FAILED
    assert [outside in error for error in ended.errors] == [True], ended.err
    assert deployment.s3.reads(outside) == []
    assert totals(org) == NOTHING


@pytest.mark.parametrize("bad", ["org/1", "org.1", "../org"])
def test_an_org_id_that_is_no_name_is_refused_before_anything_is_asked_for(command: Command, bad: str) -> None:
    ended = command("ingest", "--url", "file:///anywhere", "--org", bad)

    assert ended.code == Exit.USAGE
    assert ["org_id" in error for error in ended.errors] == [True], ended.err
