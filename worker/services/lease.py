"""Keeping a lease while the work goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle, repeat

from worker.domain.errors import IngestError
from worker.ports.ledger import FileLeases

LOOK_SECONDS = 2.0
LOOKS_PER_RENEWAL = 5
"""A lease is renewed every 10 s; in between it is only read, so that a cancelled run's workers stop within 2 s."""


class CancelledError(Exception):
    """The run has ended, or somebody else holds the file: stop, and record nothing."""


@contextmanager
def kept_lease(leases: FileLeases, run_id: str, digest: str, token: str) -> Iterator[Callable[[], None]]:
    """Renew the lease until the block ends; yields a check that raises CancelledError once it is no longer ours.

    When the block fails, the lease is given back, so that the file does not count as lost with its worker. A renewal that
    cannot reach the ledger is tried again at the next turn: the lease outlives several.
    """
    done, refused = threading.Event(), threading.Event()
    asks = cycle([*repeat(leases.holds, LOOKS_PER_RENEWAL - 1), leases.renew])

    def keep() -> None:
        while not done.wait(LOOK_SECONDS):
            if not _is_ours(partial(next(asks), run_id, digest, token)):
                refused.set()
                return

    def still_wanted() -> None:
        if refused.is_set():
            raise CancelledError

    keeper = threading.Thread(target=keep, name=f"lease-{digest[:8]}", daemon=True)
    keeper.start()
    try:
        yield still_wanted
    except BaseException:  # a signal as well: another worker need not wait for the lease to end
        leases.give_back(run_id, digest, token)
        raise
    finally:
        done.set()
        keeper.join()


def _is_ours(ask: Callable[[], bool]) -> bool:
    """What the ledger says; a lease is ours as long as it says nothing."""
    try:
        return ask()
    except IngestError:
        return True
