"""Maps as data: AWS regions, services and units.

The founding values were given with the project; names and codes of regions are AWS's own (botocore's endpoint data,
Apache-2.0); usage prefixes are those that billing data shows, blank where that is not certain.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files(__name__).joinpath(name).read_text(encoding="utf-8").splitlines()))


@cache
def locations() -> dict[str, str]:
    """AWS region to OffGridFlow location."""
    return {row["region"]: row["location"] for row in _rows("regions.csv")}


@cache
def regions_by_prefix() -> dict[str, str]:
    """What a usage type begins with (``EUC1`` in ``EUC1-BoxUsage:t3.micro``) to AWS region."""
    return {row["usage_prefix"]: row["region"] for row in _rows("regions.csv") if row["usage_prefix"]}


@cache
def regions_by_name() -> dict[str, str]:
    """A region's long name, as products spell it, to AWS region."""
    return {row["name"]: row["region"] for row in _rows("regions.csv")}


@cache
def categories() -> dict[str, str]:
    """AWS service code to emission category."""
    return {row["service_code"]: row["category"] for row in _rows("services.csv")}


@cache
def units() -> dict[str, str]:
    """Pricing unit to normalised unit."""
    return {row["pricing_unit"]: row["unit"] for row in _rows("units.csv")}
