"""Every error we raise, and the class that decides what happens next.

IngestError
├── TransientError      worth another attempt: throttling, network, a delivery under way
│   └── ChangedError    the object is no longer the one that was planned
├── AuthError           who we are or what we may do
├── BadRequestError     the input or the configuration is wrong
├── NotFoundError       what was named is not there
├── FatalError          no retry and no configuration helps; somebody must look
└── UnknownError        nobody foresaw it; tried once more

Foreign errors are translated once, at the adapter that met them. This module imports nothing heavy: Celery's parent
process loads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class ErrorClass(StrEnum):
    """What kind of trouble an error is; the retry policy reads nothing else."""

    TRANSIENT = "transient"
    AUTH = "auth"
    BAD_REQUEST = "bad_request"
    NOT_FOUND = "not_found"
    FATAL = "fatal"
    UNKNOWN = "unknown"


class IngestError(Exception):
    """Root of all errors of ours. It rebuilds from its ``args``, because Celery ships it between processes.

    ``message`` is one clear sentence; ``code`` the service's own code, when it has one; ``remedy`` what to do about it;
    ``retry_after_seconds`` the delay that the other side asked for; ``request_id`` what the other side calls the request,
    with the host's id after it where S3 gives one: its support asks for both.
    """

    error_class: ClassVar[ErrorClass] = ErrorClass.UNKNOWN

    def __init__(
        self,
        message: str,
        code: str = "",
        remedy: str = "",
        retry_after_seconds: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message, code, remedy, retry_after_seconds, request_id)
        self.message = message
        self.code = code
        self.remedy = remedy
        self.retry_after_seconds = retry_after_seconds
        self.request_id = request_id

    def __str__(self) -> str:
        return self.message


class TransientError(IngestError):
    """The same request may succeed later."""

    error_class = ErrorClass.TRANSIENT


class ChangedError(TransientError):
    """The object was replaced since it was planned: the plan is stale, not the world."""


class AuthError(IngestError):
    """Credentials or permissions: exactly one call is spent on it."""

    error_class = ErrorClass.AUTH


class BadRequestError(IngestError):
    """The input or the configuration is wrong and stays wrong."""

    error_class = ErrorClass.BAD_REQUEST


class NotFoundError(IngestError):
    """What was named does not exist."""

    error_class = ErrorClass.NOT_FOUND


class FatalError(IngestError):
    """Nothing automatic helps: an archived object, a disabled key, a run that does not balance."""

    error_class = ErrorClass.FATAL


class UnknownError(IngestError):
    """Nobody foresaw it."""

    error_class = ErrorClass.UNKNOWN


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as a value: what a report shows and a ledger keeps. ``file`` is the object key, or empty."""

    error_class: ErrorClass
    message: str
    code: str = ""
    remedy: str = ""
    file: str = ""
    request_id: str = ""

    @classmethod
    def of(cls, error: IngestError, file: str = "") -> Failure:
        """The value of an error that was raised about ``file``."""
        return cls(error.error_class, error.message, error.code, error.remedy, file, error.request_id)
