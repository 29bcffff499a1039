"""Judged line items to activities and rejections, as whole columns."""

from __future__ import annotations

import polars as pl

from worker.domain import reference
from worker.domain.amounts import is_blank
from worker.domain.balance import Balance
from worker.domain.columns import TAG_MAP
from worker.domain.fates import ACTIVITY, REJECTED
from worker.domain.line_items import Rules
from worker.domain.schema import TAG_PREFIX
from worker.domain.tags import tag_maps

OTHER_CATEGORY, ANYWHERE, UNKNOWN_UNIT = "cloud_other", "GLOBAL", "unknown"

ZONE_LETTER = r"^([a-z]{2}(?:-[a-z]+)+-\d)[a-z]?(?:-.*)?$"
"""An availability zone is its region and a letter; a local zone is its region and more."""

MEANING = (
    "line_item_usage_type",
    "line_item_line_item_type",
    "line_item_availability_zone",
    "service_code",
    "pricing_unit",
    "line_item_usage_unit",
    "product_region",
    "product_region_code",
    "product_from_region_code",
    "product_from_location",
    "product_location",
)
"""Columns of few distinct values that decide category, location and unit: rules run once for each combination."""


def activities(judged: pl.DataFrame, rules: Rules) -> tuple[pl.DataFrame, Balance]:
    """The activities among judged rows, and notes: how each region was found, and what was unknown."""
    kept = judged.filter(pl.col("fate") == ACTIVITY)
    meaning = _meaning(kept.select(MEANING).unique())
    kept = kept.join(meaning, on=list(MEANING), how="left", nulls_equal=True, maintain_order="left")
    rows = kept.select(
        activity_id=pl.lit(rules.digest + "-") + pl.col("source_row").cast(pl.String),
        category="category",
        location="location",
        region="region",
        period_start="starts",
        period_end="ends",
        quantity="usage",
        unit="unit",
        pricing_unit=_said("pricing_unit", "line_item_usage_unit"),
        account_id="line_item_usage_account_id",
        payer_account_id=_said("bill_payer_account_id"),
        service_code="service_code",
        service_name=_said("product_product_name"),
        usage_type=_said("line_item_usage_type"),
        operation=_said("line_item_operation"),
        instance_type=_said("product_instance_type"),
        resource_id=_said("line_item_resource_id"),
        line_item_type="line_item_line_item_type",
        purchase_option="purchase_option",
        cost=pl.col("cost").fill_null(0) if "line_item_unblended_cost" in rules.columns else pl.col("cost"),
        currency=_said("line_item_currency_code"),
        external_id=_said("identity_line_item_id"),
        source_row=pl.col("source_row").cast(pl.Int64),
    )
    tags, malformed = _tags(kept)
    notes = _notes(kept, rules) | ({"tags_malformed": malformed} if malformed else {})
    return rows.hstack(tags), Balance(notes=notes)


def _tags(kept: pl.DataFrame) -> tuple[list[pl.Series], int]:
    """A legacy report's tag columns as they are, or the one column of CUR 2.0 as a map; and the rows it could not be read in."""
    if TAG_MAP in kept.columns:
        tags, malformed = tag_maps(kept[TAG_MAP])
        return [tags.alias("tags")], malformed
    return [kept[name] for name in kept.columns if name.startswith(TAG_PREFIX)], 0


def rejections(judged: pl.DataFrame, source_file: str) -> pl.DataFrame:
    """The rejected rows with what they said, to be kept beside the part."""
    blame = _blame()
    named = [pl.when(when).then(pl.lit(column)) for column, when in blame.items()]
    said = [pl.when(when).then(pl.col(column)) for column, when in blame.items()]
    return judged.filter(pl.col("fate") == REJECTED).select(
        source_file=pl.lit(source_file),
        source_row=pl.col("source_row").cast(pl.Int64),
        reason="why",
        column=pl.coalesce(*named),
        value=pl.coalesce(*said),
        line_item_type="line_item_line_item_type",
        external_id="identity_line_item_id",
        account_id="line_item_usage_account_id",
        usage_type="line_item_usage_type",
        usage_amount="line_item_usage_amount",
        cost="line_item_unblended_cost",
        period_start="line_item_usage_start_date",
        period_end="line_item_usage_end_date",
        billing_period_start="bill_billing_period_start_date",
    )


def _blame() -> dict[str, pl.Expr]:
    """For which rejections each column is to blame, by CUR 2.0 name; a row that is wrong as a whole has none."""
    why = pl.col("why")
    no_bill = is_blank("bill_billing_period_start_date")
    bad_start = pl.col("starts").is_null()
    return {
        "line_item_usage_start_date": ((why == "other_billing_period") & no_bill)
        | ((why == "bad_timestamp") & bad_start),
        "bill_billing_period_start_date": why == "other_billing_period",
        "line_item_usage_end_date": why.is_in(["bad_timestamp", "period_reversed"]),
        "line_item_unblended_cost": (why == "bad_number") & pl.col("bad_cost") & ~pl.col("bad_usage"),
        "line_item_usage_amount": why.is_in(["bad_number", "negative_usage"]),
        "line_item_usage_account_id": why == "missing_account",
        "line_item_product_code": why == "missing_service",
    }


def _said(*columns: str) -> pl.Expr:
    """The first of the columns that is not blank."""
    return pl.coalesce(*[pl.when(~is_blank(column)).then(pl.col(column)) for column in columns])


def _meaning(distinct: pl.DataFrame) -> pl.DataFrame:
    """Category, region and how it was found, location, unit and purchase option of each combination."""
    ways = _region_ways()
    found = distinct.with_columns(**ways).with_columns(
        region=pl.coalesce(*ways),
        region_from=pl.coalesce(*[pl.when(pl.col(way).is_not_null()).then(pl.lit(way)) for way in ways]),
    )
    return found.drop(*ways).with_columns(
        category=pl.col("service_code").replace_strict(reference.categories(), default=OTHER_CATEGORY),
        location=pl.col("region").replace_strict(reference.locations(), default=ANYWHERE),
        unit=_said("pricing_unit", "line_item_usage_unit").replace(reference.units()).fill_null(UNKNOWN_UNIT),
        purchase_option=_purchase_option(),
    )


def _region_ways() -> dict[str, pl.Expr]:
    """Where a region can be read from, the surest first. A usage type without a prefix says nothing: it is not guessed."""
    prefix = pl.col("line_item_usage_type").str.extract(r"^([A-Z0-9]+)-", 1)
    names = reference.regions_by_name()
    return {
        "region_column": _said("product_region_code", "product_region"),
        "region_usage_type": prefix.replace_strict(reference.regions_by_prefix(), default=None),
        "region_zone": pl.col("line_item_availability_zone").str.extract(ZONE_LETTER, 1),
        "region_from_region": _said("product_from_region_code"),
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


def _notes(kept: pl.DataFrame, rules: Rules) -> dict[str, int]:
    derived = kept.group_by("region_from").len().rows()
    counts = {str(way or "region_unknown"): rows for way, rows in derived if way != "region_column"}
    counts["unit_unknown"] = kept.select((pl.col("unit") == UNKNOWN_UNIT).sum()).item()
    counts["cost_absent"] = 0 if "line_item_unblended_cost" in rules.columns else kept.height
    return {name: count for name, count in sorted(counts.items()) if count}
