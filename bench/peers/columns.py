"""The columns that the scripts make, and from which of a legacy report's or a CUR 2.0 export's."""

from __future__ import annotations

from collections.abc import Container

from worker.adapters.sample_columns import athena_name

TEXT = {
    "account_id": "lineItem/UsageAccountId",
    "payer_account_id": "bill/PayerAccountId",
    "service_code": "product/servicecode",
    "usage_type": "lineItem/UsageType",
    "operation": "lineItem/Operation",
    "instance_type": "product/instanceType",
    "resource_id": "lineItem/ResourceId",
    "line_item_type": "lineItem/LineItemType",
    "currency": "lineItem/CurrencyCode",
    "region": "product/regionCode",
    "pricing_unit": "pricing/unit",
    "external_id": "identity/LineItemId",
}
INSTANTS = {"period_start": "lineItem/UsageStartDate", "period_end": "lineItem/UsageEndDate"}
AMOUNTS = {"quantity": "lineItem/UsageAmount", "cost": "lineItem/UnblendedCost"}
SERVICE_NAME = "product/ProductName"
TAG = "resourceTags/"
SHAPE = "%Y-%m-%dT%H:%M:%SZ"


def name_in(names: Container[str], header: str) -> str:
    """What the report calls a legacy report's column."""
    return header if header in names else athena_name(header)


def tag_key(header: str) -> str:
    """How CUR 2.0 spells a legacy tag column."""
    return athena_name(header.removeprefix(TAG))
