from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.waiting import until
from worker.domain.errors import FatalError
from worker.services import interruptible as interruptible_module
from worker.services.interruptible import interruptible
from worker.services.lease import CancelledError


class OutOfTimeError(Exception):
    """As a time limit is raised: by a signal, in the main thread."""


def go_on() -> None:
    """Nobody wants the work to stop."""


@pytest.fixture
def out_of_time() -> Iterator[Callable[[], None]]:
    """Calling it lets the time of the main thread run out."""

    def stop(_signal: int, _frame: object) -> None:
        raise OutOfTimeError

    main = threading.main_thread().ident
    assert main is not None
    before = signal.signal(signal.SIGUSR1, stop)
    yield lambda: signal.pthread_kill(main, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def test_work_is_done_in_a_thread_of_its_own_and_its_result_comes_back() -> None:
    name = interruptible(lambda _check: threading.current_thread().name, go_on)

    assert name.startswith("work")


def test_what_work_raises_comes_back_unchanged() -> None:
    error = FatalError("unbalanced")

    def work(_check: Callable[[], None]) -> None:
        raise error

    with pytest.raises(FatalError) as caught:
        interruptible(work, go_on)

    assert caught.value is error


def test_work_hears_that_it_is_no_longer_wanted() -> None:
    def refused() -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        interruptible(lambda check: check(), refused)


def test_work_that_runs_out_of_time_ends_at_its_next_check(out_of_time: Callable[[], None]) -> None:
    ended = []

    def work(check: Callable[[], None]) -> None:
        check()
        out_of_time()
        try:
            until(check)
        except CancelledError:
            ended.append(threading.current_thread().name)
            raise

    with pytest.raises(OutOfTimeError):
        interruptible(work, go_on)

    assert until(lambda: ended)


def test_work_that_is_stalled_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruptible_module, "ASK_SECONDS", 0.01)
    monkeypatch.setattr(interruptible_module, "GRACE_SECONDS", 0.01)
    released, heard = threading.Event(), threading.Event()

    def work(check: Callable[[], None]) -> None:
        released.wait()
        try:
            check()
        except CancelledError:
            heard.set()
            raise

    def refused() -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        interruptible(work, refused)
    was_stalled = not heard.is_set()
    released.set()

    assert was_stalled
    assert until(heard.is_set)
