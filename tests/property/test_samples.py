"""Files that others wrote, planned and converted: the counts that are known of them, and row by row a naive reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.reference import Reference
from tests.fakes.reference_files import report_lines
from tests.fakes.world import FakeWorld
from tests.property.conversion import Packed, convert, figures
from worker.domain.billing_period import BillingPeriod
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.source import Source

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the sample files are not at {SAMPLES}")

OTHERS = Source(name="others", org_id="org-123", url="s3://others/")
CLOSE = Decimal("1e-12")
"""The control figures keep all digits, we keep 18 behind the point."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One of them: the folder of its bucket, or its file when it came without a manifest; and what is known of it."""

    place: str
    period: str
    read: int
    activities: int
    rejected: int = 0
    final: bool = False
    warning: str = ""

    def objects(self) -> Mapping[str, bytes]:
        """What lies in its bucket, by key."""
        root = SAMPLES / self.place
        if root.is_dir():
            return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        month = BillingPeriod.parse(self.period)
        span = {"start": f"{month.start:%Y%m%dT%H%M%S.000Z}", "end": f"{month.end:%Y%m%dT%H%M%S.000Z}"}
        folder = f"report/{month.start:%Y%m%d}-{month.end:%Y%m%d}"
        key = f"{folder}/v1/{root.name}"
        document = {"assemblyId": "v1", "billingPeriod": span, "reportKeys": [key]}
        return {f"{folder}/report-Manifest.json": json.dumps(document).encode(), key: root.read_bytes()}


ALL = (
    Sample("edge/final.csv", "2023-06", 3, 3, final=True),
    Sample("edge/not_final.csv", "2023-06", 3, 3),
    Sample("edge/underscore_columns.csv", "2022-07", 2, 2, final=True),
    Sample("edge/header_only.csv", "2023-06", 0, 0),
    Sample("edge/ragged_rows.csv.gz", "2018-06", 19, 19, warning="19 rows or fewer have too few fields"),
    Sample("legacy_csv_gz_prefixed", "2018-08", 6_190, 6_190),
    Sample("legacy_csv_gz_two_level", "2018-08", 13_380, 776, 12_604, warning="12,604 rows rejected"),
    Sample("zip_legacy/mock-cur-bucket", "2024-01", 3, 3, final=True, warning="3 rows without a unit"),
    Sample("cur2_gz/mock-cur-v2-bucket", "2024-09", 4, 4, final=True, warning="4 rows without a unit"),
)


@dataclass(frozen=True, slots=True)
class Ingested:
    """A sample, its one report file, and the report of its run."""

    sample: Sample
    key: str
    body: bytes
    report: RunReport


@pytest.fixture(scope="module", params=ALL, ids=lambda sample: sample.place)
def ingested(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    sample: Sample = request.param
    fake, objects = FakeWorld(tmp_path_factory.mktemp("sample")), sample.objects()
    for key, body in objects.items():
        fake.bucket(OTHERS).put(key, body)
    [report] = fake.ingest(OTHERS)
    [key] = [key for key in objects if not key.endswith(".json")]
    return Ingested(sample, key, objects[key], report)


def test_it_is_read_as_its_description_says(ingested: Ingested) -> None:
    sample, report = ingested.sample, ingested.report

    assert (report.state, report.final, report.errors) == (RunState.PUBLISHED, sample.final, ())
    assert (report.balance.read.rows, report.balance.activities.rows) == (sample.read, sample.activities)
    assert (report.balance.excluded.rows, report.balance.rejected.rows) == (0, sample.rejected)
    assert sample.warning in " ".join(report.warnings)


def test_its_sums_are_those_of_the_control_figures(ingested: Ingested) -> None:
    control: Mapping[str, Any] = json.loads((SAMPLES / "CONTROL.json").read_text())
    known = [each for path, each in control.items() if path.endswith(ingested.key.rpartition("/")[2])]
    expected = known[0]["by_line_item_type"] if known else {}

    found = ingested.report.balance.by_line_item_type

    assert not known or set(found) == set(expected)
    for kind, figure in expected.items():
        assert found[kind].rows == figure["rows"]
        assert abs(found[kind].usage - Decimal(figure["usage_amount"])) < CLOSE
        assert abs(found[kind].cost - Decimal(figure["unblended_cost"])) < CLOSE


def test_its_activities_are_those_of_a_naive_reading(ingested: Ingested, folder: Path) -> None:
    compression = {".gz": "gzip", ".zip": "zip"}.get(Path(ingested.key).suffix, "none")

    converted = convert(Packed(ingested.body, compression), folder, period=ingested.sample.period)

    naive = Reference(ingested.sample.period).read(report_lines(ingested.body))
    assert figures(converted.balance) == naive.figures() == figures(ingested.report.balance)
    assert [{name: row[name] for name in row if name != "activity_id"} for row in converted.rows] == naive.made
