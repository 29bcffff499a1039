from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.every_cell import NOW, STATES, every_cell
from tests.unit.page.known import large
from worker.domain.source import CUR
from worker.domain.standing import Cell, Standing
from worker.page.grid import LOOKS, grid, look_of
from worker.services.overview import overview

PLAIN = Standing("org-123", "acme", CUR, "2024-01", Cell.COMPLETE, version_id="v1", rows=10, published_at=NOW)


@pytest.mark.parametrize("cell", Cell)
def test_every_state_has_a_word_and_an_icon_of_its_own_and_only_complete_is_green(cell: Cell) -> None:
    look = LOOKS[cell]

    others = [other for each, other in LOOKS.items() if each is not cell]
    assert look.word not in {other.word for other in others}
    assert look.icon not in {other.icon for other in others}
    assert (look.tone == "good") is (cell is Cell.COMPLETE)


@pytest.mark.parametrize("cell", Cell)
def test_a_month_with_warnings_is_never_green(cell: Cell) -> None:
    standing = replace(PLAIN, cell=cell, warnings=("3 rows rejected",))

    assert look_of(standing).tone != "good"


def test_months_are_without_a_gap_newest_first() -> None:
    made = grid(overview(NOW, (replace(PLAIN, period="2023-11"), replace(PLAIN, period="2024-02")), None))

    assert made.months == ("2024-02", "2024-01", "2023-12", "2023-11")
    [row] = made.rows
    assert [each.period if each else None for each in row.cells] == ["2024-02", None, None, "2023-11"]


def test_emissions_have_the_row_below_their_usage() -> None:
    made = grid(every_cell())

    assert [(row.source.source_name, row.source.kind) for row in made.rows] == [
        ("acme", "usage"),
        ("acme", "emissions"),
        ("newcomer", "usage"),
    ]


def test_a_source_that_nothing_is_known_of_says_so_in_its_own_row() -> None:
    made = grid(every_cell())

    *_, newcomer = made.rows
    assert newcomer.whole
    assert newcomer.whole.cell is Cell.NOT_DELIVERED
    assert set(newcomer.cells) == {None}


def test_all_that_is_not_plain_is_a_task_the_most_urgent_first() -> None:
    seen = every_cell()

    tasks = grid(seen).tasks

    months = {each for task in tasks for each in task.months}
    assert months == {each for each in seen.months if each.period and not each.is_plain}
    assert [task.look.urgency for task in tasks] == sorted(task.look.urgency for task in tasks)
    assert tasks[0].look.word == "failed"


def test_months_that_fail_alike_are_one_task() -> None:
    failed, *_ = grid(every_cell()).tasks

    assert {each.period for each in failed.months} == {STATES["failed"], STATES["failed over a version"]}
    assert failed.steps == ("grant s3:ListBucket",)


def test_of_many_next_steps_some_are_shown_and_the_rest_counted() -> None:
    alike = [
        replace(
            PLAIN, period=f"2024-{month:02}", warnings=("3 rows rejected",), next_step=f"offgridflow runs run-{month}"
        )
        for month in range(1, 8)
    ]

    [task] = grid(overview(NOW, alike, None)).tasks

    assert (len(task.months), len(task.steps), task.more_steps) == (7, 3, 4)


def test_cells_are_counted_by_how_they_look() -> None:
    counts = {look.word: number for look, number in grid(large().overview).counts}

    assert counts == {"late": 120, "restated": 120, "complete": 480}


def test_nothing_is_a_grid_too() -> None:
    made = grid(overview(NOW, (), None))

    assert (made.months, made.rows, made.tasks, made.counts) == ((), (), (), ())
