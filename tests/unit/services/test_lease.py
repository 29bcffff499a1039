from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.ledger import FakeLedger
from tests.fakes.plans import plan_of, report_of
from tests.waiting import until
from worker.domain.errors import TransientError
from worker.services import lease
from worker.services.lease import CancelledError, kept_lease

PLAN = plan_of("a.csv")
FILE = PLAN.files[0]


class Watched(FakeLedger):
    """Counts renewals; the first ``failures`` of them do not reach the ledger."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__(ManualClock())
        self.asked = 0
        self.failures = failures

    def renew(self, run_id: str, digest: str, token: str) -> bool:
        self.asked += 1
        if self.asked <= self.failures:
            raise TransientError("the broker is away")
        return super().renew(run_id, digest, token)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LOOK_SECONDS", 0.001)


def claimed(ledger: FakeLedger) -> str:
    run_id, _ = ledger.open(PLAN, "t1")
    ledger.claim(run_id, FILE.digest, "worker-1")
    return run_id


def refused(still_wanted: Callable[[], None]) -> bool:
    try:
        still_wanted()
    except CancelledError:
        return True
    return False


def test_a_lease_is_renewed_while_the_work_goes_on() -> None:
    ledger = Watched()
    run_id = claimed(ledger)

    with kept_lease(ledger, run_id, FILE.digest, "worker-1") as still_wanted:
        until(lambda: ledger.asked >= 3)
        still_wanted()

    assert FILE.digest in ledger.runs[run_id].leases


def test_nothing_is_renewed_once_the_work_is_done() -> None:
    ledger = Watched()

    with kept_lease(ledger, claimed(ledger), FILE.digest, "worker-1"):
        until(lambda: ledger.asked)

    assert not any(thread.name.startswith("lease-") for thread in threading.enumerate())


def cancel(ledger: FakeLedger, run_id: str) -> None:
    ledger.cancel(run_id)


def end(ledger: FakeLedger, run_id: str) -> None:
    ledger.close(run_id, report_of(run_id))


def take(ledger: FakeLedger, run_id: str) -> None:
    ledger.claim(run_id, FILE.digest, "worker-2")


@pytest.mark.parametrize("interfere", [cancel, end, take])
def test_a_refused_renewal_stops_the_work_at_its_next_check(interfere: Callable[[FakeLedger, str], None]) -> None:
    ledger = Watched()
    run_id = claimed(ledger)

    with kept_lease(ledger, run_id, FILE.digest, "worker-1") as still_wanted:
        still_wanted()
        interfere(ledger, run_id)
        was_refused = until(lambda: refused(still_wanted))

    assert was_refused


def test_a_renewal_that_does_not_reach_the_ledger_is_tried_again() -> None:
    ledger = Watched(failures=2)
    run_id = claimed(ledger)

    with kept_lease(ledger, run_id, FILE.digest, "worker-1") as still_wanted:
        until(lambda: ledger.asked >= 4)
        still_wanted()

    assert FILE.digest in ledger.runs[run_id].leases


@pytest.mark.parametrize("error", [TransientError("slow down"), KeyboardInterrupt(), SystemExit(1)])
def test_work_that_fails_gives_its_lease_back(error: BaseException) -> None:
    ledger = Watched()
    run_id = claimed(ledger)

    with pytest.raises(type(error)), kept_lease(ledger, run_id, FILE.digest, "worker-1"):
        raise error

    assert ledger.runs[run_id].leases == {}


def test_somebody_elses_lease_is_not_given_back() -> None:
    ledger = Watched()
    run_id = claimed(ledger)

    with suppress(TransientError), kept_lease(ledger, run_id, FILE.digest, "worker-1"):
        ledger.claim(run_id, FILE.digest, "worker-2")
        raise TransientError("slow down")

    assert ledger.runs[run_id].leases[FILE.digest][0] == "worker-2"
