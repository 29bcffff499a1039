from __future__ import annotations

from datetime import UTC, datetime

import pytest

from worker.domain.diagnosis import Verdict, ok
from worker.domain.errors import TransientError
from worker.domain.source import Source
from worker.ports.probes import ApiProbe, BucketProbe
from worker.services.doctor import Checkup, diagnose

ACME = Source("acme", "org-1", "s3://reports/cur/")


class TooEarlyError(Exception):
    """Something is examined before what was found so far was shown."""


def not_yet(*_asked: object) -> None:
    raise TooEarlyError


def no_probe(source: Source) -> BucketProbe:
    raise TooEarlyError(source.name)


def no_api(source: Source) -> ApiProbe:
    raise TooEarlyError(source.name)


def broken() -> tuple[()]:
    raise TransientError("nobody answers", "unreachable", "start it")


CHECKUP = Checkup(
    broker=lambda: [ok("broker", "answers")],
    catalog=not_yet,
    warehouse=not_yet,
    warehouse_url="",
    workers=None,
    delivered=no_probe,
    asked=no_api,
    now=datetime(2024, 2, 3, tzinfo=UTC),
)


def test_a_finding_is_shown_before_the_next_thing_is_examined() -> None:
    findings = diagnose(CHECKUP, [ACME])

    assert [next(findings).check, next(findings).check] == ["broker", "workers"]
    with pytest.raises(TooEarlyError):
        next(findings)


def test_without_a_broker_storage_is_examined_and_no_source() -> None:
    checkup = Checkup(broken, lambda: None, lambda: None, "", None, no_probe, no_api, CHECKUP.now)

    findings = tuple(diagnose(checkup, [ACME]))

    assert [(each.check, each.verdict) for each in findings] == [
        ("broker", Verdict.FAIL),
        ("catalog", Verdict.OK),
        ("warehouse", Verdict.OK),
        ("source", Verdict.WARN),
        ("clock", Verdict.OK),
    ]
