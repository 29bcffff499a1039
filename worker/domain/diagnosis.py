"""What `doctor` finds: one sentence a check, and for what fails the remedy and the permission that is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from worker.domain.errors import IngestError

CLOCK_WARNS, CLOCK_FAILS = timedelta(minutes=5), timedelta(minutes=15)
"""AWS refuses a request that is dated more than 15 minutes off."""

Statement = Mapping[str, object]
"""One statement of an IAM policy, as JSON has it."""


class Verdict(StrEnum):
    """How a check ended. Only a failure keeps anything from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one ``check`` came to.

    ``source`` is empty for what is not about one; ``policy`` is what is to be granted, if anything.
    """

    check: str
    verdict: Verdict
    said: str
    remedy: str = ""
    source: str = ""
    policy: Statement | None = None


def ok(check: str, said: str, source: str = "") -> Finding:
    """Nothing is to be done."""
    return Finding(check, Verdict.OK, said, source=source)


def warn(check: str, said: str, remedy: str, source: str = "") -> Finding:
    """It works, and could be better."""
    return Finding(check, Verdict.WARN, said, remedy, source)


def failed(check: str, error: IngestError, source: str = "", policy: Statement | None = None) -> Finding:
    """What an error said, and its remedy."""
    return Finding(check, Verdict.FAIL, error.message, error.remedy, source, policy)


def any_failed(findings: Iterable[Finding]) -> bool:
    """Whether something keeps months from being ingested."""
    return any(each.verdict is Verdict.FAIL for each in findings)


def clock(skews: Iterable[timedelta]) -> Finding:
    """``skews``: by how much those who answered were ahead of this host, as their answers were dated."""
    worst = max(skews, key=abs, default=None)
    if worst is None:
        return ok("clock", "not compared: nobody on AWS was asked")
    said = f"this host is {spoken(abs(worst))} {'behind' if worst > timedelta() else 'ahead of'} AWS"
    remedy = "set this host's clock by NTP: AWS refuses requests that are dated more than 15 minutes off"
    if abs(worst) > CLOCK_FAILS:
        return Finding("clock", Verdict.FAIL, said, remedy)
    return warn("clock", said, remedy) if abs(worst) > CLOCK_WARNS else ok("clock", said)


def spoken(span: timedelta) -> str:
    """As people say it: in the largest unit of which there are two or more."""
    seconds = span.total_seconds()
    units = ((86400, "days"), (3600, "hours"), (60, "min"))
    return next((f"{seconds / unit:.0f} {name}" for unit, name in units if seconds >= 2 * unit), f"{seconds:.0f} s")
