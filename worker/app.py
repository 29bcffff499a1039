"""The Celery app. What it imports, the parent process imports: nothing here or in `tasks` may load polars, pyarrow or boto3.

A child forked from a parent that has used polars hangs at its first call (measured), so all that is loaded in the child.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown

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
    from worker.bootstrap import sweep_spool  # noqa: PLC0415 (see above)

    sweep_spool()


@worker_process_shutdown.connect
def _before_the_end(**_options: Any) -> None:
    from worker.bootstrap import close_world  # noqa: PLC0415 (see above)

    close_world()
