from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.world import FakeWorld, always, month
from tests.unit.services.steps import (
    fail_data,
    failure_in,
    ingest,
    sent,
)
from worker.domain.errors import (
    AuthError,
    BadRequestError,
    ErrorClass,
    FatalError,
    IngestError,
    NotFoundError,
    TransientError,
    UnknownError,
)
from worker.domain.plan import CONVERTER_VERSION
from worker.services.dispatch import Dispatch
from worker.services.ingest_file import HAND_OVER_SECONDS


@pytest.mark.parametrize(
    ("error", "error_class"),
    [
        (TransientError("slow down", "SlowDown"), ErrorClass.TRANSIENT),
        (AuthError("no", "AccessDenied", "grant s3:GetObject"), ErrorClass.AUTH),
        (BadRequestError("bad", "InvalidRequest"), ErrorClass.BAD_REQUEST),
        (NotFoundError("gone", "NoSuchKey"), ErrorClass.NOT_FOUND),
        (FatalError("archived", "InvalidObjectState"), ErrorClass.FATAL),
        (UnknownError("what?"), ErrorClass.UNKNOWN),
    ],
)
def test_error_classification_in_ingestion(fake: FakeWorld, error: IngestError, error_class: ErrorClass) -> None:
    dispatch = sent(fake)
    fail_data(fake, dispatch, error)

    ingest(fake, dispatch)

    failure = failure_in(fake, dispatch)
    assert (failure.error_class, failure.message, failure.remedy) == (error_class, error.message, error.remedy)
    assert failure.file == fake.ledger.plan(dispatch.run_id).files[0].key


def test_a_file_that_is_no_report_is_a_failed_outcome(fake: FakeWorld) -> None:
    delivery = fake.deliver(month())
    fake.bucket().put(delivery.files[0], b"<html>captive portal</html>")
    [dispatch] = fake.send()

    ingest(fake, dispatch)

    failure = failure_in(fake, dispatch)
    assert (failure.error_class, failure.code) == (ErrorClass.BAD_REQUEST, "not_a_report")
    assert fake.parts.outcomes == {}


@pytest.mark.parametrize("error", [TransientError("slow down"), UnknownError("what?")])
def test_an_error_worth_another_attempt_is_raised_with_the_lease_given_back(
    fake: FakeWorld, error: IngestError
) -> None:
    dispatch = sent(fake)
    fail_data(fake, dispatch, error)
    spent = fake.ledger.progress(dispatch.run_id).requests

    with pytest.raises(type(error)):
        ingest(fake, dispatch, always)

    assert fake.ledger.runs[dispatch.run_id].leases == {}
    assert fake.ledger.outcomes(dispatch.run_id) == {}
    assert fake.ledger.progress(dispatch.run_id).requests == spent + 1


def test_a_file_that_was_replaced_is_changed_and_not_tried_again(fake: FakeWorld) -> None:
    dispatch = sent(fake)
    key = fake.ledger.plan(dispatch.run_id).files[0].key
    fake.bucket().put(key, b"another")

    ingest(fake, dispatch, always)

    failure = failure_in(fake, dispatch)
    assert (failure.code, failure.file) == ("changed", key)
    assert fake.bucket().calls == {"fetch": 1}


def open_with_converter(fake: FakeWorld, version: int) -> Dispatch:
    dispatch = sent(fake)
    plan = replace(fake.ledger.plan(dispatch.run_id), converter_version=version)
    run_id, _ = fake.ledger.open(plan, "t1")
    return replace(dispatch, run_id=run_id)


def test_a_worker_older_than_the_plan_gives_the_message_back(fake: FakeWorld) -> None:
    dispatch = open_with_converter(fake, CONVERTER_VERSION + 1)

    with pytest.raises(TransientError) as caught:
        ingest(fake, dispatch, always)

    assert (caught.value.code, caught.value.retry_after_seconds) == ("older_worker", HAND_OVER_SECONDS)
    assert fake.ledger.runs[dispatch.run_id].leases == {}
    assert fake.bucket().calls["fetch"] == 0


def test_a_worker_newer_than_the_plan_has_it_planned_again(fake: FakeWorld) -> None:
    dispatch = open_with_converter(fake, CONVERTER_VERSION - 1)

    ingest(fake, dispatch, always)

    failure = failure_in(fake, dispatch)
    assert failure.code == "changed"
