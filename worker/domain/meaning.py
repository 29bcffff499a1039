"""What a line item means: its category, location, unit and purchase option, by rules on few columns of few distinct values."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import polars as pl

from worker.domain import reference
from worker.domain.texts import named, said

OTHER_CATEGORY, ANYWHERE, UNKNOWN_UNIT = "cloud_other", "GLOBAL", "unknown"

ZONE_LETTER = r"^([a-z]{2}(?:-[a-z]+)+-\d)[a-z]?(?:-.*)?$"
"""An availability zone is its region and a letter; a local zone is its region and more."""

MEANING = (
    "line_item_usage_type",
    "line_item_line_item_type",
    "line_item_availability_zone",
    "product_servicecode",
    "line_item_product_code",
    "pricing_unit",
    "line_item_usage_unit",
    "product_region",
    "product_region_code",
    "product_from_region_code",
    "product_from_location",
    "product_location",
)
"""Columns of few distinct values that decide category, location and unit."""

DERIVED = (
    "category",
    "location",
    "region",
    "region_from",
    "service_code",
    "said_unit",
    "unit",
    "purchase_option",
)
"""What they decide; ``region_from`` is how the region was found, ``said_unit`` the unit in the report's own words."""

MOST_KNOWN = 20_000
"""Combinations that are remembered: some 16 MiB (measured). A month has a few thousand."""


_Combination = tuple[str | None, ...]


class Meanings:
    """What combinations of `MEANING` come to. Those that were met are remembered: their rules run once, and not once a batch."""

    def __init__(self) -> None:
        self._known: _Known | None = None

    def added_to(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with `DERIVED`, by the combination of each."""
        distinct = rows.select(MEANING).unique()
        derived = self._of(distinct.rows())
        known = distinct.hstack(derived.select_seq(pl.col(name).cast(_categories()) for name in DERIVED))
        return rows.join(known, on=list(MEANING), how="left", nulls_equal=True, maintain_order="left")

    def _of(self, combinations: list[_Combination]) -> pl.DataFrame:
        """What each of them means, as text."""
        known = (self._known or _Known({}, _derived([]))).with_those_of(combinations)
        self._known = known if len(known.places) <= MOST_KNOWN else None
        return known.derived[[known.places[each] for each in combinations]]


class _Known(NamedTuple):
    """The ``places`` of combinations in ``derived``, which has their `DERIVED`."""

    places: dict[_Combination, int]
    derived: pl.DataFrame

    def with_those_of(self, combinations: list[_Combination]) -> _Known:
        unmet = [each for each in combinations if each not in self.places]
        if not unmet:
            return self
        places = {each: place for place, each in enumerate(unmet, self.derived.height)}
        return _Known(self.places | places, pl.concat([self.derived, _derived(unmet)], rechunk=True))


def _derived(combinations: list[_Combination]) -> pl.DataFrame:
    found, derived = _rules_of_meaning()
    rows = pl.DataFrame(combinations, dict.fromkeys(MEANING, pl.String), orient="row")
    return rows.with_columns_seq(found).with_columns_seq(derived).select(DERIVED)


def _categories() -> pl.Categorical:
    """Of one column of one batch: none has another's texts in its dictionary, nor any longer than it is needed."""
    return pl.Categorical(pl.Categories.random())


@cache
def _rules_of_meaning() -> tuple[tuple[pl.Expr, ...], tuple[pl.Expr, ...]]:
    """What is read from a report's columns, and what follows from that."""
    ways = _region_ways()
    found = {
        "region": pl.coalesce(*ways.values()),
        "region_from": pl.coalesce(*[pl.when(each.is_not_null()).then(pl.lit(way)) for way, each in ways.items()]),
        "service_code": _first_said("product_servicecode", "line_item_product_code"),
        "said_unit": _first_said("pricing_unit", "line_item_usage_unit"),
        "purchase_option": _purchase_option(),
    }
    derived = {
        "category": pl.col("service_code").replace_strict(reference.categories(), default=OTHER_CATEGORY),
        "location": pl.col("region").replace_strict(reference.locations(), default=ANYWHERE),
        "unit": pl.col("said_unit").replace(reference.units()).fill_null(UNKNOWN_UNIT),
    }
    return named(found), named(derived)


def _first_said(*columns: str) -> pl.Expr:
    return pl.coalesce(*[said(column) for column in columns])


def _region_ways() -> dict[str, pl.Expr]:
    """Where a region can be read from, the surest first. A usage type without a prefix says nothing: it is not guessed."""
    prefix = pl.col("line_item_usage_type").str.extract(r"^([A-Z0-9]+)-", 1)
    names = reference.regions_by_name()
    return {
        "region_column": _first_said("product_region_code", "product_region"),
        "region_usage_type": prefix.replace_strict(reference.regions_by_prefix(), default=None),
        "region_zone": pl.col("line_item_availability_zone").str.extract(ZONE_LETTER, 1),
        "region_from_region": said("product_from_region_code"),
        "region_location": pl.coalesce(
            pl.col("product_from_location").replace_strict(names, default=None),
            pl.col("product_location").replace_strict(names, default=None),
        ),
    }


def _purchase_option() -> pl.Expr:
    kind, usage_type = pl.col("line_item_line_item_type"), pl.col("line_item_usage_type").fill_null("")
    return (
        pl.when(kind == "DiscountedUsage")
        .then(pl.lit("Reserved"))
        .when(kind == "SavingsPlanCoveredUsage")
        .then(pl.lit("SavingsPlan"))
        .when(usage_type.str.contains("SpotUsage", literal=True))
        .then(pl.lit("Spot"))
        .otherwise(pl.lit("OnDemand"))
    )
