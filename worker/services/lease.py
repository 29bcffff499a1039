"""Keeping a lease while the work goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from worker.domain.errors import IngestError
from worker.ports import FileLeases

RENEW_SECONDS = 10.0


class CancelledError(Exception):
    """The run has ended, or somebody else holds the file: stop, and record nothing."""


@contextmanager
def kept_lease(leases: FileLeases, run_id: str, digest: str, token: str) -> Iterator[Callable[[], None]]:
    """Renew the lease every 10 s until the block ends; yields a check that raises CancelledError once it was refused.

    When the block fails, the lease is given back, so that the file does not count as lost with its worker. A renewal that
    cannot reach the ledger is tried again at the next turn: the lease outlives several.
    """
    done, refused = threading.Event(), threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_SECONDS):
            try:
                if not leases.renew(run_id, digest, token):
                    refused.set()
                    return
            except IngestError:
                continue

    def still_wanted() -> None:
        if refused.is_set():
            raise CancelledError

    renewer = threading.Thread(target=renew, name=f"lease-{digest[:8]}", daemon=True)
    renewer.start()
    try:
        yield still_wanted
    except BaseException:
        leases.give_back(run_id, digest, token)
        raise
    finally:
        done.set()
        renewer.join()
