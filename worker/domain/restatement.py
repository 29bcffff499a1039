"""What AWS restated: the activities of one version of a month against those of another, by service, account and region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

import polars as pl

from worker.domain.balance import EXACT, Tally
from worker.domain.schema import AMOUNT_SCALE

GROUP = ("service", "account", "region", "currency")
AMOUNTS = {"usage": "quantity", "cost": "cost"}
"""Each figure, and the column whose sum it is."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A figure in the one version and in the other."""

    before: Decimal
    after: Decimal

    @property
    def by(self) -> Decimal:
        """How much was added; negative when the figure fell. Exact, however many digits that takes."""
        return EXACT.subtract(self.after, self.before)


@dataclass(frozen=True, slots=True)
class GroupChange:
    """One service of one account in one region, as it was restated. ``usage`` is by unit, and has the changed units only.

    Costs in different currencies are different groups.
    """

    service: str
    account: str
    region: str
    currency: str
    rows: Change
    cost: Change
    usage: Mapping[str, Change]


def totals(activities: pl.LazyFrame) -> pl.LazyFrame:
    """Rows and sums of the activities by group and unit; `restated` compares two of these. Missing amounts count as zero.

    An emissions row's unit says its scope and method too: a total and its parts are never added up.
    """
    unit = pl.concat_str("unit", "scope", "method", separator=" ", ignore_nulls=True)
    keys = {"service": "service_code", "account": "account_id", "region": "region", "currency": "currency"}
    named = [pl.col(column).fill_null("").alias(name) for name, column in keys.items()]
    sums = [half for name, column in AMOUNTS.items() for half in _halves(name, column)]
    return activities.group_by(*named, unit=unit).agg(pl.len().alias("rows"), *sums)


def restated(before: pl.DataFrame, after: pl.DataFrame) -> tuple[GroupChange, ...]:
    """The groups in which any figure differs, in order; both frames are `totals`."""
    old, new = _tallies(before), _tallies(after)
    keys = sorted({*old, *new})
    groups = groupby(keys, key=lambda key: key[: len(GROUP)])
    changes = (_group(group, tuple(members), old, new) for group, members in groups)
    return tuple(each for each in changes if each is not None)


def total(frame: pl.DataFrame) -> Tally:
    """What all the groups of `totals` add up to, whatever their units."""
    return Tally.total(_tallies(frame).values())


def _group(group: Key, keys: tuple[Key, ...], old: Mapping[Key, Tally], new: Mapping[Key, Tally]) -> GroupChange | None:
    before, after = ({key: side.get(key, Tally()) for key in keys} for side in (old, new))
    whole_before, whole_after = (Tally.total(side.values()) for side in (before, after))
    usage = {key[-1]: Change(before[key].usage, after[key].usage) for key in keys}
    changed = {unit: change for unit, change in usage.items() if change.by}
    rows = Change(Decimal(whole_before.rows), Decimal(whole_after.rows))
    cost = Change(whole_before.cost, whole_after.cost)
    if not (rows.by or cost.by or changed):
        return None
    service, account, region, currency = group
    return GroupChange(service, account, region, currency, rows, cost, changed)


def _halves(name: str, column: str) -> Iterator[pl.Expr]:
    """The sums of a column's integers and of its fractions: the sum of the amounts themselves may need more than 38 digits."""
    unscaled, one = pl.col(column).to_physical(), pl.lit(10**AMOUNT_SCALE, pl.Int128)
    integers = unscaled // one
    yield integers.sum().alias(f"{name}_integers")
    yield (unscaled - integers * one).sum().alias(f"{name}_fractions")


def _tallies(frame: pl.DataFrame) -> dict[Key, Tally]:
    return {tuple(row[name] for name in (*GROUP, "unit")): _tally(row) for row in frame.iter_rows(named=True)}


def _tally(row: Mapping[str, int]) -> Tally:
    usage, cost = (_whole(row[f"{name}_integers"], row[f"{name}_fractions"]) for name in AMOUNTS)
    return Tally(row["rows"], usage, cost)


def _whole(integers: int, fractions: int) -> Decimal:
    return EXACT.add(Decimal(integers), Decimal(fractions).scaleb(-AMOUNT_SCALE, EXACT))
