"""Other people's real files, from a folder and from S3: the numbers found independently of us, and nothing read twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.opened_files import needs_inotify, opened_files
from tests.acceptance.turnstile import Passed
from tests.servers.deployment import Deployment
from tests.servers.seaweed import Seaweed
from worker import api

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
CLOSE = Decimal("1e-12")
PREFIXED, TWO_LEVEL, CUR2 = "prefixed", "two-level", "cur2"
PLACES = {
    PREFIXED: ("legacy_csv_gz_prefixed", "reports-of-others/my-prefix"),
    TWO_LEVEL: ("legacy_csv_gz_two_level", "reports-of-others/koku-local"),
    CUR2: ("cur2_gz/mock-cur-v2-bucket", "mock-cur-v2-bucket"),
}
"""Where each is: its folder among the samples, and on S3 the place that its manifest speaks of."""

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the sample files are not at {SAMPLES}"),
]

Runs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What the command printed of each source, the first time and the second, and what passed on to S3 meanwhile."""

    org: str
    first: Runs
    second: Runs
    first_passed: list[Passed]
    second_passed: list[Passed]


@pytest.fixture(scope="module", params=["file", "s3"])
def ingested(request: pytest.FixtureRequest, shared_deployment: Deployment, seaweed: Seaweed) -> Ingested:
    """All of them, ingested by the command, twice."""
    org, passed = f"samples-{request.param}", shared_deployment.s3.passed
    configuration = shared_deployment.folder / f"{org}.toml"
    configuration.write_text("".join(_source(name, org, url) for name, url in _urls(request.param, seaweed).items()))
    before = len(passed)
    first = _ingest(shared_deployment, configuration)
    between = len(passed)
    second = _ingest(shared_deployment, configuration)
    return Ingested(org, first, second, passed[before:between], passed[between:])


def _urls(scheme: str, seaweed: Seaweed) -> Mapping[str, str]:
    if scheme == "file":
        return {name: (SAMPLES / folder).as_uri() for name, (folder, _) in PLACES.items()}
    for bucket in {place.partition("/")[0] for _, place in PLACES.values()}:
        seaweed.client.create_bucket(Bucket=bucket)
    for folder, place in PLACES.values():
        for file in (each for each in (SAMPLES / folder).rglob("*") if each.is_file()):
            key = file.relative_to(SAMPLES / folder).as_posix()
            seaweed.client.put_object(Bucket=place.partition("/")[0], Key=key, Body=file.read_bytes())
    return {name: f"s3://{place}" for name, (_, place) in PLACES.items()}


def _source(name: str, org: str, url: str) -> str:
    return f'[[source]]\nname = "{name}"\norg_id = "{org}"\n[source.cur]\nurl = "{url}"\n'


def _ingest(deployment: Deployment, configuration: Path) -> Runs:
    ended = deployment.cli("ingest", "--json", OFFGRIDFLOW_CONFIG=str(configuration))
    assert ended.returncode == 0, ended.stderr
    return {run["source_name"]: run for run in json.loads(ended.stdout)["runs"]}


def control(name: str) -> tuple[Decimal, Decimal]:
    """The sums of a sample's usage and cost as `csv` and `decimal` find them."""
    files = json.loads((SAMPLES / "CONTROL.json").read_text())
    [found] = [file["by_line_item_type"]["Usage"] for key, file in files.items() if key.startswith(PLACES[name][0])]
    return Decimal(found["usage_amount"]), Decimal(found["unblended_cost"])


@pytest.mark.parametrize(
    ("name", "read", "activities", "rejected"),
    [(PREFIXED, 6_190, 6_190, 0), (TWO_LEVEL, 13_380, 776, 12_604), (CUR2, 4, 4, 0)],
)
def test_every_row_is_accounted_for(ingested: Ingested, name: str, read: int, activities: int, rejected: int) -> None:
    run = ingested.first[name]

    assert run["state"] == "published"
    assert run["rows"] == {"read": read, "activities": activities, "excluded": 0, "rejected": rejected}


@pytest.mark.parametrize("name", PLACES)
def test_sums_are_those_of_an_independent_reading(ingested: Ingested, name: str) -> None:
    usage, cost = control(name)

    run = ingested.first[name]

    assert abs(Decimal(run["usage_amount"]["read"]) - usage) < CLOSE
    assert abs(Decimal(run["cost"]["read"]) - cost) < CLOSE


def test_rows_of_other_months_are_rejected_and_the_month_is_not_plain_green(
    ingested: Ingested, deployment: Deployment
) -> None:
    run = ingested.first[TWO_LEVEL]

    cells = api.status()

    [cell] = [each for each in cells if (each.org_id, each.source_name) == (ingested.org, TWO_LEVEL)]
    assert run["rejected_by_reason"] == {"other_billing_period": 12_604}
    assert not cell.is_plain
    assert "12,604 rows rejected" in cell.warnings[0]


def test_a_report_without_units_has_unknown_ones_and_a_warning(ingested: Ingested, deployment: Deployment) -> None:
    run = ingested.first[CUR2]

    units = api.query(f"select unit, count(*) from activities where source_name = '{CUR2}' group by 1", ingested.org)

    assert list(units.rows) == [("unknown", 4)]
    assert any("without a unit" in warning for warning in run["warnings"])


def test_a_query_agrees_with_the_report(ingested: Ingested, deployment: Deployment) -> None:
    reported = [run for _, run in sorted(ingested.first.items())]

    published = api.query("select source_name, count(*), sum(cost) from activities group by 1 order by 1", ingested.org)

    assert list(published.rows) == [
        (run["source_name"], run["rows"]["activities"], Decimal(run["cost"]["activities"])) for run in reported
    ]


def test_the_second_time_every_month_is_up_to_date(ingested: Ingested) -> None:
    first, second = ingested.first, ingested.second

    assert {name: (run["state"], run["bytes_read"]) for name, run in second.items()} == dict.fromkeys(
        PLACES, ("up_to_date", 0)
    )
    assert all(second[name][part] == first[name][part] for name in PLACES for part in ("rows", "cost", "usage_amount"))


def test_every_request_to_aws_is_reported(ingested: Ingested) -> None:
    for runs, passed in ((ingested.first, ingested.first_passed), (ingested.second, ingested.second_passed)):
        assert sum(run["requests"] for run in runs.values()) == len(passed)


def test_the_second_time_costs_a_listing_a_source_and_reads_no_data(ingested: Ingested) -> None:
    listings = [each for each in ingested.second_passed if each.is_listing]

    others = [each for each in ingested.second_passed if not each.is_listing]

    assert len(listings) <= len(PLACES)
    assert len(others) <= len(PLACES)
    assert all("Manifest.json" in each.path for each in others)


@needs_inotify
def test_the_second_time_no_data_file_is_opened(deployment: Deployment, org: str, tmp_path: Path) -> None:
    copies = [Path(shutil.copytree(SAMPLES / folder, tmp_path / name)) for name, (folder, _) in PLACES.items()]
    sources = [api.source(copy.as_uri(), org, copy.name) for copy in copies]
    data = list(tmp_path.rglob("*.csv.gz"))

    with opened_files(data) as opened:
        deployment.ingest(*sources)
        at_first = set(opened())
        deployment.ingest(*sources)
        since = opened()[len(data) :]

    assert at_first == set(data)
    assert since == []
