"""The sample: a folder that looks like a customer's bucket, for the demo, and what must be found in it.

One payer moved from the legacy report to a CUR 2.0 export in the spring of 2025, so no month is delivered twice. The last
month is still open: its invoice ids are blank. The same seed writes the same bytes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from pathlib import Path
from random import Random
from uuid import UUID

from worker.adapters.sample_columns import COLUMNS
from worker.adapters.sample_month import Layout, Month, write_month
from worker.adapters.sample_rows import Line, sample_lines, special_lines
from worker.domain.balance import EXACT, ZERO, Balance, Tally
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError

LEGACY_PREFIX, EXPORT_PREFIX = "legacy", "exports"
"""The folders of the two sources, below the one that stands for the bucket."""

_REPORT = Month("2025-01", columns=COLUMNS, prefix=LEGACY_PREFIX, name="cost-and-usage")
_EXPORT = Month(
    "2025-03",
    columns=COLUMNS,
    prefix=EXPORT_PREFIX,
    name="usage-export",
    layout=Layout.EXPORT,
    overwrite=True,
    surplus=1,
)
DELIVERIES = (_REPORT, replace(_REPORT, period="2025-02"), _EXPORT, replace(_EXPORT, period="2025-04"))
FILES_PER_MONTH = 3

STEP = Decimal(1).scaleb(-18)
"""Amounts are read to 18 decimals, half-even."""

WIDE = Context(prec=100, rounding=ROUND_HALF_EVEN)


_Group = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class MonthTotals:
    """What one delivered month holds. ``prefix`` says which source has it; ``files`` is how many its manifest names."""

    prefix: str
    period: BillingPeriod
    files: int
    balance: Balance


@dataclass(frozen=True, slots=True)
class SampleTotals:
    """What an independent reading of the sample finds, oldest month first."""

    months: tuple[MonthTotals, ...]

    @property
    def balance(self) -> Balance:
        """All months together."""
        return Balance.total(month.balance for month in self.months)


def write_sample(folder: Path, *, rows: int, seed: int = 7) -> SampleTotals:
    """Write ``rows`` rows in four months below ``folder``: two under ``legacy/``, two under ``exports/``.

    BadRequestError when there are fewer rows than each month needs to have one of every kind.
    """
    share, rest = divmod(rows, len(DELIVERIES))
    least = len(special_lines(BillingPeriod.parse("2025-01")))
    if share < least:
        message = f"{rows} rows are too few for a sample"
        raise BadRequestError(message, "too_few_rows", f"ask for {least * len(DELIVERIES)} rows or more")
    counts = [share + (number < rest) for number in range(len(DELIVERIES))]
    months = (_write(folder, month, count, seed) for month, count in zip(DELIVERIES, counts, strict=True))
    return SampleTotals(tuple(months))


def _write(folder: Path, month: Month, rows: int, seed: int) -> MonthTotals:
    random = Random(f"{seed} {month.period}")  # noqa: S311 - a sample is no secret; it must be repeatable
    version_id = str(UUID(int=random.getrandbits(128), version=4))
    invoice = "" if month.period == DELIVERIES[-1].period else f"2025{random.getrandbits(29):09}"
    account = _Account()
    lines = account.read(sample_lines(month.billing_period, rows, random, invoice))
    per_file = -(-rows // FILES_PER_MONTH)
    delivery = write_month(folder, replace(month, rows=lines, rows_per_file=per_file, version_id=version_id))
    return MonthTotals(month.prefix, month.billing_period, len(delivery.files), account.balance())


class _Account:
    """Keeps the account of the lines that pass through it, grouped by fate, reason and line item type."""

    def __init__(self) -> None:
        self._rows: Counter[_Group] = Counter()
        self._usage: defaultdict[_Group, Decimal] = defaultdict(Decimal)
        self._cost: defaultdict[_Group, Decimal] = defaultdict(Decimal)
        self._counts: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()

    def read(self, lines: Iterable[Line]) -> Iterator[Mapping[str, str]]:
        """The rows, counted as they go by."""
        for line in lines:
            row, group = line.row, (line.fate, line.why, line.row["line_item_line_item_type"])
            self._rows[group] += 1
            self._usage[group] = EXACT.add(self._usage[group], self._amount(row["line_item_usage_amount"]))
            self._cost[group] = EXACT.add(self._cost[group], self._amount(row["line_item_unblended_cost"]))
            self._counts["uninvoiced"] += line.fate != "rejected" and not row["bill_invoice_id"]
            for note in line.notes:
                self._notes[note] += 1
            yield row

    def _amount(self, text: str) -> Decimal:
        if not text:
            return ZERO
        try:
            said = Decimal(text)
        except InvalidOperation:
            self._counts["unparsable"] += 1
            return ZERO
        kept = said.quantize(STEP, context=WIDE)
        self._counts["rounded"] += kept != said
        return kept

    def balance(self) -> Balance:
        """The account of everything read so far."""
        return Balance(
            read=self._sum(),
            activities=self._sum(fate="activity"),
            excluded=self._sum(fate="excluded"),
            rejected=self._sum(fate="rejected"),
            excluded_by_type=self._reasons("excluded"),
            rejected_by_reason=self._reasons("rejected"),
            by_line_item_type={kind: self._sum(kind=kind) for kind in sorted({kind for _, _, kind in self._rows})},
            notes=dict(sorted(self._notes.items())),
            rounded=self._counts["rounded"],
            unparsable=self._counts["unparsable"],
            uninvoiced=self._counts["uninvoiced"],
        )

    def _sum(self, *, fate: str = "", kind: str = "") -> Tally:
        groups = [group for group in self._rows if fate in {"", group[0]} and kind in {"", group[2]}]
        return Tally.total(Tally(self._rows[group], self._usage[group], self._cost[group]) for group in groups)

    def _reasons(self, fate: str) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for group, rows in self._rows.items():
            if group[0] == fate:
                counts[group[1]] += rows
        return dict(sorted(counts.items()))
