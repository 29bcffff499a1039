"""The fate of each row of a batch, and the account of a judged batch: the same for every kind of report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import polars as pl

from worker.domain.balance import Balance, Tally

ACTIVITY, EXCLUDED, REJECTED = "activity", "excluded", "rejected"

SAFE_SUM = Decimal(10) ** 15
"""A batch whose amounts are all smaller than this cannot overflow decimal(38,18) when summed (20 integer digits)."""

_Groups = dict[tuple[str, ...], Tally]


class Law:
    """The rules of one kind of row, each a name and when it holds; the first that holds is the answer.

    ``untrustworthy`` come first and reject a row of any type; ``unwanted`` exclude one, under a type that may be a column;
    ``unusable`` reject what would else have been an activity.
    """

    def __init__(
        self,
        untrustworthy: Mapping[str, pl.Expr],
        unwanted: Iterable[tuple[pl.Expr, pl.Expr]],
        unusable: Mapping[str, pl.Expr],
    ) -> None:
        doubt, exclusion, fault = pl.col("doubt"), pl.col("exclusion"), pl.col("fault")
        self._answers = (
            _first(_named(untrustworthy)).alias("doubt"),
            _first(unwanted).alias("exclusion"),
            _first(_named(unusable)).alias("fault"),
        )
        self._verdict = (
            pl.when(doubt.is_not_null())
            .then(pl.lit(REJECTED))
            .when(exclusion.is_not_null())
            .then(pl.lit(EXCLUDED))
            .when(fault.is_not_null())
            .then(pl.lit(REJECTED))
            .otherwise(pl.lit(ACTIVITY))
            .alias("fate"),
            pl.coalesce(doubt, exclusion, fault).alias("why"),
        )

    def decide(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with their ``fate``, and ``why``: the type of an exclusion, the reason of a rejection."""
        return rows.hstack(rows.select_seq(self._answers).select_seq(self._verdict))


def _named(rules: Mapping[str, pl.Expr]) -> Iterable[tuple[pl.Expr, pl.Expr]]:
    return ((when, pl.lit(name)) for name, when in rules.items())


def _first(cases: Iterable[tuple[pl.Expr, pl.Expr]]) -> pl.Expr:
    """The answer of the first case that holds, null if none does."""
    return pl.coalesce(*[pl.when(when).then(answer) for when, answer in cases])


def account_of(judged: pl.DataFrame, kind: pl.Expr, counts: Mapping[str, pl.Expr]) -> Balance:
    """The balance of a judged batch: what was read, summed before anything was decided, and what it became.

    The batch has ``usage`` and ``cost`` beside its fates; ``kind`` is what `Balance.by_line_item_type` goes by; ``counts``
    are the balance's other figures, as sums over the batch.
    """
    largest = pl.max_horizontal(pl.col("usage").abs().max(), pl.col("cost").abs().max())
    totals = judged.select_seq(largest=largest, **counts).row(0, named=True)
    sums = _wide_sums if (totals.pop("largest") or 0) >= SAFE_SUM else _sums
    groups = sums(judged.with_columns(kind=kind), ["kind", "fate", "why"])
    fates = {
        fate: Tally.total(t for (_, f, _), t in groups.items() if f == fate) for fate in (ACTIVITY, EXCLUDED, REJECTED)
    }
    return Balance(
        read=sums(judged, []).get((), Tally()),
        activities=fates[ACTIVITY],
        excluded=fates[EXCLUDED],
        rejected=fates[REJECTED],
        excluded_by_type=_rows_by(groups, EXCLUDED),
        rejected_by_reason=_rows_by(groups, REJECTED),
        by_line_item_type={
            kind: Tally.total(t for (k, _, _), t in groups.items() if k == kind)
            for kind in sorted({k for k, _, _ in groups})
        },
        **totals,
    )


def _sums(judged: pl.DataFrame, keys: list[str]) -> _Groups:
    """Rows, usage and cost by key (of all rows without one), exact."""
    figures = (pl.len(), pl.col("usage").sum(), pl.col("cost").sum())
    sums = judged.group_by(keys).agg(*figures) if keys else judged.select_seq(*figures)
    return {tuple(row[:-3]): Tally(row[-3], row[-2], row[-1]) for row in sums.iter_rows()}


def _wide_sums(judged: pl.DataFrame, keys: list[str]) -> _Groups:
    """The same in Python, where a decimal has no width: for huge amounts."""
    sums: _Groups = {}
    for *key, usage, cost in judged.select(*keys, "usage", "cost").iter_rows():
        row = Tally(1, usage or Decimal(0), cost or Decimal(0))
        sums[tuple(key)] = sums.get(tuple(key), Tally()) + row
    return sums


def _rows_by(groups: _Groups, fate: str) -> dict[str, int]:
    """Counts by the reason or type behind one fate, across kinds."""
    counts: dict[str, int] = {}
    for (_, its_fate, why), group in groups.items():
        if its_fate == fate:
            counts[why] = counts.get(why, 0) + group.rows
    return dict(sorted(counts.items()))
