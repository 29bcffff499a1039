"""Usage and emissions over months, as tables of one unit each. Amounts of different units are never added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from worker.domain.balance import EXACT, ZERO
from worker.page.facts import EmissionsSum, UsageSum

SHOWN_NAMES = 7
"""Columns of a table; the rest of the names share one more. A chart has as many colours."""
SHOWN_UNITS = 12

SCOPES = ("total", "scope1", "scope2", "scope3")


@dataclass(frozen=True, slots=True)
class Figures:
    """Amounts of one unit by month (oldest first) and name. None where there is none.

    ``others`` counts the names that share the last column, because they are the smallest.
    """

    unit: str
    names: tuple[str, ...]
    months: tuple[tuple[str, tuple[Decimal | None, ...]], ...]
    others: int = 0

    @property
    def totals(self) -> tuple[Decimal, ...]:
        """The sum of each month. Only a cost may be added up over whatever was bought."""
        return tuple(_sum(amount for amount in amounts if amount is not None) for _, amounts in self.months)


Amount = tuple[str, str, str, Decimal]
"""A unit, a month, a name, and how much."""


def costs(sums: Iterable[UsageSum]) -> tuple[Figures, ...]:
    """What usage cost, a table for each currency."""
    amounts = [(each.currency, each.period, each.name, each.cost) for each in sums if each.cost is not None]
    return tuple(_figures(unit, months) for unit, months in sorted(_by_unit(amounts).items()))


def quantities(sums: Iterable[UsageSum]) -> tuple[Figures, ...]:
    """How much was used, a table for each unit; those that cost most first."""
    known = tuple(sums)
    spent: defaultdict[str, Decimal] = defaultdict(Decimal)
    for each in known:
        spent[each.unit] = EXACT.add(spent[each.unit], abs(each.cost or ZERO))
    units = _by_unit([(each.unit, each.period, each.name, each.quantity) for each in known])
    return tuple(_figures(unit, units[unit]) for unit in sorted(units, key=lambda unit: (-spent[unit], unit)))


def emissions(sums: Iterable[EmissionsSum]) -> tuple[Figures, ...]:
    """What AWS estimates, a table for each unit, a column for each scope and method: side by side, because none adds up."""
    amounts = [(each.unit, each.period, f"{each.scope} {each.method}".strip(), each.quantity) for each in sums]
    return tuple(_side_by_side(unit, months) for unit, months in sorted(_by_unit(amounts).items()))


Months = Mapping[str, Mapping[str, Decimal]]


def _by_unit(amounts: Iterable[Amount]) -> dict[str, dict[str, dict[str, Decimal]]]:
    """By unit, month and name."""
    found: dict[str, dict[str, dict[str, Decimal]]] = {}
    for unit, period, name, amount in amounts:
        names = found.setdefault(unit, {}).setdefault(period, {})
        names[name] = EXACT.add(names.get(name, ZERO), amount)
    return found


def _figures(unit: str, months: Months) -> Figures:
    """The largest names in columns of their own."""
    largest: defaultdict[str, Decimal] = defaultdict(Decimal)
    for amounts in months.values():
        for name, amount in amounts.items():
            largest[name] = EXACT.add(largest[name], abs(amount))
    names = sorted(largest, key=lambda name: (-largest[name], name))
    shown, rest = names[:SHOWN_NAMES], names[SHOWN_NAMES:]
    rows = ((month, (*(of.get(name) for name in shown), *_rest(of, rest))) for month, of in sorted(months.items()))
    return Figures(unit, tuple(shown), tuple(rows), len(rest))


def _rest(amounts: Mapping[str, Decimal], names: list[str]) -> tuple[Decimal, ...]:
    return (_sum(amounts[name] for name in names if name in amounts),) if names else ()


def _side_by_side(unit: str, months: Months) -> Figures:
    names = sorted({name for amounts in months.values() for name in amounts}, key=_scope_first)
    rows = ((month, tuple(of.get(name) for name in names)) for month, of in sorted(months.items()))
    return Figures(unit, tuple(names), tuple(rows))


def _scope_first(name: str) -> tuple[int, str]:
    scope = name.partition(" ")[0]
    return (SCOPES.index(scope) if scope in SCOPES else len(SCOPES), name)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
