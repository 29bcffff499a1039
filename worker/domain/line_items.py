"""What becomes of each line item: an activity, an exclusion by type, or a rejection with its reason.

The rules, in the order that gives every count one right answer:

1. Any row is rejected as `ragged_row` (more fields than the header, or none at all), `other_billing_period` (its bill is not this month's),
   or `bad_number` (its usage or cost is no number).
2. A row that is not physical usage is excluded, under the first of: `OtherAccount`, its line item type (unless that ends in
   ``Usage``), `SplitLineItem` (repeats its parent's usage), `DedicatedHostInstance` (its host's row carries the machine).
3. A usage row is rejected when it cannot be an activity: `bad_number` (no amount), `negative_usage`, `bad_timestamp`,
   `period_reversed`, `missing_account`, `missing_service`.

Everything else is an activity. All functions here are pure, on batches whose columns have CUR 2.0 names and are text (`worker.domain.texts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import polars as pl

from worker.domain.amounts import amount, instant, is_rounded, is_unparsable
from worker.domain.balance import Balance
from worker.domain.billing_period import BillingPeriod
from worker.domain.fates import REJECTED, Law, account_of
from worker.domain.texts import TEXT, is_blank, of_each, plain

MONTHS = 36
"""How many months' rules a worker keeps. An expression is built once: for a batch of a few rows that is most of the work."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the meaning of a file's rows depends on besides the rows.

    ``digest`` is the first 16 digits of the part's name; ``columns`` the CUR 2.0 names that the report really has.
    """

    digest: str
    period: BillingPeriod
    account_filter: str
    columns: frozenset[str]


def judge(batch: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The batch with its amounts and times parsed, and with each row's ``fate`` and ``why`` (exclusion type or reason)."""
    return _law(rules.period, rules.account_filter).decide(batch.with_columns_seq(_parsed()))


@cache
def _parsed() -> tuple[pl.Expr, ...]:
    return (
        amount("line_item_usage_amount").alias("usage"),
        amount("line_item_unblended_cost").alias("cost"),
        instant("line_item_usage_start_date").alias("starts"),
        instant("line_item_usage_end_date").alias("ends"),
    )


def bad_usage() -> pl.Expr:
    """Whether the usage amount is neither blank nor a number."""
    return is_unparsable("line_item_usage_amount", "usage")


def bad_cost() -> pl.Expr:
    """Whether the cost is neither blank nor a number."""
    return is_unparsable("line_item_unblended_cost", "cost")


@lru_cache(MONTHS)
def _law(period: BillingPeriod, account_filter: str) -> Law:
    return Law(_untrustworthy(period), _not_usage(account_filter), _unusable())


def _untrustworthy(period: BillingPeriod) -> dict[str, pl.Expr]:
    bill, usage = "bill_billing_period_start_date", "line_item_usage_start_date"
    is_ours = pl.when(is_blank(bill)).then(_begins(usage, str(period))).otherwise(_begins(bill, str(period)))
    return {
        "ragged_row": pl.col("is_ragged"),
        "other_billing_period": ~is_ours.fill_null(value=False),
        "bad_number": bad_usage() | bad_cost(),
    }


def _begins(column: str, start: str) -> pl.Expr:
    return of_each(column, pl.col(TEXT).str.starts_with(start), pl.Boolean)


def _not_usage(account_filter: str) -> list[tuple[pl.Expr, pl.Expr]]:
    kind = "line_item_line_item_type"
    is_usage = of_each(kind, pl.col(TEXT).str.ends_with("Usage"), pl.Boolean).fill_null(value=False)
    other_account = (
        pl.col("line_item_usage_account_id").ne_missing(account_filter) if account_filter else pl.lit(value=False)
    )
    is_of_host = of_each("line_item_usage_type", pl.col(TEXT).str.contains("HostBoxUsage", literal=True), pl.Boolean)
    return [
        (other_account, pl.lit("OtherAccount")),
        (~is_usage, pl.when(is_blank(kind)).then(pl.lit("Untyped")).otherwise(plain(kind))),
        (~is_blank("split_line_item_parent_resource_id"), pl.lit("SplitLineItem")),
        (is_of_host, pl.lit("DedicatedHostInstance")),
    ]


def _unusable() -> dict[str, pl.Expr]:
    return {
        "bad_number": pl.col("usage").is_null(),
        "negative_usage": pl.col("usage") < 0,
        "bad_timestamp": pl.col("starts").is_null() | pl.col("ends").is_null(),
        "period_reversed": pl.col("ends") <= pl.col("starts"),
        "missing_account": is_blank("line_item_usage_account_id"),
        "missing_service": is_blank("product_servicecode") & is_blank("line_item_product_code"),
    }


def tally(judged: pl.DataFrame) -> Balance:
    """The balance of a judged batch: what was read, summed before anything was decided, and what it became."""
    return account_of(judged, *_counted())


@cache
def _counted() -> tuple[pl.Expr, dict[str, pl.Expr]]:
    amounts = ("line_item_usage_amount", "line_item_unblended_cost")
    return plain("line_item_line_item_type").fill_null(""), {
        "rounded": pl.sum_horizontal(is_rounded(name).sum() for name in amounts),
        "unparsable": bad_usage().sum() + bad_cost().sum(),
        "uninvoiced": ((pl.col("fate") != REJECTED) & is_blank("bill_invoice_id")).sum(),
    }
