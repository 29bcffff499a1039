from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.plans import plan_of
from tests.fakes.publications import published
from worker.domain.errors import BadRequestError, NotFoundError
from worker.domain.publication import PublicationRecord
from worker.domain.versions import SHOWN, compared, find_version


def version(run_id: str, version_id: str) -> PublicationRecord:
    return replace(published(plan_of("a.csv")), run_id=run_id, version_id=version_id)


THIRD, SECOND, FIRST = version("abc-12", "v-2"), version("abc-1", "v-2"), version("def-1", "v-1")
VERSIONS = (THIRD, SECOND, FIRST)


@pytest.mark.parametrize(
    ("name", "found"),
    [("def-1", FIRST), ("d", FIRST), ("v-1", FIRST), ("abc-1", SECOND), ("abc-12", THIRD)],
)
def test_a_version_is_named_by_its_run_its_version_id_or_the_beginning_of_one(
    name: str, found: PublicationRecord
) -> None:
    assert find_version(VERSIONS, name) is found


@pytest.mark.parametrize("name", ["v-2", "abc", "v"])
def test_a_name_of_several_versions_is_refused_with_their_runs(name: str) -> None:
    with pytest.raises(BadRequestError) as error:
        find_version(VERSIONS, name)

    assert error.value.code == "ambiguous_version"
    assert "abc-12 (v-2), abc-1 (v-2)" in error.value.remedy


def test_an_unknown_name_is_answered_with_the_versions_that_there_are() -> None:
    many = tuple(version(f"run-{number}", "v") for number in range(SHOWN + 2))

    with pytest.raises(NotFoundError, match="'zzz'") as error:
        find_version(many, "zzz")

    assert "run-0 (v)" in error.value.remedy
    assert error.value.remedy.endswith("and 2 more")


def test_by_default_the_newest_is_compared_with_the_one_before_it() -> None:
    assert compared(VERSIONS, None, None) == (SECOND, THIRD)


def test_one_name_is_enough() -> None:
    assert compared(VERSIONS, "def-1", None) == (FIRST, THIRD)
    assert compared(VERSIONS, None, "abc-1") == (FIRST, SECOND)


def test_any_two_versions_are_compared_in_the_order_in_which_they_are_named() -> None:
    assert compared(VERSIONS, "abc-12", "def-1") == (THIRD, FIRST)


@pytest.mark.parametrize("after", [None, "def-1"])
def test_the_first_version_replaced_nothing(after: str | None) -> None:
    with pytest.raises(NotFoundError, match="before run def-1"):
        compared((FIRST,), None, after)
