"""What every task does about errors: the class of the error decides, and the policy says when."""

from __future__ import annotations

import logging
import random
from typing import Any

from celery import Task
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded

from worker.bootstrap import retry_policy
from worker.domain.errors import FatalError, IngestError, TransientError, UnknownError

log = logging.getLogger(__name__)


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
        """Whether the policy grants another attempt after this one."""
        return retry_policy().delay(self.attempt, error, 0.5) is not None

    def retry(self, *_args: Any, exc: Any = None, **options: Any) -> Any:
        """Celery's own, with its countdown taken from the policy."""
        delay = retry_policy().delay(self.attempt, exc, random.random())  # noqa: S311 (jitter)
        if delay is None:
            raise exc
        log.warning(
            "retrying after error", extra={"attempt": self.attempt, "backoff_ms": int(delay * 1000), "error": str(exc)}
        )
        return super().retry(exc=exc, countdown=delay, max_retries=None, throw=options.get("throw", True))

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Run the task; this is the one place that catches what nobody foresaw.

        Giving up returns: a header that raised would fail its chord, and the ledger already says what happened.
        """
        message: dict[str, Any] = args[0] if args else {}
        try:
            self.run(*args, **kwargs)
        except (Retry, Ignore, Reject):
            raise
        except IngestError as error:
            self.give_up(error, message)
        except SoftTimeLimitExceeded:
            remedy = "look at the size of the file, or at what it waited for"
            self.give_up(FatalError("the task took longer than its time limit", "time_limit", remedy), message)
        except Exception as error:
            log.exception("unforeseen error")
            unknown = UnknownError(
                f"{type(error).__name__}: {error}", type(error).__name__, "report it with its traceback"
            )
            if self.worth_another(unknown):
                raise self.retry(exc=unknown, throw=False) from error
            self.give_up(unknown, message)

    def give_up(self, error: IngestError, message: dict[str, Any]) -> None:
        """Nothing more will be tried: leave a trace of it. By default the log has it."""
        log.error("gave up", extra={"error": str(error), "error_class": str(error.error_class), "about": message})
