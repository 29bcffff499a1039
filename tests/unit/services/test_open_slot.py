from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld
from worker.domain.errors import NotFoundError
from worker.domain.source import CARBON, CUR, Source
from worker.services.use_cases import UseCases

ESTIMATES = replace(ACME, kind=CARBON)


@pytest.fixture
def use_cases(fake: FakeWorld) -> UseCases:
    def configured(names: tuple[str, ...]) -> tuple[Source, ...]:
        return tuple(each for each in (ACME, ESTIMATES, replace(ACME, name="other")) if each.name in names)

    return UseCases(fake.world, configured)


def test_a_turn_asks_for_its_source_and_its_kind_alone(fake: FakeWorld, use_cases: UseCases) -> None:
    opened = use_cases.open_slot("beat-acme-aws_cur-2024-01-01T10", "acme", CUR)

    assert fake.ledger.triggers.get(opened).sources == (ACME,)
    assert fake.ledger.triggers.get(use_cases.open_slot("t2", "acme", CARBON)).sources == (ESTIMATES,)


def test_a_turn_that_comes_twice_opens_one_trigger(fake: FakeWorld, use_cases: UseCases) -> None:
    opened = {use_cases.open_slot("beat-1", "acme", CUR) for _ in range(2)}

    assert opened == set(fake.ledger.triggers.known) == {"beat-1"}


def test_a_turn_of_a_source_that_is_gone_asks_for_nothing(fake: FakeWorld, use_cases: UseCases) -> None:
    with pytest.raises(NotFoundError):
        use_cases.open_slot("beat-1", "other", CARBON)

    assert fake.ledger.triggers.known == {}
