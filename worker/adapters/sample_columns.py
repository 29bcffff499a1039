"""The columns of a sample report, in both of AWS's spellings, and one ordinary line item to vary.

A sample row is a mapping from CUR 2.0 column names to text, with one exception: a tag keeps its legacy header
(``resourceTags/user:team``), because a CUR 2.0 export has no column for it. So the same rows can be written either way.
Nothing here is shared with the converter: a sample that repeated its mistakes would hide them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from worker.domain.billing_period import BillingPeriod

PAYER = "111122223333"
TAG = "resourceTags/"

LEGACY_HEADER = (
    "identity/LineItemId", "identity/TimeInterval",
    "bill/InvoiceId", "bill/InvoicingEntity", "bill/BillingEntity", "bill/BillType", "bill/PayerAccountId",
    "bill/BillingPeriodStartDate", "bill/BillingPeriodEndDate",
    "lineItem/UsageAccountId", "lineItem/LineItemType", "lineItem/UsageStartDate", "lineItem/UsageEndDate",
    "lineItem/ProductCode", "lineItem/UsageType", "lineItem/Operation", "lineItem/AvailabilityZone",
    "lineItem/ResourceId", "lineItem/UsageAmount", "lineItem/NormalizationFactor", "lineItem/NormalizedUsageAmount",
    "lineItem/CurrencyCode", "lineItem/UnblendedRate", "lineItem/UnblendedCost", "lineItem/BlendedRate",
    "lineItem/BlendedCost", "lineItem/LineItemDescription", "lineItem/TaxType", "lineItem/LegalEntity",
    "product/ProductName", "product/fromRegionCode", "product/instanceFamily", "product/instanceType",
    "product/location", "product/locationType", "product/operatingSystem", "product/operation",
    "product/productFamily", "product/region", "product/regionCode", "product/servicecode", "product/servicename",
    "product/sku", "product/tenancy", "product/usagetype", "product/vcpu",
    "pricing/LeaseContractLength", "pricing/OfferingClass", "pricing/PurchaseOption", "pricing/RateCode",
    "pricing/RateId", "pricing/currency", "pricing/publicOnDemandCost", "pricing/publicOnDemandRate", "pricing/term",
    "pricing/unit",
    "reservation/EffectiveCost", "reservation/ReservationARN",
    "savingsPlan/SavingsPlanARN", "savingsPlan/SavingsPlanEffectiveCost", "savingsPlan/SavingsPlanRate",
    "splitLineItem/ParentResourceId", "splitLineItem/SplitUsage",
    "resourceTags/aws:createdBy", "resourceTags/user:cost-center", "resourceTags/user:environment",
    "resourceTags/user:team",
)  # fmt: skip

PRODUCT_MAP = frozenset({"product_name", "operating_system", "region", "servicename", "tenancy", "vcpu"})
"""Product attributes that CUR 2.0 keeps in its ``product`` map; the others have columns there too."""


def athena_name(header: str) -> str:
    """The name that AWS gives a legacy column in Athena and, but for the maps, in CUR 2.0."""
    spaced = re.sub(r"([A-Z])", r"_\1", header)
    return re.sub(r"[^A-Za-z0-9]+", "_", spaced).strip("_").lower()


def _row_key(header: str) -> str:
    return header if header.startswith(TAG) else athena_name(header)


Cells = Sequence[str | None]
"""One row's fields; None, like the empty text, is a blank one."""

LEGACY_NAMES = {_row_key(header): header for header in LEGACY_HEADER}
COLUMNS = tuple(LEGACY_NAMES)
"""Every key that a generated row may have, in the order of the header."""


@dataclass(frozen=True, slots=True)
class LegacyShape:
    """Rows as a legacy report has them: every attribute and every tag in a column of its own."""

    columns: tuple[str, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """A column that AWS does not have keeps the name it was given."""
        return tuple(LEGACY_NAMES.get(name, name) for name in self.columns)

    def cells(self, row: Mapping[str, str]) -> Cells:
        """The row's cells in header order."""
        return [*map(row.get, self.columns)]


@dataclass(frozen=True, slots=True)
class ExportShape:
    """Rows as a CUR 2.0 export has them: tags and some product attributes in maps, which are JSON text in CSV."""

    plain: tuple[str, ...]
    maps: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, columns: tuple[str, ...]) -> ExportShape:
        """The shape that holds these columns; a map appears when one of its members does."""
        tags = {name: athena_name(name.removeprefix(TAG)) for name in columns if name.startswith(TAG)}
        members = {name: name.removeprefix("product_") for name in columns if name.startswith("product_")}
        product = {name: key for name, key in members.items() if key in PRODUCT_MAP}
        maps = {name: keys for name, keys in (("product", product), ("resource_tags", tags)) if keys}
        return cls(tuple(name for name in columns if name not in tags and name not in product), maps)

    @property
    def header(self) -> tuple[str, ...]:
        """The plain columns, then the maps."""
        return (*self.plain, *self.maps)

    def cells(self, row: Mapping[str, str]) -> Cells:
        """The row's cells in header order; a map leaves out what is blank."""
        maps = (_json(tuple(keys.values()), tuple(map(row.get, keys))) for keys in self.maps.values())
        return [*map(row.get, self.plain), *maps]


@lru_cache(maxsize=4096)
def _json(keys: tuple[str, ...], values: tuple[str | None, ...]) -> str:
    """A map as JSON text. Cached, because a report repeats few of them."""
    return json.dumps({key: value for key, value in zip(keys, values, strict=True) if value})


def line_item(period: str = "2025-01", **changes: str) -> dict[str, str]:
    """One ordinary row of that month, valid in every respect: 730 hours of an m5.large. ``changes`` are its cells to vary."""
    month = BillingPeriod.parse(period)
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (month.start, month.end))
    return {
        "identity_line_item_id": "line-item-1",
        "identity_time_interval": f"{start}/{end}",
        "bill_invoice_id": "",
        "bill_billing_entity": "AWS",
        "bill_bill_type": "Anniversary",
        "bill_payer_account_id": PAYER,
        "bill_billing_period_start_date": start,
        "bill_billing_period_end_date": end,
        "line_item_usage_account_id": PAYER,
        "line_item_line_item_type": "Usage",
        "line_item_usage_start_date": start,
        "line_item_usage_end_date": end,
        "line_item_product_code": "AmazonEC2",
        "line_item_usage_type": "BoxUsage:m5.large",
        "line_item_operation": "RunInstances",
        "line_item_availability_zone": "us-east-1a",
        "line_item_resource_id": "i-0123456789abcdef0",
        "line_item_usage_amount": "730",
        "line_item_currency_code": "USD",
        "line_item_unblended_cost": "70.08",
        "product_product_name": "Amazon Elastic Compute Cloud",
        "product_instance_type": "m5.large",
        "product_region_code": "us-east-1",
        "product_servicecode": "AmazonEC2",
        "pricing_term": "OnDemand",
        "pricing_unit": "Hrs",
    } | changes
