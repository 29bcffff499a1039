from __future__ import annotations

import pickle

import pytest

from worker.domain.errors import (
    AuthError,
    BadRequestError,
    ChangedError,
    ErrorClass,
    Failure,
    FatalError,
    IngestError,
    NotFoundError,
    TransientError,
    UnknownError,
)

CLASSES = [
    (IngestError, "unknown"),
    (TransientError, "transient"),
    (ChangedError, "transient"),
    (AuthError, "auth"),
    (BadRequestError, "bad_request"),
    (NotFoundError, "not_found"),
    (FatalError, "fatal"),
    (UnknownError, "unknown"),
]
WHOLE = ("the bucket is throttled", "SlowDown", "wait", 1.5, "req-1")


def every_class(root: type[IngestError]) -> set[type[IngestError]]:
    return {root}.union(*(every_class(child) for child in root.__subclasses__()))


def test_the_table_below_has_every_error() -> None:
    assert {kind for kind, _ in CLASSES} == every_class(IngestError)


@pytest.mark.parametrize(("kind", "error_class"), CLASSES)
def test_an_error_carries_its_class(kind: type[IngestError], error_class: str) -> None:
    assert kind("no").error_class == ErrorClass(error_class)


@pytest.mark.parametrize(("kind", "_"), CLASSES)
def test_an_error_survives_pickling_whole(kind: type[IngestError], _: str) -> None:
    error = kind(*WHOLE)

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert (copy.message, copy.code, copy.remedy, copy.retry_after_seconds, copy.request_id) == WHOLE


@pytest.mark.parametrize(("kind", "_"), CLASSES)
def test_an_error_rebuilds_from_its_args(kind: type[IngestError], _: str) -> None:
    error = kind("gone", retry_after_seconds=3.0)

    copy = kind(*error.args)

    assert str(copy) == "gone"
    assert copy.retry_after_seconds == 3.0


def test_a_failure_is_the_error_as_a_value() -> None:
    error = AuthError("no access", "AccessDenied", "grant s3:GetObject", None, "req-1")

    failure = Failure.of(error, "cur/a.csv")

    expected = Failure(ErrorClass.AUTH, "no access", "AccessDenied", "grant s3:GetObject", "cur/a.csv", "req-1")
    assert failure == expected
