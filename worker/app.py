"""The Celery app. What it imports, the parent process imports: nothing here or in `tasks` may load polars, pyarrow or boto3.

A child forked from a parent that has used polars hangs at its first call (measured), so all that is loaded in the child.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery
from celery.signals import (
    before_task_publish,
    heartbeat_sent,
    setup_logging,
    worker_process_init,
    worker_process_shutdown,
)

from worker.settings import settings

app = Celery("offgridflow")
app.config_from_object("worker.celeryconfig")


@setup_logging.connect
def _log(loglevel: int = logging.INFO, **_options: Any) -> None:
    from worker.bootstrap import configure_logging  # noqa: PLC0415 (Celery asks once it runs)

    configure_logging(loglevel)


@worker_process_init.connect
def _after_the_fork(**_options: Any) -> None:
    """Load what a child needs before its first message, and refuse to run with polars' threads multiplied by children."""
    import polars as pl  # noqa: PLC0415 (see above)

    if pl.thread_pool_size() != 1:
        logging.getLogger(__name__).critical(
            "POLARS_MAX_THREADS was set after polars was loaded: %d", pl.thread_pool_size()
        )
        raise SystemExit(1)
    from worker.bootstrap import sweep_spool, telemetry  # noqa: PLC0415 (see above)

    sweep_spool()
    telemetry().trace_libraries()


@heartbeat_sent.connect
def _sign_of_life(**_options: Any) -> None:
    """Touch the file that a probe looks at: the parent's loop turns, and it has a broker. Celery says so every 2 s."""
    if file := settings().heartbeat_file:
        file.touch()


@before_task_publish.connect
def _say_when(headers: dict[str, Any], **_options: Any) -> None:
    """A message says when it was sent: how long the oldest one waits is how far the workers are behind."""
    from worker.adapters.redis_backlog import sent_now  # noqa: PLC0415 (see above)

    headers.update(sent_now())


@worker_process_shutdown.connect
def _before_the_end(**_options: Any) -> None:
    from worker.bootstrap import close_world, telemetry  # noqa: PLC0415 (see above)

    close_world()
    telemetry().close()
