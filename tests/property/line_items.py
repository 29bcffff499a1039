"""Generated line items: everything that AWS has been seen to write in a row, and some that it has not.

The values of a cell are few and odd, so that what matters meets often: ends that are starts, tags of one key, blanks.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from hypothesis import strategies as st

from worker.adapters.sample_columns import line_item

MONTH = "2024-01"
ACCOUNT, OTHER_ACCOUNT = "111122223333", "222233334444"
SHAPES = ("{}T{}Z", "{}T{}.000Z", "{} {}", "{} {}.000", "{} {}+00:00")
"""Of a timestamp; Parquet's comes out as the first."""

Item = dict[str, str]

TIMES = [shape.format(f"2024-01-0{day}", f"{hour:02}:30:00") for shape in SHAPES for day in (1, 2) for hour in (0, 23)]
NO_TIMES = ["", "soon", "2024-01-32T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00+02:00", "2024-01-01T24:00:00Z"]
AMOUNTS = [
    "0", "1", "730", "-1.5", "0.0000000000", "70.0800000000", "-0", "3.34E-8", "1e-400", "0.5e0", "+7", ".5", "5.", "1E19",
    "0.12345678901234567890123456", "1.0000000000000000005", "1.0000000000000000015", "99999999999999999999.5",
]  # fmt: skip
NO_AMOUNTS = [
    "n/a",
    "none",
    "NaN",
    "inf",
    "-",
    "1,000.5",
    "1_000",
    " 1",
    "0x10",
    "1e",
    "--1",
    "1E400",
    "1e20",
    "9" * 21,
]
TEXTS = ["", "a", 'the "best", of\nall', "é€𝄞", " ", "\t;", '"', ",", "\n", "null", "\\N", "'"]
TYPES = ["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"]
NO_USAGE = ["Tax", "Fee", "Credit", "RIFee", "SavingsPlanNegation", "SavingsPlanRecurringFee", "UsageFee", "usage", ""]
TAGS = (
    "resourceTags/user:team",
    "resourceTags/user:Team",
    "resourceTags/user:Cost Center",
    "resourceTags/aws:createdBy",
)
"""The first two are one: they differ only in what AWS's names leave out."""

OFTEN: dict[str, list[str]] = {
    "identity_line_item_id": ["a", "b", ""],
    "bill_invoice_id": ["", "1"],
    "bill_billing_period_start_date": [shape.format("2024-01-01", "00:00:00") for shape in SHAPES],
    "line_item_usage_account_id": [ACCOUNT, OTHER_ACCOUNT],
    "line_item_line_item_type": TYPES,
    "line_item_usage_start_date": TIMES[::2],
    "line_item_usage_end_date": TIMES[1::2],
    "line_item_product_code": ["AmazonEC2", "AmazonS3", "AWSLambda", "AWSDataTransfer", "Another"],
    "line_item_usage_type": ["BoxUsage:t3.micro", "EUC1-BoxUsage:m5.large", "EU-Requests-Tier1", "USW2-SpotUsage:c5.large", "HostUsage:m5", "XX9-Some", ""],
    "line_item_operation": TEXTS,
    "line_item_availability_zone": ["", "us-east-1a", "us-west-2-lax-1a", "nowhere", "ap-south-1"],
    "line_item_resource_id": TEXTS,
    "line_item_usage_amount": AMOUNTS,
    "line_item_unblended_cost": [*AMOUNTS, ""],
    "line_item_currency_code": ["USD", "EUR", ""],
    "product_product_name": TEXTS,
    "product_servicecode": ["", "AmazonRDS"],
    "product_region": ["", "", "us-east-1", "xx-new-9"],
    "product_region_code": ["", "", "eu-west-3"],
    "product_from_region_code": ["", "me-south-1"],
    "product_from_location": ["", "EU (Frankfurt)", "The Moon"],
    "product_location": ["", "Africa (Cape Town)"],
    "pricing_unit": ["Hrs", "GB-Mo", "GB", "Requests", "Lambda-GB-Sec", "Queries", ""],
    "split_line_item_parent_resource_id": [""],
    **dict.fromkeys(TAGS, TEXTS),
}  # fmt: skip
SELDOM: dict[str, list[str]] = {
    "bill_billing_period_start_date": ["", "2023-12-01T00:00:00Z", "2024-02-01 00:00:00", "garbage"],
    "line_item_usage_account_id": [""],
    "line_item_line_item_type": NO_USAGE,
    "line_item_usage_start_date": [*TIMES, *NO_TIMES],
    "line_item_usage_end_date": [*TIMES, *NO_TIMES],
    "line_item_product_code": [""],
    "line_item_usage_type": ["HostBoxUsage:m5.large", "APS3-HostBoxUsage:m5"],
    "line_item_usage_amount": [*NO_AMOUNTS, ""],
    "line_item_unblended_cost": NO_AMOUNTS,
    "split_line_item_parent_resource_id": ["i-1"],
}
COLUMNS = (*(name for name in line_item() if name not in OFTEN), *OFTEN)

CHANGES = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(cells + SELDOM.get(name, [])) for name, cells in OFTEN.items()}
)
"""What is not ordinary about a row. A value fails small: it shrinks to the first of its kind."""


def items(changes: Iterable[Item]) -> list[Item]:
    """The whole rows."""
    return [line_item(MONTH) | each for each in changes]


def many_items(random: Random, count: int) -> list[Item]:
    """Rows in which every cell varies and few are wrong; for volume, where `CHANGES` is for finding the smallest."""
    return [line_item(MONTH) | _cells(random) for _ in range(count)]


def _cells(random: Random) -> Item:
    wrong = random.sample([*SELDOM], random.choice((0, 0, 1, 2)))
    often = {name: random.choice(cells) for name, cells in OFTEN.items()}
    return often | {name: random.choice(SELDOM[name]) for name in wrong}
