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

from worker.adapters.aws_error_table import CODES, EXCEPTIONS, REMEDIES, STATUSES
from worker.adapters.os_errors import translate_os_error
from worker.domain.errors import IngestError, UnknownError

FOREIGN = (ClientError, BotoCoreError, ResponseParserError, HTTPError, OSError)
"""What a call to AWS can raise."""

LONGEST_RETRY_AFTER_SECONDS = 300.0
"""A service may ask for more, but a message that waits longer would be redelivered beside itself."""

_ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "AssumeRole": "sts:AssumeRole",
}
_ABOUT_PERMISSIONS = {"AccessDenied", "AccessDeniedException", "UnauthorizedAccess", "NotAuthorized"}
_NAMED_PERMISSION = re.compile(r"not authorized to perform: (?P<action>[\w:*-]+)(?: on resource: (?P<arn>[^\s\"]+))?")
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
            request_id=metadata.get("RequestId", ""),
        )


def translate(error: Exception, *, about: str, action: str = "", remedy: str = "", if_denied: str = "") -> IngestError:
    """Our error for a foreign one. It holds no credentials, whatever the foreign text held.

    ``about`` is what the call was about, as a URL where there is one; ``action`` the IAM action it needs, if the
    operation does not say; ``remedy`` is given where the table knows none, ``if_denied`` beside a missing permission.
    """
    if isinstance(error, OSError) and not isinstance(error, BotoCoreError):
        return translate_os_error(error, about=about, remedy=remedy)
    answer = _Answer.of(error)
    status = f", HTTP {answer.status}" if answer.status and str(answer.status) != answer.code else ""
    return _kind(error, answer)(
        f"{about}: {_SECRETS.sub('…', answer.text).rstrip('.') or 'no explanation'} ({answer.code}{status})",
        answer.code,
        _remedy(answer, about, action, if_denied) or remedy,
        retry_after_seconds(answer.headers),
        answer.request_id,
    )


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


def _kind(error: Exception, answer: _Answer) -> type[IngestError]:
    if answer.code in CODES:
        return CODES[answer.code]
    for kind, types in EXCEPTIONS:
        if isinstance(error, types):
            return kind
    return STATUSES.get(answer.status, UnknownError)


def _remedy(answer: _Answer, about: str, action: str, if_denied: str) -> str:
    if answer.code in REMEDIES:
        region = answer.headers.get("x-amz-bucket-region") or answer.details.get("Region")
        return REMEDIES[answer.code].format(
            region=region or "the one that the bucket is in",
            storage_class=answer.details.get("StorageClass") or "the archive",
            bucket="/".join(about.split("/")[:3]),
        )
    if answer.code in _ABOUT_PERMISSIONS or (answer.status in {401, 403} and answer.code not in CODES):
        return "; ".join(filter(None, (_grant(answer, about, action), if_denied)))
    return ""


def _grant(answer: _Answer, about: str, action: str) -> str:
    """Which permission to grant on what: AWS's own words first, else what the operation needs."""
    if named := _NAMED_PERMISSION.search(answer.text):
        return f"grant {named['action']} on {named['arn'] or about}"
    needed = action or _ACTIONS.get(answer.operation, f"the permission for {answer.operation}")
    bucket, _, key = about.removeprefix("s3://").partition("/")
    on = about
    if about.startswith("s3://"):
        on = f"arn:aws:s3:::{bucket}" + (f"/{key}" if key and needed != "s3:ListBucket" else "")
    explanation = " (without s3:ListBucket, AWS answers so for a missing key too)" if needed == "s3:GetObject" else ""
    return f"grant {needed} on {on}{explanation}"
