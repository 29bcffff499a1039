from __future__ import annotations

from decimal import Decimal

from tests.unit.page.known import usage
from worker.page.facts import EmissionsSum, UsageSum
from worker.page.figures import SHOWN_NAMES, costs, emissions, quantities


def test_quantities_of_different_units_are_never_added() -> None:
    hours, gigabytes = quantities((*usage("compute", "hours", "3", "9"), *usage("compute", "GB", "5", "1")))

    assert (hours.unit, hours.months[0]) == ("hours", ("2024-01", (Decimal(3),)))
    assert (gigabytes.unit, gigabytes.months[0]) == ("GB", ("2024-01", (Decimal(5),)))


def test_units_that_cost_most_come_first() -> None:
    sums = (*usage("a", "cheap", "9", "1"), *usage("a", "dear", "1", "9"), *usage("a", "free", "1", "0"))

    assert [each.unit for each in quantities(sums)] == ["dear", "cheap", "free"]


def test_costs_in_different_currencies_are_never_added() -> None:
    euros = UsageSum("2024-01", "compute", "hours", "EUR", Decimal(1), Decimal(7))

    made = costs((*usage("compute", "hours", "3", "9"), euros))

    assert [(each.unit, each.totals[0]) for each in made] == [("EUR", Decimal(7)), ("USD", Decimal(9))]


def test_costs_are_added_over_units() -> None:
    [made] = costs((*usage("compute", "hours", "3", "9"), *usage("compute", "GB", "5", "1")))

    assert made.names == ("compute",)
    assert made.months == (("2024-01", (Decimal(10),)), ("2024-02", (Decimal(10),)))


def test_what_no_report_has_a_cost_of_has_none() -> None:
    unpriced = UsageSum("2024-01", "compute", "hours", "", Decimal(3), None)

    assert costs((unpriced,)) == ()
    [made] = quantities((unpriced,))
    assert made.months == (("2024-01", (Decimal(3),)),)


def test_the_smallest_names_share_a_column() -> None:
    names = [f"service {cost}" for cost in range(1, SHOWN_NAMES + 4)]
    sums = [each for cost, name in enumerate(names, start=1) for each in usage(name, "hours", "1", str(cost))]

    [made] = costs(sums)

    assert (made.names, made.others) == (tuple(reversed(names[3:])), 3)
    assert made.months[0][1][-1] == Decimal(1 + 2 + 3)
    assert made.totals[0] == sum(range(1, SHOWN_NAMES + 4))


def test_a_month_without_a_name_has_nothing_there_which_is_not_zero() -> None:
    sums = (
        *usage("compute", "hours", "3", "9"),
        UsageSum("2024-01", "storage", "hours", "USD", Decimal(0), Decimal(1)),
    )

    [made] = costs(sums)

    assert made.months == (("2024-01", (Decimal(9), Decimal(1))), ("2024-02", (Decimal(9), None)))


def test_sums_are_exact_beyond_what_a_column_holds() -> None:
    large, small = "99999999999999999999", "0.000000000000000001"

    [made] = quantities((*usage("a", "hours", large, "1"), *usage("a", "hours", small, "1")))

    assert made.months[0] == ("2024-01", (Decimal(large + small.removeprefix("0")),))


def test_a_total_stands_beside_its_scopes_and_nothing_adds_them() -> None:
    figures = (("scope3", "mbm"), ("total", "mbm"), ("scope1", ""), ("total", "lbm"))
    sums = [EmissionsSum("2024-01", scope, method, "tonne", Decimal(1)) for scope, method in figures]

    [made] = emissions(sums)

    assert made.names == ("total lbm", "total mbm", "scope1", "scope3 mbm")
    assert made.months == (("2024-01", (Decimal(1),) * 4),)
