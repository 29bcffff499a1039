"""What went in equals what came out: counts and exact sums, and the check that they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact

from worker.domain.errors import FatalError

ZERO = Decimal(0)

EXACT = Context(prec=100, traps=[Inexact])
"""Sums are wider than any column (38 digits) and raise rather than round; Python's default context rounds at 28."""


def add_counts(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    """Two tables of counts, added name by name."""
    return {name: left.get(name, 0) + right.get(name, 0) for name in sorted({*left, *right})}


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows, and the exact sums of their usage amounts and unblended costs."""

    rows: int = 0
    usage: Decimal = ZERO
    cost: Decimal = ZERO

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.rows + other.rows, EXACT.add(self.usage, other.usage), EXACT.add(self.cost, other.cost))


def _add_tallies(left: Mapping[str, Tally], right: Mapping[str, Tally]) -> dict[str, Tally]:
    return {name: left.get(name, Tally()) + right.get(name, Tally()) for name in sorted({*left, *right})}


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

    def __add__(self, other: Balance) -> Balance:
        return Balance(
            read=self.read + other.read,
            activities=self.activities + other.activities,
            excluded=self.excluded + other.excluded,
            rejected=self.rejected + other.rejected,
            excluded_by_type=add_counts(self.excluded_by_type, other.excluded_by_type),
            rejected_by_reason=add_counts(self.rejected_by_reason, other.rejected_by_reason),
            by_line_item_type=_add_tallies(self.by_line_item_type, other.by_line_item_type),
            notes=add_counts(self.notes, other.notes),
            rounded=self.rounded + other.rounded,
            unparsable=self.unparsable + other.unparsable,
            uninvoiced=self.uninvoiced + other.uninvoiced,
        )

    @property
    def is_final(self) -> bool:
        """AWS fills InvoiceId when a month's bill is final; an empty month tells nothing, so it is provisional."""
        return self.activities.rows + self.excluded.rows > 0 and self.uninvoiced == 0

    def check(self, about: str) -> None:
        """Raise a FatalError naming the first figure that does not balance. ``about`` says whose account it is."""
        out = self.activities + self.excluded + self.rejected
        by_type = sum(self.by_line_item_type.values(), Tally())
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
