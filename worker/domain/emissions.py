"""What becomes of each figure of AWS's carbon emissions export: an activity, an exclusion, or a rejection with its reason.

What is read, excluded or rejected here are figures, not rows: a row has seven of them (`FIGURES`), and each has its own fate.

1. Any figure is rejected as `ragged_row`, `other_billing_period` (its row is not all of this month's), or `bad_number`.
2. It is excluded as `OtherAccount`, or as `NotReported` when AWS left it blank or the export is older than the column: what AWS
   does not say is not zero.
3. It is rejected when it cannot be an activity: `negative_emissions`, `unknown_unit` (its own unit is not metric tons of CO2
   equivalent), `bad_timestamp`, `period_reversed`, `missing_account`. AWS may leave product and region blank, so that is no reason.

All functions are pure, on batches whose columns have the export's names and are text.
"""

from __future__ import annotations

import polars as pl

from worker.domain.amounts import AMOUNT, amount, instant, is_rounded, is_unparsable
from worker.domain.balance import Balance
from worker.domain.emission_columns import EMISSIONS, FIGURES, Figure
from worker.domain.fates import Law, account_of
from worker.domain.line_items import Rules
from worker.domain.texts import is_blank

METRIC_TONS = "MTCO2e"

_FIGURE_COLUMNS = {*EMISSIONS.one_of, *(figure.unit for figure in FIGURES)}


def judge(batch: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The batch as one row for each figure, in file order, with its amount parsed, its ``fate`` and ``why``."""
    figures = pl.concat([_of(figure, batch) for figure in FIGURES]).sort("source_row", maintain_order=True)
    parsed = figures.with_columns(
        usage=amount("said"),
        cost=pl.lit(None, AMOUNT),
        starts=instant("usage_period_start"),
        ends=instant("usage_period_end"),
    )
    return _law(rules).decide(parsed)


def _of(figure: Figure, batch: pl.DataFrame) -> pl.DataFrame:
    return batch.select(
        pl.exclude(_FIGURE_COLUMNS),
        figure=pl.lit(figure.name),
        scope=pl.lit(figure.scope),
        method=pl.lit(figure.method, pl.String),
        value_column=pl.lit(figure.value),
        unit_column=pl.lit(figure.unit),
        said=figure.value,
        said_unit=figure.unit,
    )


def _law(rules: Rules) -> Law:
    month = pl.col("usage_period_start").str.slice(0, 7).fill_null("")
    other_account = pl.col("usage_account_id").ne_missing(rules.account_filter or pl.col("usage_account_id"))
    return Law(
        untrustworthy={
            "ragged_row": pl.col("is_ragged"),
            "other_billing_period": (month != str(rules.period)) | (pl.col("ends") > rules.period.end),
            "bad_number": is_unparsable("said", "usage"),
        },
        unwanted=[
            (other_account, pl.lit("OtherAccount")),
            (is_blank("said"), pl.lit("NotReported")),
        ],
        unusable={
            "negative_emissions": pl.col("usage") < 0,
            "unknown_unit": pl.col("said_unit").ne_missing(METRIC_TONS),
            "bad_timestamp": pl.col("starts").is_null() | pl.col("ends").is_null(),
            "period_reversed": pl.col("ends") <= pl.col("starts"),
            "missing_account": is_blank("usage_account_id"),
        },
    )


def tally(judged: pl.DataFrame) -> Balance:
    """The balance of a judged batch, in tonnes; by figure where line items have their type.

    An estimate has no cost and no invoice: it is final when AWS gives it, and a later one restates it.
    """
    return account_of(
        judged,
        pl.col("figure"),
        {"rounded": is_rounded("said").sum(), "unparsable": is_unparsable("said", "usage").sum()},
    )
