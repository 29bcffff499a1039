from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from worker.bootstrap import loading
from worker.domain.errors import TransientError


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_was_loaded_is_not_looked_through_for_garbage() -> None:
    with loading():
        assert not gc.isenabled()
        loaded = [object()]

    assert gc.get_freeze_count() > 0
    assert not any(each is loaded for each in gc.get_objects())


def test_what_comes_after_the_loading_is_collected() -> None:
    with loading():
        pass
    later = [object()]

    assert gc.isenabled()
    assert any(each is later for each in gc.get_objects())


def test_nothing_is_kept_of_a_loading_that_failed() -> None:
    with pytest.raises(TransientError), loading():
        raise TransientError("the catalog does not answer")

    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
