from __future__ import annotations

import importlib
import pickle
import pkgutil

import pytest

from worker import adapters, domain, services
from worker.adapters import codec
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
WHOLE = ("the bucket is “throttled”", "SlowDown", "wait\n", 1.5, "req-1 host-1")


def every_class(root: type[IngestError]) -> set[type[IngestError]]:
    return {root}.union(*(every_class(child) for child in root.__subclasses__()))


def test_every_error_of_ours_has_a_class_and_survives_the_way_between_processes() -> None:
    for package in (adapters, domain, services):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    kinds = every_class(IngestError)

    copies = {kind: pickle.loads(pickle.dumps(kind(*WHOLE))) for kind in kinds}
    failures = {kind: codec.load(Failure, codec.dump(Failure.of(kind(*WHOLE)))) for kind in kinds}

    assert kinds >= {kind for kind, _ in CLASSES}
    assert {kind: (type(copy), copy.args) for kind, copy in copies.items()} == {kind: (kind, WHOLE) for kind in kinds}
    assert failures == {kind: Failure.of(kind(*WHOLE)) for kind in kinds}


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


@pytest.mark.parametrize(("kind", "error_class"), CLASSES)
def test_a_failure_survives_json_whole(kind: type[IngestError], error_class: str) -> None:
    failure = Failure.of(kind(*WHOLE), "cur/a.csv")

    copy = codec.load(Failure, codec.dump(failure))

    assert copy == failure
    assert copy.error_class == ErrorClass(error_class)
    assert {copy.message, copy.code, copy.remedy, copy.request_id} < set(WHOLE)


def test_a_failure_is_the_error_as_a_value() -> None:
    error = AuthError("no access", "AccessDenied", "grant s3:GetObject", None, "req-1")

    failure = Failure.of(error, "cur/a.csv")

    expected = Failure(ErrorClass.AUTH, "no access", "AccessDenied", "grant s3:GetObject", "cur/a.csv", "req-1")
    assert failure == expected
