"""Judged figures to activities and rejections, as whole columns."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from worker.domain import reference
from worker.domain.balance import Balance
from worker.domain.fates import ACTIVITY, REJECTED
from worker.domain.line_items import Rules
from worker.domain.meaning import ANYWHERE, OTHER_CATEGORY
from worker.domain.schema import CONSTANT_COLUMNS, activity_schema, rejection_schema
from worker.domain.texts import is_blank, said

TONNE, UNKNOWN = "tonne", "unknown"
GLOBAL_SERVICES = "Global"
"""Where AWS reports what has no region."""

TOLERANCE = 2.5e-6
"""Tonnes. AWS rounds each figure to 0.000001 MTCO2e ("data resolution" in its key concepts), so a total and its three scopes are at
most two such steps apart; the bound lies between the second step and the third, where no double is in doubt."""

SAME_FOR_ALL = {*CONSTANT_COLUMNS, "tags"} - {"scope", "method", "model_version"}
"""The columns of activities that have one value for all of a file, which the part writer adds."""


def activities(judged: pl.DataFrame, rules: Rules) -> tuple[pl.DataFrame, Balance]:
    """The activities among judged figures, and notes: what was unknown, and where AWS's own figures do not add up."""
    kept = judged.filter(pl.col("fate") == ACTIVITY).with_columns(region=_region())
    service = said("product_code")
    cells = {
        "activity_id": pl.concat_str(
            pl.lit(rules.digest), "source_row", "scope", "method", separator="-", ignore_nulls=True
        ),
        "category": _squashed(service).replace_strict(_categories(), default=OTHER_CATEGORY),
        "location": pl.col("region").replace_strict(reference.locations(), default=ANYWHERE),
        "period_start": pl.lit(rules.period.start),
        "period_end": pl.lit(rules.period.end),
        "quantity": pl.col("usage"),
        "unit": pl.lit(TONNE),
        "pricing_unit": pl.col("said_unit"),
        "account_id": pl.col("usage_account_id"),
        "payer_account_id": said("payer_account_id"),
        "service_code": service,
        "model_version": said("model_version"),
        "external_id": _external_id(pl.lit(str(rules.period))),
    }
    same = {name: pl.col(name) for name in ("region", "scope", "method", "source_row")}
    columns = {name: kind for name, kind in activity_schema().items() if name not in SAME_FOR_ALL}
    return kept.select(_complete(cells | same, columns)), Balance(notes=_notes(kept))


def rejections(judged: pl.DataFrame, source_file: str) -> pl.DataFrame:
    """The rejected figures with what they said, to be kept beside the part; the type of each is the figure's name."""
    rejected = judged.filter(pl.col("fate") == REJECTED).with_columns(region=_region())
    blame = _blame()
    cells = {
        "source_file": pl.lit(source_file),
        "reason": pl.col("why"),
        "column": pl.coalesce(*[pl.when(when).then(column) for when, column, _ in blame]),
        "value": pl.coalesce(*[pl.when(when).then(pl.col(value)) for when, _, value in blame]),
        "line_item_type": pl.col("figure"),
        "external_id": _external_id(pl.col("usage_period_start").str.slice(0, 7)),
        "account_id": pl.col("usage_account_id"),
        "usage_amount": pl.col("said"),
        "period_start": pl.col("usage_period_start"),
        "period_end": pl.col("usage_period_end"),
        "source_row": pl.col("source_row"),
    }
    return rejected.select(_complete(cells, rejection_schema()))


def _complete(cells: Mapping[str, pl.Expr], columns: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """The columns of a table in its order; what an estimate does not say is null."""
    return [cells.get(name, pl.lit(None)).cast(kind).alias(name) for name, kind in columns.items()]


def _blame() -> list[tuple[pl.Expr, pl.Expr, str]]:
    """For which rejections a column is to blame, its name in the export, and where it is here; a ragged row has none."""
    why = pl.col("why")
    when = why.is_in(["other_billing_period", "bad_timestamp"])
    end_is_bad = (why == "bad_timestamp") & pl.col("starts").is_not_null()
    return [
        (why.is_in(["bad_number", "negative_emissions"]), pl.col("value_column"), "said"),
        (why == "unknown_unit", pl.col("unit_column"), "said_unit"),
        (why == "missing_account", pl.lit("usage_account_id"), "usage_account_id"),
        (end_is_bad, pl.lit("usage_period_end"), "usage_period_end"),
        (when, pl.lit("usage_period_start"), "usage_period_start"),
    ]


def _region() -> pl.Expr:
    """The region's code; a name is as good. The API gives one text, the export a code and a name, either of which may be blank."""
    names = reference.regions_by_name()
    by_name = said("location").replace_strict(names | {GLOBAL_SERVICES: GLOBAL_SERVICES}, default=None)
    return pl.coalesce(said("region_code").replace(names), by_name)


def _external_id(month: pl.Expr) -> pl.Expr:
    parts = [said("usage_account_id"), said("product_code"), pl.col("region"), month]
    known = [part.fill_null(UNKNOWN) for part in parts]
    return pl.concat_str(pl.lit("aws"), *known, "scope", "method", separator="_", ignore_nulls=True)


def _categories() -> dict[str, str]:
    """By code without case, spaces and dashes: AWS's own pages spell the codes of these products in more than one way."""
    return {re.sub(r"[^a-z0-9]", "", code.lower()): category for code, category in reference.categories().items()}


def _squashed(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().str.replace_all("[^a-z0-9]", "")


def _notes(kept: pl.DataFrame) -> dict[str, int]:
    unknown = kept.select(
        region_unknown=pl.col("region").is_null().sum(),
        service_unknown=is_blank("product_code").sum(),
    )
    apart = kept.group_by("source_row").agg(lbm=_apart("lbm"), mbm=_apart("mbm"))
    differ = apart.select(totals_differ=(pl.max_horizontal("lbm", "mbm") > TOLERANCE).sum())
    counts = unknown.row(0, named=True) | differ.row(0, named=True)
    return {name: count for name, count in counts.items() if count}


def _apart(method: str) -> pl.Expr:
    """How far the total by a method is from the sum of its scopes, null where one was not said. To compare, doubles do."""
    tonnes = pl.col("usage").cast(pl.Float64)
    total, *scopes = (
        tonnes.filter(pl.col("figure") == name).first()
        for name in (f"total_{method}", "scope1", f"scope2_{method}", f"scope3_{method}")
    )
    return (total - scopes[0] - scopes[1] - scopes[2]).abs()
