"""A naive reading of report files: Python's csv, decimal and json, one row after the other.

The rules are written down here once more, from their description and not from the converter's code, so that a mistake in
either shows. It is slow, and knows only the regions and services that the tests use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tests.fakes.reference_files import Line
from tests.fakes.reference_maps import CATEGORIES, LOCATIONS, UNITS
from tests.fakes.reference_values import ENOUGH, amount, instant, loses_digits, region_of

NEEDED = (
    "usage_start_date",
    "usage_end_date",
    "usage_account_id",
    "product_code",
    "usage_type",
    "line_item_type",
    "usage_amount",
)
"""Of a row that says none of these nothing can be said either. All begin with ``line_item_``."""

PURCHASES = {"DiscountedUsage": "Reserved", "SavingsPlanCoveredUsage": "SavingsPlan"}


@dataclass(slots=True)
class Figures:
    """Rows, and the sums of their usage and cost."""

    rows: int = 0
    usage: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    def add(self, row: Mapping[str, str]) -> None:
        self.rows += 1
        self.usage = ENOUGH.add(self.usage, amount(row["line_item_usage_amount"]) or Decimal(0))
        self.cost = ENOUGH.add(self.cost, amount(row["line_item_unblended_cost"]) or Decimal(0))


@dataclass(slots=True)
class Reference:
    """What a report comes to. The names are those of the converter's balance and of the activities' columns."""

    period: str
    account: str = ""
    made: list[dict[str, object]] = field(default_factory=list)
    fates: dict[str, Figures] = field(default_factory=dict)
    types: dict[str, Figures] = field(default_factory=dict)
    excluded: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def read(self, lines: Iterable[Line]) -> Reference:
        for line in lines:
            self._count(line)
        return self

    def figures(self) -> dict[str, object]:
        """As `dataclasses.asdict` writes a balance, without its notes."""
        fates = {
            name: _plain(self.fates.get(name, Figures())) for name in ("read", "activities", "excluded", "rejected")
        }
        counts = {name: self.counts[name] for name in ("rounded", "unparsable", "uninvoiced")}
        types = {name: _plain(figures) for name, figures in self.types.items()}
        by = {"excluded_by_type": dict(self.excluded), "rejected_by_reason": dict(self.rejected)}
        return {**fates, **counts, **by, "by_line_item_type": types}

    def _count(self, line: Line) -> None:
        row = line.row
        fate, why = self._fate(line)
        for figures in (
            self.fates.setdefault("read", Figures()),
            self.fates.setdefault(fate, Figures()),
            self.types.setdefault(row["line_item_line_item_type"], Figures()),
        ):
            figures.add(row)
        said = (row["line_item_usage_amount"], row["line_item_unblended_cost"])
        self.counts["rounded"] += sum(loses_digits(text) for text in said)
        self.counts["unparsable"] += sum(text != "" and amount(text) is None for text in said)
        self.counts["uninvoiced"] += fate != "rejected" and row["bill_invoice_id"] == ""
        if fate == "activities":
            self.made.append(_activity(line))
        else:
            (self.excluded if fate == "excluded" else self.rejected)[why] += 1

    def _fate(self, line: Line) -> tuple[str, str]:
        row = line.row
        if line.is_long or not any(row[f"line_item_{name}"] for name in NEEDED):
            return "rejected", "ragged_row"
        if (row["bill_billing_period_start_date"] or row["line_item_usage_start_date"])[:7] != self.period:
            return "rejected", "other_billing_period"
        if any(
            text and amount(text) is None for text in (row["line_item_usage_amount"], row["line_item_unblended_cost"])
        ):
            return "rejected", "bad_number"
        if why := self._no_usage(row):
            return "excluded", why
        if why := _no_activity(row):
            return "rejected", why
        return "activities", ""

    def _no_usage(self, row: Mapping[str, str]) -> str:
        kind = row["line_item_line_item_type"]
        if self.account and row["line_item_usage_account_id"] != self.account:
            return "OtherAccount"
        if not kind.endswith("Usage"):
            return kind or "Untyped"
        if row["split_line_item_parent_resource_id"]:
            return "SplitLineItem"
        return "DedicatedHostInstance" if "HostBoxUsage" in row["line_item_usage_type"] else ""


def _plain(figures: Figures) -> dict[str, object]:
    return {"rows": figures.rows, "usage": figures.usage, "cost": figures.cost}


def _no_activity(row: Mapping[str, str]) -> str:
    usage = amount(row["line_item_usage_amount"])
    start, end = instant(row["line_item_usage_start_date"]), instant(row["line_item_usage_end_date"])
    if usage is None:
        return "bad_number"
    if usage < 0:
        return "negative_usage"
    if start is None or end is None:
        return "bad_timestamp"
    if end <= start:
        return "period_reversed"
    if not row["line_item_usage_account_id"]:
        return "missing_account"
    return "" if row["product_servicecode"] or row["line_item_product_code"] else "missing_service"


def _activity(line: Line) -> dict[str, object]:
    row = line.row
    service = row["product_servicecode"] or row["line_item_product_code"]
    unit, region = row["pricing_unit"] or row["line_item_usage_unit"], region_of(row)
    kind, usage_type = row["line_item_line_item_type"], row["line_item_usage_type"]
    bought = "Spot" if "SpotUsage" in usage_type else "OnDemand"
    return {
        "category": CATEGORIES.get(service, "cloud_other"),
        "location": LOCATIONS.get(region, "GLOBAL"),
        "region": region or None,
        "period_start": instant(row["line_item_usage_start_date"]),
        "period_end": instant(row["line_item_usage_end_date"]),
        "quantity": amount(row["line_item_usage_amount"]),
        "unit": UNITS.get(unit, unit) or "unknown",
        "pricing_unit": unit or None,
        "account_id": row["line_item_usage_account_id"],
        "payer_account_id": row["bill_payer_account_id"] or None,
        "service_code": service,
        "service_name": row["product_product_name"] or None,
        "usage_type": usage_type or None,
        "operation": row["line_item_operation"] or None,
        "instance_type": row["product_instance_type"] or None,
        "resource_id": row["line_item_resource_id"] or None,
        "line_item_type": kind,
        "purchase_option": PURCHASES.get(kind, bought),
        "cost": (amount(row["line_item_unblended_cost"]) or Decimal(0)) if "line_item_unblended_cost" in row else None,
        "currency": row["line_item_currency_code"] or None,
        "external_id": row["identity_line_item_id"] or None,
        "source_row": line.number,
        "tags": line.tags,
    }
