"""The activities table: its columns in order, and which of them are constant within one report file."""

from __future__ import annotations

import polars as pl

AMOUNT_SCALE = 18


def activity_schema() -> dict[str, pl.DataType]:
    """Column name to type, in table order. A function, because Celery's parent process must not use polars at import."""
    text, amount, instant = pl.String(), pl.Decimal(38, AMOUNT_SCALE), pl.Datetime("us", "UTC")
    return {
        "activity_id": text,
        "org_id": text,
        "workspace_id": text,
        "source": text,
        "source_name": text,
        "kind": text,
        "category": text,
        "location": text,
        "region": text,
        "period_start": instant,
        "period_end": instant,
        "billing_period": text,
        "quantity": amount,
        "unit": text,
        "pricing_unit": text,
        "account_id": text,
        "payer_account_id": text,
        "service_code": text,
        "service_name": text,
        "usage_type": text,
        "operation": text,
        "instance_type": text,
        "resource_id": text,
        "line_item_type": text,
        "purchase_option": text,
        "cost": amount,
        "currency": text,
        "tags": pl.Map(text, text),
        "scope": text,
        "method": text,
        "model_version": text,
        "external_id": text,
        "data_quality": text,
        "source_file": text,
        "source_row": pl.Int64(),
        "version_id": text,
        "import_batch_id": text,
    }


CONSTANT_COLUMNS = (
    "org_id", "workspace_id", "source", "source_name", "kind", "billing_period", "scope", "method", "model_version",
    "data_quality", "source_file", "version_id", "import_batch_id",
)  # fmt: skip
"""One value for every activity of a usage report file: the part writer adds them, no batch carries them."""

HIGH_CARDINALITY_COLUMNS = ("activity_id", "external_id", "resource_id")
"""Text with about as many values as rows; every other text column has few and is stored as a dictionary."""

TAG_PREFIX = "tag:"
"""A batch carries each tag of a legacy report as a column ``tag:<key>``; one that has them as a map carries ``tags``."""


def rejection_schema() -> dict[str, pl.DataType]:
    """The rejected rows: where each stood, why, which column was to blame (null: the whole row) and what it said."""
    text = pl.String()
    return {
        "source_file": text,
        "source_row": pl.Int64(),
        "reason": text,
        "column": text,
        "value": text,
        "line_item_type": text,
        "external_id": text,
        "account_id": text,
        "usage_type": text,
        "usage_amount": text,
        "cost": text,
        "period_start": text,
        "period_end": text,
        "billing_period_start": text,
    }
