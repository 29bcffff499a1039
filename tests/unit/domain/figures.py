"""Batches of the carbon emissions export: one row of EC2 in one region, with what a test changes."""

from __future__ import annotations

import polars as pl

from worker.adapters.sample_carbon import Footprint
from worker.domain.billing_period import BillingPeriod
from worker.domain.emission_columns import EMISSIONS
from worker.domain.line_items import Rules

JANUARY = BillingPeriod(2024, 1)

TONNES = {
    "TOTAL_LBM_CARBON_EMISSIONS": 0.6,
    "TOTAL_MBM_CARBON_EMISSIONS": 0.4,
    "TOTAL_SCOPE_1_CARBON_EMISSIONS": 0.1,
    "TOTAL_SCOPE_2_LBM_CARBON_EMISSIONS": 0.2,
    "TOTAL_SCOPE_2_MBM_CARBON_EMISSIONS": 0.0,
    "TOTAL_SCOPE_3_LBM_CARBON_EMISSIONS": 0.3,
    "TOTAL_SCOPE_3_MBM_CARBON_EMISSIONS": 0.3,
}
EC2 = Footprint(JANUARY, "222222222222", "us-east-1", "AmazonEC2", "v3.0.0", TONNES)


def rules(account_filter: str = "") -> Rules:
    return Rules("d" * 16, JANUARY, account_filter, frozenset(EMISSIONS.names))


def batch(*changes: dict[str, str | None], **extra: list[object]) -> pl.DataFrame:
    rows = [{**EC2.row, **change} for change in changes]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(EMISSIONS.names, pl.String))
    numbered = frame.with_row_index("source_row", offset=1).with_columns(is_ragged=pl.lit(value=False))
    return numbered.with_columns(**{name: pl.Series(values) for name, values in extra.items()})
