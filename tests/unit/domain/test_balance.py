from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.balance import Balance, Tally
from worker.domain.errors import FatalError

WHOLE = Balance(
    read=Tally(10, Decimal("8.5"), Decimal("3.25")),
    activities=Tally(7, Decimal(7), Decimal(2)),
    excluded=Tally(2, Decimal(1), Decimal(1)),
    rejected=Tally(1, Decimal("0.5"), Decimal("0.25")),
    excluded_by_type={"Credit": 1, "Tax": 1},
    rejected_by_reason={"negative_usage": 1},
    by_line_item_type={"Usage": Tally(8, Decimal("7.5"), Decimal("2.25")), "Tax": Tally(2, Decimal(1), Decimal(1))},
    notes={"unit_unknown": 3},
    rounded=1,
    unparsable=2,
    uninvoiced=4,
)
units = st.integers(min_value=-(10**37), max_value=10**37)
"""Amounts of decimal(38,18), in units of the last digit."""


@given(st.lists(units, max_size=50))
def test_sums_are_exact(values: list[int]) -> None:
    tallies = [Tally(1, Decimal(f"{value}e-18"), Decimal(f"{-value}e-18")) for value in values]

    total = Tally.total(tallies)

    exact = Fraction(sum(values), 10**18)
    assert (total.rows, Fraction(total.usage), Fraction(total.cost)) == (len(values), exact, -exact)


def test_sums_of_sixty_digits_lose_none() -> None:
    big, small = Decimal("9" * 42), Decimal("0.000000000000000001")

    total = Tally(1, big, big) + Tally(1, small, -small)

    assert str(total.usage) == "9" * 42 + "." + "0" * 17 + "1"
    assert len(total.usage.as_tuple().digits) == 60
    assert total.usage + 0 != total.usage, "Python's own context would have rounded"


def test_a_sum_that_would_be_rounded_raises() -> None:
    with pytest.raises(Inexact):
        _ = Tally(1, Decimal("1e100")) + Tally(1, Decimal("1e-18"))


def test_balances_add_figure_by_figure_and_name_by_name() -> None:
    other = Balance(excluded_by_type={"Tax": 2, "Fee": 1}, by_line_item_type={"Fee": Tally(1)}, rounded=1, uninvoiced=1)

    total = WHOLE + other

    assert total.excluded_by_type == {"Credit": 1, "Fee": 1, "Tax": 3}
    assert total.by_line_item_type == {**WHOLE.by_line_item_type, "Fee": Tally(1)}
    assert (total.rounded, total.unparsable, total.uninvoiced, total.notes) == (2, 2, 5, {"unit_unknown": 3})
    assert total.read == WHOLE.read


def test_nothing_is_the_zero_of_addition() -> None:
    assert Balance.total([]) == Balance()
    assert WHOLE + Balance() == Balance.total([WHOLE]) == WHOLE


def test_counts_add_name_by_name() -> None:
    total = Balance.total([Balance(notes={"b": 1, "a": 2}), Balance(), Balance(notes={"a": 3})])

    assert list(total.notes.items()) == [("a", 5), ("b", 1)]


def test_what_balances_passes() -> None:
    WHOLE.check("acme 2024-01")
    (WHOLE + WHOLE).check("acme 2024-01")
    Balance().check("an empty month")


@pytest.mark.parametrize(
    ("broken", "figure"),
    [
        (replace(WHOLE, activities=replace(WHOLE.activities, rows=6)), "rows in 10, out 9"),
        (replace(WHOLE, activities=replace(WHOLE.activities, usage=Decimal("6.9"))), "usage in 8.5, out 8.4"),
        (replace(WHOLE, rejected=replace(WHOLE.rejected, cost=Decimal("0.26"))), "cost in 3.25, out 3.26"),
        (replace(WHOLE, by_line_item_type={"Usage": Tally(9)}), "rows by line item type in 10, out 9"),
        (
            replace(WHOLE, by_line_item_type={"Usage": Tally(10, Decimal(8), Decimal(3))}),
            "usage by line item type in 8.5, out 8",
        ),
        (
            replace(WHOLE, by_line_item_type={"Usage": Tally(10, Decimal("8.5"), Decimal(3))}),
            "cost by line item type in 3.25, out 3",
        ),
        (replace(WHOLE, excluded_by_type={"Tax": 1}), "exclusions by type in 2, out 1"),
        (replace(WHOLE, rejected_by_reason={}), "rejections by reason in 1, out 0"),
    ],
)
def test_what_does_not_balance_is_fatal_and_names_the_figure(broken: Balance, figure: str) -> None:
    with pytest.raises(FatalError) as caught:
        broken.check("acme 2024-01")

    assert caught.value.message == f"acme 2024-01 does not balance: {figure}; nothing was published"
    assert caught.value.code == "unbalanced"


@pytest.mark.parametrize(
    ("balance", "is_final"),
    [
        (Balance(), False),
        (Balance(activities=Tally(2)), True),
        (Balance(excluded=Tally(2)), True),
        (Balance(activities=Tally(2), uninvoiced=1), False),
        (Balance(rejected=Tally(2)), False),
    ],
)
def test_a_month_is_final_when_every_counted_row_is_invoiced(balance: Balance, is_final: bool) -> None:
    assert balance.is_final is is_final
