"""What the cells of a row say, read one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from tests.fakes.reference_maps import NAMES, PREFIXES

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
TIME = re.compile(r"([1-9][0-9]{3}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(Z|\.000Z|\.000|\+00:00|)")
ZONE = re.compile(r"([a-z]{2}(-[a-z]+)+-[0-9])[a-z]?(-.*)?")
PREFIX = re.compile(r"([A-Z0-9]+)-")

ENOUGH = Context(prec=2000, rounding=ROUND_HALF_EVEN)
STEP, WIDEST = Decimal("1e-18"), Decimal("1e20")


def amount(text: str) -> Decimal | None:
    """With 18 decimals; None for what is no number, or one with more than 20 digits before the point."""
    if not NUMBER.fullmatch(text):
        return None
    said = Decimal(text)
    if said.adjusted() > 20:
        return None
    kept = said.quantize(STEP, context=ENOUGH)
    return kept if abs(kept) < WIDEST else None


def loses_digits(text: str) -> bool:
    kept = amount(text)
    return kept is not None and kept != Decimal(text)


def instant(text: str) -> datetime | None:
    """None for what is no time in UTC."""
    found = TIME.fullmatch(text)
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def region_of(row: Mapping[str, str]) -> str:
    prefix, zone = PREFIX.match(row["line_item_usage_type"]), ZONE.fullmatch(row["line_item_availability_zone"])
    ways = (
        row["product_region_code"],
        row["product_region"],
        PREFIXES.get(prefix[1], "") if prefix else "",
        zone[1] if zone else "",
        row["product_from_region_code"],
        NAMES.get(row["product_from_location"], ""),
        NAMES.get(row["product_location"], ""),
    )
    return next(filter(None, ways), "")
