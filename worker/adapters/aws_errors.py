"""Foreign errors become ours, once, where they are met: `raise translate(error, about=url) from error`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from worker.adapters.aws_error_table import CLOCK, CODES, STATUSES, THROTTLED_STATUSES, THROTTLES, TYPES, Meaning
from worker.adapters.aws_permissions import grant
from worker.adapters.os_errors import translate_os_error
from worker.domain.errors import IngestError, UnknownError
from worker.domain.source import Source

FOREIGN = (ClientError, BotoCoreError, ResponseParserError, HTTPError, OSError)
"""What a call to AWS can raise."""

LONGEST_RETRY_AFTER_SECONDS = 300.0
"""A service may ask for more, but a message that waits longer would be redelivered beside itself."""

_BY_THE_CLOCK = re.compile(r"Signature (?:expired|not yet current)", re.IGNORECASE)
_SECRETS = re.compile(
    r"(?<=//)[^/@\s]+@"  # user:password@ of a proxy
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{8,}\b"
    r"|(?i:(?:signature|credential|token|secret)\w*=)[^\s&,]+"
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the other side said; all but the code and the text are empty when nobody answered."""

    code: str
    text: str
    status: int = 0
    operation: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""

    @classmethod
    def of(cls, error: Exception) -> _Answer:
        if not isinstance(error, ClientError):
            return cls(type(error).__name__, str(error))
        response: Mapping[str, Any] = error.response
        details, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
        return cls(
            code=str(details.get("Code", "")),
            text=str(details.get("Message", "")),
            status=metadata.get("HTTPStatusCode", 0),
            operation=error.operation_name,
            details=details,
            headers=metadata.get("HTTPHeaders", {}),
            request_id=" ".join(filter(None, (metadata.get("RequestId"), metadata.get("HostId")))),
        )


def translate(error: Exception, *, about: str, source: Source | None = None) -> IngestError:
    """Our error for a foreign one. It holds no credentials, whatever the foreign text held.

    ``about`` is what the call was about, as a URL where there is one; ``source`` whose call it was, if it was for one.
    """
    if isinstance(error, OSError) and not isinstance(error, BotoCoreError):
        return translate_os_error(error, about=about)
    answer = _Answer.of(error)
    meaning = _meaning(error, answer)
    status = f", HTTP {answer.status}" if answer.status and str(answer.status) != answer.code else ""
    return meaning.kind(
        f"{about}: {_SECRETS.sub('…', answer.text).rstrip('.') or 'no explanation'} ({answer.code}{status})",
        answer.code,
        _remedy(meaning.remedy, answer, about, source),
        retry_after_seconds(answer.headers),
        answer.request_id,
    )


def is_throttle(code: str, status: int) -> bool:
    """Whether an answer asks for fewer requests."""
    return code in THROTTLES or status in THROTTLED_STATUSES


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The delay that response headers (lower case) ask for: seconds, an HTTP date, or AWS's own milliseconds.

    A date counts from the response's own date, so the clock of this host does not matter.
    """
    asked: list[float] = []
    if (milliseconds := headers.get("x-amz-retry-after", "")).isdecimal():
        asked.append(int(milliseconds) / 1000)
    if (after := headers.get("retry-after", "")).isdecimal():
        asked.append(float(after))
    elif after:
        asked.extend(_until(after, headers.get("date", "")))
    return min(max(asked), LONGEST_RETRY_AFTER_SECONDS) if asked else None


def _until(date: str, now: str) -> list[float]:
    try:
        return [max(0.0, (parsedate_to_datetime(date) - parsedate_to_datetime(now)).total_seconds())]
    except (TypeError, ValueError):  # not a date, or one with a zone and one without
        return []


def _meaning(error: Exception, answer: _Answer) -> Meaning:
    if answer.code in CODES:
        return CODES[answer.code]
    for types, meaning in TYPES:
        if isinstance(error, types):
            return meaning
    return STATUSES.get(answer.status, Meaning(UnknownError))


def _remedy(remedy: str, answer: _Answer, about: str, source: Source | None) -> str:
    if _BY_THE_CLOCK.search(answer.text):
        return CLOCK
    region = answer.headers.get("x-amz-bucket-region") or answer.details.get("Region")
    return remedy.format(
        about=about,
        bucket="/".join(about.split("/")[:3]),
        grant=grant(answer.operation, f"{answer.code} {answer.text}", about, source),
        region=region or "the one that the bucket is in",
        storage_class=answer.details.get("StorageClass") or "Glacier",
    )
