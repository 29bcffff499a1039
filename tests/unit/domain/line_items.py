"""Batches for the rules: one row of a plain EC2 hour, with what a test changes."""

from __future__ import annotations

import polars as pl

from worker.domain.billing_period import BillingPeriod
from worker.domain.columns import LINE_ITEMS, OPTIONAL, REQUIRED
from worker.domain.line_items import Rules

EC2_HOUR: dict[str, str | None] = {
    "identity_line_item_id": "li-1",
    "bill_invoice_id": "1",
    "bill_payer_account_id": "111111111111",
    "bill_billing_period_start_date": "2024-01-01T00:00:00Z",
    "line_item_usage_account_id": "222222222222",
    "line_item_line_item_type": "Usage",
    "line_item_usage_start_date": "2024-01-01T00:00:00Z",
    "line_item_usage_end_date": "2024-01-31T10:00:00Z",
    "line_item_product_code": "AmazonEC2",
    "line_item_usage_type": "BoxUsage:t3.micro",
    "line_item_operation": "RunInstances",
    "line_item_usage_amount": "730",
    "line_item_unblended_cost": "7.5920",
    "line_item_currency_code": "USD",
    "pricing_unit": "Hrs",
    "product_region": "us-east-1",
    "product_instance_type": "t3.micro",
}

JANUARY = BillingPeriod(2024, 1)


def rules(account_filter: str = "", without: str = "") -> Rules:
    return Rules("d" * 16, JANUARY, account_filter, frozenset((*REQUIRED, *OPTIONAL)) - {without})


def batch(*changes: dict[str, str | None], **extra: list[object]) -> pl.DataFrame:
    rows = [dict.fromkeys((*REQUIRED, *OPTIONAL)) | EC2_HOUR | change for change in changes]
    frame = pl.DataFrame(rows, schema=dict.fromkeys((*REQUIRED, *OPTIONAL), pl.String))
    numbered = frame.with_row_index("source_row", offset=1).with_columns(is_ragged=pl.lit(value=False))
    whole = numbered.with_columns(**{name: pl.Series(values) for name, values in extra.items()})
    repeating = [name for name in whole.columns if name in LINE_ITEMS.repeating and whole.schema[name] == pl.String]
    return whole.with_columns(pl.col(name).cast(pl.Categorical(pl.Categories.random())) for name in repeating)
