"""A source as `doctor` examines it, in memory: what no real server can be made to look like."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.plans import ACME
from tests.fakes.report_store import FakeReportStore
from worker.domain.billing_period import BillingPeriod
from worker.domain.diagnosis import Finding, Verdict
from worker.domain.errors import AuthError, TransientError
from worker.domain.source import API_URL, CARBON
from worker.services.examine_source import examine_asked, examine_delivered

NOW = datetime(2024, 3, 5, 12, tzinfo=UTC)
HEADER = (
    "lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/UsageAccountId,lineItem/ProductCode,lineItem/UsageType,"
    "lineItem/LineItemType,lineItem/UsageAmount"
)


@dataclass
class FakeProbe:
    """A bucket in memory that is read in the region ``region``, and is in ``bucket_region``."""

    store: FakeReportStore = field(default_factory=lambda: FakeReportStore("cur"))
    skew: timedelta | None = None
    region: str = "us-east-1"
    bucket_region: str = ""
    asked: list[BillingPeriod] = field(default_factory=list)
    failing: TransientError | AuthError | None = None

    def identity(self) -> str:
        if self.failing:
            raise self.failing
        return "arn:aws:iam::1:user/u"

    def first_bytes(self, key: str, count: int) -> bytes:
        return self.store.objects[key].body[:count]

    def ask(self, month: BillingPeriod) -> None:
        self.asked.append(month)

    def deliver(self, folder: str, age: timedelta, *columns: str) -> None:
        """A delivery of so long ago, into the folder that spells its month."""
        data = f"cur/r/{folder}/r-1.csv.gz"
        listed = [{"category": name.partition("/")[0], "name": name.partition("/")[2]} for name in columns]
        body = {"assemblyId": "v1", "compression": "GZIP", "reportKeys": [data], "columns": listed}
        self.store.put(data, gzip.compress(f"{HEADER}\n".encode()), NOW - age)
        self.store.put(f"cur/r/{folder}/r-Manifest.json", json.dumps(body).encode(), NOW - age)


@pytest.fixture
def probe() -> FakeProbe:
    return FakeProbe()


def the(check: str, findings: list[Finding]) -> Finding:
    return next(each for each in findings if each.check == check)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


@pytest.mark.parametrize(("age", "verdict"), [(48, Verdict.OK), (49, Verdict.WARN)])
def test_an_open_month_whose_newest_manifest_is_old_is_stale(probe: FakeProbe, age: float, verdict: Verdict) -> None:
    probe.deliver("20240201-20240301", hours(age + 200))
    probe.deliver("20240301-20240401", hours(age))

    found = the("manifests", list(examine_delivered(ACME, probe, NOW)))

    assert (found.verdict, "of 2024-02 to 2024-03, the newest is 2 days old" in found.said) == (verdict, True)
    assert ("Billing console" in found.remedy) is (verdict is Verdict.WARN)


def test_a_range_of_months_that_is_over_is_not_stale(probe: FakeProbe) -> None:
    probe.deliver("20240101-20240201", hours(1000))

    over = replace(ACME, end=BillingPeriod(2024, 2))

    assert the("manifests", list(examine_delivered(over, probe, NOW))).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("day", "newest", "verdict"),
    [
        (5, "2024-01", Verdict.OK),
        (5, "2023-12", Verdict.WARN),
        (22, "2024-01", Verdict.WARN),
        (22, "2024-02", Verdict.OK),
    ],
)
def test_an_export_of_estimates_is_stale_when_a_month_is_due(
    probe: FakeProbe, day: int, newest: str, verdict: Verdict
) -> None:
    key = f"cur/e/metadata/carbon_model_version=v3.0.0/usage_period={newest}/e-Manifest.json"
    probe.store.put(key, b"{}")

    found = the("manifests", list(examine_delivered(replace(ACME, kind=CARBON), probe, NOW.replace(day=day))))

    assert found.verdict is verdict


def test_a_bucket_elsewhere_is_read_at_twice_the_price(probe: FakeProbe) -> None:
    probe.deliver("20240301-20240401", hours(1))
    probe.bucket_region = "eu-west-1"

    found = the("region", list(examine_delivered(ACME, probe, NOW)))

    assert (found.verdict, found.remedy) == (Verdict.WARN, "set the source's region to eu-west-1")


@pytest.mark.parametrize(
    ("error", "checks"),
    [
        (TransientError("no way to STS"), ["identity", "list"]),
        (AuthError("no", "AccessDenied", "grant sts:AssumeRole on arn:aws:iam::1:role/r, and …"), ["identity"]),
    ],
)
def test_an_unknown_identity_is_no_fault_and_a_refused_one_ends_the_examination(
    probe: FakeProbe, error: TransientError | AuthError, checks: list[str]
) -> None:
    probe.failing = error
    probe.deliver("20240301-20240401", hours(1))

    findings = list(examine_delivered(ACME, probe, NOW))

    assert [each.check for each in findings][:2] == checks
    assert findings[0].verdict is (Verdict.WARN if isinstance(error, TransientError) else Verdict.FAIL)


def test_columns_come_from_the_file_if_the_manifest_lists_none(probe: FakeProbe) -> None:
    probe.deliver("20240301-20240401", hours(1))

    said = [each.said for each in examine_delivered(ACME, probe, NOW) if each.check == "export options"]

    assert said[0].startswith("no resource ids")
    assert not any("required" in each for each in said)


def test_a_manifest_that_names_files_elsewhere_is_not_followed(probe: FakeProbe) -> None:
    body = {"assemblyId": "v1", "compression": "GZIP", "reportKeys": ["secret/other.csv.gz"]}
    probe.store.put("cur/r/20240301-20240401/r-Manifest.json", json.dumps(body).encode(), NOW)

    findings = list(examine_delivered(ACME, probe, NOW))

    assert (findings[-1].verdict, "outside s3://cur-bucket/cur/" in findings[-1].said) == (Verdict.FAIL, True)


@pytest.mark.parametrize(("day", "month"), [(20, BillingPeriod(2024, 1)), (21, BillingPeriod(2024, 2))])
def test_the_month_that_is_asked_for_is_one_that_aws_has(probe: FakeProbe, day: int, month: BillingPeriod) -> None:
    source = replace(ACME, kind=CARBON, url=API_URL)

    findings = list(examine_asked(source, probe, datetime(2024, 3, day, tzinfo=UTC)))

    assert [each.check for each in findings] == ["identity", "estimates"]
    assert probe.asked == [month]
