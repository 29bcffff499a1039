"""What went in equals what came out: counts and exact sums, and the check that they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from typing import Self, TypeVar

from worker.domain.errors import FatalError

ZERO = Decimal(0)

EXACT = Context(prec=100, traps=[Inexact])
"""Sums are wider than any column (38 digits) and raise rather than round; Python's default context rounds at 28."""


V = TypeVar("V")


def _by_name(tables: Iterable[Mapping[str, V]], total: Callable[[Iterable[V]], V]) -> dict[str, V]:
    """Tables added name by name, in order of names."""
    values: dict[str, list[V]] = {}
    for table in tables:
        for name, value in table.items():
            values.setdefault(name, []).append(value)
    return {name: total(values[name]) for name in sorted(values)}


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows, and the exact sums of their usage amounts and unblended costs."""

    rows: int = 0
    usage: Decimal = ZERO
    cost: Decimal = ZERO

    @classmethod
    def total(cls, tallies: Iterable[Self]) -> Self:
        """All of them, added."""
        rows, usage, cost = 0, ZERO, ZERO
        for each in tallies:
            rows += each.rows
            usage, cost = EXACT.add(usage, each.usage), EXACT.add(cost, each.cost)
        return cls(rows, usage, cost)

    def __add__(self, other: Self) -> Self:
        return self.total((self, other))


@dataclass(frozen=True, slots=True)
class Balance:
    """The account of a file, a run or a month. Balances add up.

    ``uninvoiced`` counts activities and exclusions with a blank InvoiceId; ``notes`` counts rows behind each warning;
    ``rounded`` counts amounts that lost digits beyond 18 decimals; ``unparsable`` amounts that are no number.
    """

    read: Tally = field(default_factory=Tally)
    activities: Tally = field(default_factory=Tally)
    excluded: Tally = field(default_factory=Tally)
    rejected: Tally = field(default_factory=Tally)
    excluded_by_type: Mapping[str, int] = field(default_factory=dict)
    rejected_by_reason: Mapping[str, int] = field(default_factory=dict)
    by_line_item_type: Mapping[str, Tally] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    rounded: int = 0
    unparsable: int = 0
    uninvoiced: int = 0

    @classmethod
    def total(cls, balances: Iterable[Self]) -> Self:
        """All of them, added; a month has thousands, and a sum for each two of them would take five times as long."""
        each = tuple(balances)
        return cls(
            read=Tally.total(one.read for one in each),
            activities=Tally.total(one.activities for one in each),
            excluded=Tally.total(one.excluded for one in each),
            rejected=Tally.total(one.rejected for one in each),
            excluded_by_type=_by_name((one.excluded_by_type for one in each), sum),
            rejected_by_reason=_by_name((one.rejected_by_reason for one in each), sum),
            by_line_item_type=_by_name((one.by_line_item_type for one in each), Tally.total),
            notes=_by_name((one.notes for one in each), sum),
            rounded=sum(one.rounded for one in each),
            unparsable=sum(one.unparsable for one in each),
            uninvoiced=sum(one.uninvoiced for one in each),
        )

    def __add__(self, other: Self) -> Self:
        return self.total((self, other))

    @property
    def is_final(self) -> bool:
        """AWS fills InvoiceId when a month's bill is final; an empty month tells nothing, so it is provisional."""
        return self.activities.rows + self.excluded.rows > 0 and self.uninvoiced == 0

    def check(self, about: str) -> None:
        """Raise a FatalError naming the first figure that does not balance. ``about`` says whose account it is."""
        out = Tally.total((self.activities, self.excluded, self.rejected))
        by_type = Tally.total(self.by_line_item_type.values())
        figures = (
            ("rows", self.read.rows, out.rows),
            ("usage", self.read.usage, out.usage),
            ("cost", self.read.cost, out.cost),
            ("rows by line item type", self.read.rows, by_type.rows),
            ("usage by line item type", self.read.usage, by_type.usage),
            ("cost by line item type", self.read.cost, by_type.cost),
            ("exclusions by type", self.excluded.rows, sum(self.excluded_by_type.values())),
            ("rejections by reason", self.rejected.rows, sum(self.rejected_by_reason.values())),
        )
        for name, went_in, came_out in figures:
            if went_in != came_out:
                message = f"{about} does not balance: {name} in {went_in}, out {came_out}; nothing was published"
                raise FatalError(message, "unbalanced", "report this with the file: it is a defect of the converter")
