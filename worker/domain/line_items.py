"""What becomes of each line item: an activity, an exclusion by type, or a rejection with its reason.

The rules, in the order that gives every count one right answer:

1. Any row is rejected as `ragged_row` (more fields than the header, or none at all), `other_billing_period` (its bill is not this month's),
   or `bad_number` (its usage or cost is no number).
2. A row that is not physical usage is excluded, under the first of: `OtherAccount`, its line item type (unless that ends in
   ``Usage``), `SplitLineItem` (repeats its parent's usage), `DedicatedHostInstance` (its host's row carries the machine).
3. A usage row is rejected when it cannot be an activity: `bad_number` (no amount), `negative_usage`, `bad_timestamp`,
   `period_reversed`, `missing_account`, `missing_service`.

Everything else is an activity. All functions here are pure, on batches whose columns have CUR 2.0 names and are text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from worker.domain.amounts import amount, instant, is_blank, is_rounded
from worker.domain.balance import Balance, Tally
from worker.domain.billing_period import BillingPeriod

ACTIVITY, EXCLUDED, REJECTED = "activity", "excluded", "rejected"

SAFE_SUM = Decimal(10) ** 15
"""A batch whose amounts are all smaller than this cannot overflow decimal(38,18) when summed (20 integer digits)."""


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
    parsed = batch.with_columns(
        usage=amount("line_item_usage_amount"),
        cost=amount("line_item_unblended_cost"),
        starts=instant("line_item_usage_start_date"),
        ends=instant("line_item_usage_end_date"),
        service_code=pl.coalesce(_text("product_servicecode"), _text("line_item_product_code")),
    ).with_columns(
        bad_usage=pl.col("usage").is_null() & ~is_blank("line_item_usage_amount"),
        bad_cost=pl.col("cost").is_null() & ~is_blank("line_item_unblended_cost"),
    )
    why_rejected = _first(_untrustworthy(rules.period))
    why_excluded = _first(_not_usage(rules.account_filter))
    why_unusable = _first(_unusable())
    return (
        parsed.with_columns(r1=why_rejected, x=why_excluded)
        .with_columns(r2=pl.when(pl.col("r1").is_null() & pl.col("x").is_null()).then(why_unusable))
        .with_columns(
            fate=pl.when(pl.col("r1").is_not_null() | pl.col("r2").is_not_null())
            .then(pl.lit(REJECTED))
            .when(pl.col("x").is_not_null())
            .then(pl.lit(EXCLUDED))
            .otherwise(pl.lit(ACTIVITY)),
            why=pl.coalesce("r1", "x", "r2"),
        )
        .drop("r1", "x", "r2")
    )


def _text(column: str) -> pl.Expr:
    return pl.when(~is_blank(column)).then(pl.col(column))


def _first(cases: dict[str, pl.Expr] | list[tuple[pl.Expr, pl.Expr]]) -> pl.Expr:
    """The answer of the first case that holds, null if none does."""
    pairs = [(when, pl.lit(name)) for name, when in cases.items()] if isinstance(cases, dict) else cases
    return pl.coalesce(*[pl.when(when).then(answer) for when, answer in pairs])


def _untrustworthy(period: BillingPeriod) -> dict[str, pl.Expr]:
    bill = pl.coalesce(_text("bill_billing_period_start_date"), _text("line_item_usage_start_date"))
    month = bill.str.slice(0, 7).fill_null("")
    return {
        "ragged_row": pl.col("is_ragged"),
        "other_billing_period": month != str(period),
        "bad_number": pl.col("bad_usage") | pl.col("bad_cost"),
    }


def _not_usage(account_filter: str) -> list[tuple[pl.Expr, pl.Expr]]:
    kind = pl.col("line_item_line_item_type").fill_null("")
    other_account = (
        pl.col("line_item_usage_account_id").ne_missing(account_filter) if account_filter else pl.lit(value=False)
    )
    return [
        (other_account, pl.lit("OtherAccount")),
        (~kind.str.ends_with("Usage"), pl.when(kind == "").then(pl.lit("Untyped")).otherwise(kind)),
        (~is_blank("split_line_item_parent_resource_id"), pl.lit("SplitLineItem")),
        (pl.col("line_item_usage_type").str.contains("HostBoxUsage", literal=True), pl.lit("DedicatedHostInstance")),
    ]


def _unusable() -> dict[str, pl.Expr]:
    return {
        "bad_number": pl.col("usage").is_null(),
        "negative_usage": pl.col("usage") < 0,
        "bad_timestamp": pl.col("starts").is_null() | pl.col("ends").is_null(),
        "period_reversed": pl.col("ends") <= pl.col("starts"),
        "missing_account": is_blank("line_item_usage_account_id"),
        "missing_service": pl.col("service_code").is_null(),
    }


def tally(judged: pl.DataFrame) -> Balance:
    """The balance of a judged batch: what was read, summed before anything was decided, and what it became."""
    kind = pl.col("line_item_line_item_type").fill_null("")
    lost = is_rounded("line_item_usage_amount").sum() + is_rounded("line_item_unblended_cost").sum()
    unparsable = pl.col("bad_usage").sum() + pl.col("bad_cost").sum()
    uninvoiced = ((pl.col("fate") != REJECTED) & is_blank("bill_invoice_id")).sum()
    counts = judged.select(rounded=lost, unparsable=unparsable, uninvoiced=uninvoiced).row(0, named=True)
    groups = _sums(judged.with_columns(kind=kind), ["kind", "fate", "why"])
    fates = {fate: _total(t for (_, f, _), t in groups.items() if f == fate) for fate in (ACTIVITY, EXCLUDED, REJECTED)}
    return Balance(
        read=next(iter(_sums(judged.with_columns(all=pl.lit("")), ["all"]).values()), Tally()),
        activities=fates[ACTIVITY],
        excluded=fates[EXCLUDED],
        rejected=fates[REJECTED],
        excluded_by_type=_rows_by(groups, EXCLUDED),
        rejected_by_reason=_rows_by(groups, REJECTED),
        by_line_item_type={
            kind: _total(t for (k, _, _), t in groups.items() if k == kind)
            for kind in sorted({k for k, _, _ in groups})
        },
        rounded=counts["rounded"],
        unparsable=counts["unparsable"],
        uninvoiced=counts["uninvoiced"],
    )


def _sums(judged: pl.DataFrame, keys: list[str]) -> dict[tuple[str, ...], Tally]:
    """Rows, usage and cost by key, exact. Huge amounts are summed in Python, where a decimal has no width."""
    largest = judged.select(pl.max_horizontal(pl.col("usage").abs().max(), pl.col("cost").abs().max())).item()
    if largest is not None and largest >= SAFE_SUM:
        return _wide_sums(judged, keys)
    sums = judged.group_by(keys).agg(pl.len(), pl.col("usage").sum(), pl.col("cost").sum())
    return {tuple(row[:-3]): Tally(row[-3], row[-2], row[-1]) for row in sums.iter_rows()}


def _wide_sums(judged: pl.DataFrame, keys: list[str]) -> dict[tuple[str, ...], Tally]:
    sums: dict[tuple[str, ...], Tally] = {}
    for *key, usage, cost in judged.select(*keys, "usage", "cost").iter_rows():
        row = Tally(1, usage or Decimal(0), cost or Decimal(0))
        sums[tuple(key)] = sums.get(tuple(key), Tally()) + row
    return sums


def _total(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


def _rows_by(groups: dict[tuple[str, ...], Tally], fate: str) -> dict[str, int]:
    """Counts by the reason or type behind one fate, across line item types."""
    counts: dict[str, int] = {}
    for (_, its_fate, why), group in groups.items():
        if its_fate == fate:
            counts[why] = counts.get(why, 0) + group.rows
    return dict(sorted(counts.items()))
