"""Generated line items: everything that AWS has been seen to write in a row, and some that it has not."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from worker.adapters.sample_columns import line_item

MONTH = "2024-01"
ACCOUNT, OTHER_ACCOUNT = "111122223333", "222233334444"
ZULU = ("{}T{}Z", "{}T{}.000Z", "{} {}", "{} {}.000", "{} {}+00:00")
"""The shapes of a timestamp; Parquet's comes out as the first."""

Item = dict[str, str]

DIGITS = st.text("0123456789", min_size=1, max_size=30)
WRITTEN = st.one_of(
    st.sampled_from(["0", "1", "730", "-1.5", "0.0000000000", "70.0800000000", "-0"]),
    st.builds("{}.{}".format, st.integers(-10, 10**20), DIGITS),
    st.builds("{}.{}E{}".format, st.integers(-9, 9), st.integers(0, 99), st.integers(-30, 22)),
    st.sampled_from(["3.34E-8", "1e-400", "1E400", "0.5e0", "+7", ".5", "5."]),
)
GARBAGE = st.one_of(
    st.sampled_from(
        ["n/a", "none", "NaN", "inf", "-", "1,000.5", "1_000", " 1", "0x10", "1e", "--1", "123456789012345678901"]
    ),
    st.text("0123456789.eE+-, ", min_size=1, max_size=8),
)


def mostly(usual: st.SearchStrategy[str], *seldom: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The first four times out of five."""
    return st.integers(0, 4).flatmap(lambda chance: st.one_of(*seldom) if chance == 0 and seldom else usual)


AMOUNTS = mostly(WRITTEN, GARBAGE, st.just(""))

TEXT = st.text('abZ09 ,;"\n\t\\/:é€𝄞', max_size=12)
TIMES = st.builds(
    lambda shape, day, hour: shape.format(f"2024-01-{day:02}", f"{hour:02}:30:00"),
    st.sampled_from(ZULU),
    st.integers(1, 31),
    st.integers(0, 23),
)
NO_TIMES = st.sampled_from(
    ["", "soon", "2024-01-32T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00+02:00", "2024-01-01T24:00:00Z"]
)
MONTHS = mostly(
    st.sampled_from([shape.format("2024-01-01", "00:00:00") for shape in ZULU]),
    st.sampled_from(["", "2023-12-01T00:00:00Z", "2024-02-01 00:00:00", "garbage"]),
)
TYPES = mostly(
    st.sampled_from(["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"]),
    st.sampled_from(
        ["Tax", "Fee", "Credit", "Refund", "RIFee", "SavingsPlanNegation", "SavingsPlanRecurringFee", "EdpDiscount", ""]
    ),
)
SERVICES = mostly(
    st.sampled_from(["AmazonEC2", "AmazonS3", "AWSLambda", "AWSDataTransfer"]), st.sampled_from(["", "Another"])
)
USAGE_TYPES = st.sampled_from(
    ["BoxUsage:t3.micro", "EUC1-BoxUsage:m5.large", "EU-Requests-Tier1", "USW2-SpotUsage:c5.large", "HostUsage:m5", "HostBoxUsage:m5.large",
     "APS3-HostBoxUsage:m5", "XX9-Something", ""]
)  # fmt: skip
REGIONS = mostly(st.just(""), st.sampled_from(["us-east-1", "eu-west-3", "me-south-1", "xx-new-9"]))
ZONES = st.sampled_from(["", "us-east-1a", "us-west-2-lax-1a", "nowhere", "ap-south-1"])
PLACES = st.sampled_from(["", "EU (Frankfurt)", "Africa (Cape Town)", "The Moon"])
UNITS = mostly(st.sampled_from(["Hrs", "GB-Mo", "GB", "Requests", "Lambda-GB-Sec", "Queries"]), st.just(""))
ACCOUNTS = mostly(st.sampled_from([ACCOUNT, OTHER_ACCOUNT]), st.just(""))
TAGS = ("resourceTags/user:team", "resourceTags/user:Cost Center", "resourceTags/aws:createdBy")

CELLS: dict[str, st.SearchStrategy[str]] = {
    "identity_line_item_id": st.sampled_from(["a", "b", ""]),
    "bill_invoice_id": st.sampled_from(["", "1"]),
    "bill_billing_period_start_date": MONTHS,
    "line_item_usage_account_id": ACCOUNTS,
    "line_item_line_item_type": TYPES,
    "line_item_usage_start_date": mostly(TIMES, NO_TIMES),
    "line_item_usage_end_date": mostly(TIMES, NO_TIMES),
    "line_item_product_code": SERVICES,
    "line_item_usage_type": USAGE_TYPES,
    "line_item_operation": TEXT,
    "line_item_availability_zone": ZONES,
    "line_item_resource_id": TEXT,
    "line_item_usage_amount": AMOUNTS,
    "line_item_unblended_cost": AMOUNTS,
    "line_item_currency_code": st.sampled_from(["USD", "EUR", ""]),
    "product_product_name": TEXT,
    "product_servicecode": mostly(st.just(""), SERVICES),
    "product_region": REGIONS,
    "product_region_code": REGIONS,
    "product_from_region_code": REGIONS,
    "product_from_location": PLACES,
    "product_location": PLACES,
    "pricing_unit": UNITS,
    "split_line_item_parent_resource_id": mostly(st.just(""), st.just("i-1")),
    **dict.fromkeys(TAGS, TEXT),
}
COLUMNS = (*(name for name in line_item() if name not in CELLS), *CELLS)


# Two cells that decide much vary in every row; of the others, some.
OFTEN = ("line_item_usage_amount", "line_item_line_item_type")
CHANGES = st.builds(
    lambda some, often: some | often,
    st.fixed_dictionaries({}, optional=CELLS),
    st.fixed_dictionaries({name: CELLS[name] for name in OFTEN}),
)
"""What is not ordinary about a row."""


def items(changes: Iterable[Item]) -> list[Item]:
    """The whole rows."""
    return [line_item(MONTH) | each for each in changes]
