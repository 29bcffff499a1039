"""What every task does about errors: the class of the error decides, and the policy says when."""

from __future__ import annotations

import logging
import random
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded
from structlog.contextvars import bound_contextvars

from worker.bootstrap import retry_policy, telemetry
from worker.domain.errors import FatalError, IngestError, TransientError, UnknownError

log = logging.getLogger(__name__)

HANDED_BACK = frozenset({"rate_limited", "older_worker"})
"""Codes of errors that are no attempt: nothing was tried, the message is for later or for another worker."""

LONGEST_COUNTDOWN_SECONDS = 100.0
"""Each return is a sign of life in the ledger: more seldom, and the watchdog would send the file again (STALE_SECONDS)."""


class ClassifiedRetry(Task):  # type: ignore[type-arg]
    """Retries what the policy finds worth it, counting attempts from 1; everything else is given up with its reason.

    A task raises an IngestError only if `worth_another` says so; what nobody foresaw is an unknown error. `give_up` is told
    when no attempt is left, and must leave the run in a state that somebody can see.
    """

    abstract = True
    autoretry_for = (TransientError, UnknownError)
    max_retries = None  # the policy counts, not Celery
    ignore_result = True

    @property
    def attempt(self) -> int:
        """Which attempt this is, the first included."""
        return int(self.request.retries or 0) + 1

    def worth_another(self, error: IngestError) -> bool:
        """Whether the policy grants another attempt after this one, or this one was none."""
        return error.code in HANDED_BACK or retry_policy().delay(self.attempt, error, 0.5) is not None

    def retry(self, *_args: Any, exc: Any = None, **options: Any) -> Any:
        """Celery's own, with its countdown taken from the policy."""
        if exc.code in HANDED_BACK:
            self.hand_back(exc)
        delay = retry_policy().delay(self.attempt, exc, random.random())  # noqa: S311 (jitter)
        if delay is None:
            raise exc
        about = {"attempt": self.attempt, "backoff_ms": int(delay * 1000), **_of(exc)}
        telemetry().emit("retrying after error", **about)
        return super().retry(exc=exc, countdown=delay, max_retries=None, throw=options.get("throw", True))

    def hand_back(self, error: IngestError) -> NoReturn:
        """Put the message back into its queue as it was, to be taken when the error says; its chord still waits for it."""
        countdown = min(max(error.retry_after_seconds or 0.0, 1.0), LONGEST_COUNTDOWN_SECONDS)
        log.info("handing back", extra={"backoff_ms": int(countdown * 1000), "error": str(error)})
        self.signature_from_request(countdown=countdown, retries=self.request.retries).apply_async()
        raise Ignore

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Run the task; this is the one place that catches what nobody foresaw.

        Giving up returns: a header that raised would fail its chord, and the ledger already says what happened.
        """
        message: dict[str, Any] = args[0] if args else {}
        with bound_contextvars(**message):  # on every line that is logged meanwhile
            self._run_classified(message, *args, **kwargs)

    def _run_classified(self, message: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        try:
            self.run(*args, **kwargs)
        except (Retry, Ignore, Reject):
            raise
        except IngestError as error:
            self.give_up(error, message)
        except SoftTimeLimitExceeded:
            remedy = "look at the size of the file, or at what it waited for"
            self.give_up(FatalError("the task took longer than its time limit", "time_limit", remedy), message)
        except Exception as error:  # what nobody foresaw ends its file or run as well; else the run would wait for it
            log.exception("unforeseen error")
            unknown = UnknownError(
                f"{type(error).__name__}: {error}", type(error).__name__, "report it with its traceback"
            )
            if self.worth_another(unknown):
                raise self.retry(exc=unknown, throw=False) from error
            self.give_up(unknown, message)

    def give_up(self, error: IngestError, message: dict[str, Any]) -> None:
        """Nothing more will be tried: leave a trace of it. By default the log has it."""
        telemetry().emit("gave up", **_of(error), about=message)


def _of(error: IngestError) -> dict[str, str]:
    return {"error": str(error), "error_class": str(error.error_class)}
