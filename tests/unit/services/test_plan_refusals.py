from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.fakes.plans import ACME
from tests.fakes.report_store import FakeReportStore
from tests.fakes.world import FakeWorld, always, month, never
from worker.adapters.sample_files import FileFormat
from worker.adapters.sample_month import Month
from worker.domain.discovery import StoredObject
from worker.domain.errors import AuthError, BadRequestError, ErrorClass, IngestError, NotFoundError, TransientError
from worker.domain.outcome import RunState
from worker.domain.plan import RunPlan
from worker.domain.report import RunReport
from worker.domain.retry import WorthAnother
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.services.plan_runs import plan_source


def planned(fake: FakeWorld, source: Source = ACME, worth: WorthAnother = never) -> list[RunPlan | RunReport]:
    return list(plan_source(fake.world, source, Trigger("t1"), worth))


def refusal(fake: FakeWorld, worth: WorthAnother = never) -> RunReport:
    [report] = planned(fake, worth=worth)
    assert isinstance(report, RunReport)
    return report


def rewrite(fake: FakeWorld, key: str, **changes: object) -> None:
    body = json.loads(fake.bucket().objects[key].body)
    fake.bucket().put(key, json.dumps(body | changes).encode())


def test_a_place_without_a_manifest_is_not_found(fake: FakeWorld) -> None:
    fake.bucket().put("cur/readme.txt", b"hello")

    with pytest.raises(NotFoundError, match="s3://cur-bucket/cur/") as caught:
        planned(fake)

    assert caught.value.code == "no_manifest"


def test_a_bucket_that_is_not_there_is_not_found(fake: FakeWorld) -> None:
    fake.bucket().exists = False

    with pytest.raises(NotFoundError):
        planned(fake)


def test_several_reports_are_asked_about(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.deliver(replace(month(), name="other"))

    with pytest.raises(BadRequestError, match="cur/other, cur/report"):
        planned(fake)


def test_the_report_that_is_named_is_taken(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.deliver(replace(month(), name="other"))

    [plan] = planned(fake, replace(ACME, report="other"))

    assert isinstance(plan, RunPlan)
    assert "other" in plan.manifest_key


def test_a_bad_manifest_of_one_month_does_not_lose_the_others(fake: FakeWorld) -> None:
    bad = fake.deliver(month("2024-01"))
    fake.deliver(month("2024-02"))
    fake.bucket().put(bad.manifests[-1], b"{")

    report, plan = planned(fake)

    assert isinstance(report, RunReport)
    assert (report.billing_period, report.state) == ("2024-01", RunState.FAILED)
    assert [failure.error_class for failure in report.errors] == [ErrorClass.BAD_REQUEST]
    assert isinstance(plan, RunPlan)
    assert str(plan.period) == "2024-02"


def test_a_bad_manifest_of_no_known_month_is_reported_without_one(fake: FakeWorld) -> None:
    fake.bucket().put("cur/report-Manifest.json", b"{")

    assert refusal(fake).billing_period is None


def test_an_error_about_one_month_that_is_worth_another_attempt_is_raised(fake: FakeWorld) -> None:
    delivery = fake.deliver(month())
    fake.bucket().fail_key(delivery.manifests[-1], TransientError("slow down", "SlowDown"))

    with pytest.raises(TransientError, match="slow down"):
        planned(fake, worth=always)


def test_the_same_error_without_another_attempt_is_the_months_report(fake: FakeWorld) -> None:
    delivery = fake.deliver(month())
    fake.bucket().fail_key(delivery.manifests[-1], TransientError("slow down", "SlowDown"))

    [failure] = refusal(fake).errors

    assert (failure.error_class, failure.code) == (ErrorClass.TRANSIENT, "SlowDown")


def test_a_refused_permission_is_the_months_report_at_once(fake: FakeWorld) -> None:
    delivery = fake.deliver(month())
    fake.bucket().fail_key(delivery.manifests[-1], AuthError("no", "AccessDenied", "grant s3:GetObject"))

    [failure] = refusal(fake, worth=always).errors

    assert (failure.code, failure.remedy) == ("AccessDenied", "grant s3:GetObject")
    assert fake.bucket().calls == {"list": 1, "read_manifest": 1}


@pytest.mark.parametrize(
    ("named", "code"),
    [("secret/a.csv.gz", "key_outside"), ("cur/../secret/a.csv.gz", "key_outside"), ("cur/gone.csv.gz", "NoSuchKey")],
)
def test_a_key_that_is_not_the_sources_to_read_is_refused(fake: FakeWorld, named: str, code: str) -> None:
    delivery = fake.deliver(month())
    rewrite(fake, delivery.manifests[-1], reportKeys=[named])

    [failure] = refusal(fake).errors

    assert failure.code == code
    assert named in failure.message


class Evasive(FakeReportStore):
    """Says that a manifest is unchanged to one who knew nothing of it."""

    def read_manifest(self, key: str, if_none_match: str | None = None) -> None:
        self.calls["read_manifest"] += 1


def test_a_manifest_that_is_not_given_is_no_empty_month(fake: FakeWorld) -> None:
    fake.buckets[ACME.url] = Evasive("cur/", "cur-bucket")
    fake.deliver(month())

    [failure] = refusal(fake).errors

    assert (failure.error_class, failure.code) == (ErrorClass.NOT_FOUND, "NoSuchKey")


def test_what_is_refused_costs_no_data(fake: FakeWorld) -> None:
    fake.deliver(replace(month(), file_format=FileFormat.ZIP))

    planned(fake)

    assert fake.bucket().calls["fetch"] == 0


@pytest.mark.parametrize("error", [AuthError("no"), TransientError("later")])
def test_an_error_about_the_whole_source_is_raised(fake: FakeWorld, error: IngestError) -> None:
    fake.bucket().fail_prefix("cur/", error)

    with pytest.raises(type(error)):
        planned(fake)


class Delivering(FakeReportStore):
    """AWS delivers a new version after its first listing was made."""

    def __init__(self, fake: FakeWorld, delivered: Month) -> None:
        super().__init__("cur/", "cur-bucket")
        self._fake, self._delivered = fake, delivered

    def list(self) -> Iterator[StoredObject]:
        listed = tuple(super().list())
        if self.calls["list"] == 1:
            self._fake.deliver(self._delivered)
        return iter(listed)


def test_a_delivery_that_comes_between_listing_and_manifest_is_looked_for_again(fake: FakeWorld) -> None:
    store = fake.buckets[ACME.url] = Delivering(fake, replace(month(), version_id="v2"))
    fake.deliver(month())

    [plan] = planned(fake)

    assert isinstance(plan, RunPlan)
    assert (plan.version_id, plan.requests) == ("v2", 4)
    assert store.calls == {"list": 2, "read_manifest": 2}
