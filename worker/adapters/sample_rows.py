"""The rows of a sample month: ordinary usage, and spread among it one of every row that needs a rule.

Each row comes with what must become of it, known because it was made so, not because the converter's rules were applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Literal, NamedTuple

from worker.adapters.sample_columns import PAYER, line_item
from worker.adapters.sample_meters import METERS, NOWHERE, REGIONS, Meter, Region
from worker.domain.balance import EXACT
from worker.domain.billing_period import BillingPeriod

ACCOUNTS = (PAYER, "222233334444", "333344445555", "444455556666", "555566667777")

TAGS: tuple[Mapping[str, str], ...] = (
    {},
    {"resourceTags/user:environment": "production", "resourceTags/user:team": "checkout"},
    {"resourceTags/user:environment": "staging", "resourceTags/user:team": 'søk, "funn"'},
    {"resourceTags/aws:createdBy": "AssumedRole:AROAEXAMPLE:ci", "resourceTags/user:cost-center": "4711"},
)

RESERVED = {
    "line_item_line_item_type": "DiscountedUsage",
    "pricing_term": "Reserved",
    "reservation_reservation_a_r_n": f"arn:aws:ec2:us-east-1:{PAYER}:reserved-instances/0f1e2d3c",
}
COVERED = {
    "line_item_line_item_type": "SavingsPlanCoveredUsage",
    "savings_plan_savings_plan_a_r_n": f"arn:aws:savingsplans::{PAYER}:savingsplan/4b5a6978",
}
COMMITMENTS: tuple[Mapping[str, str], ...] = ({}, {}, {}, RESERVED, COVERED)

NO_REGION = {"product_region": "", "product_region_code": "", "product_location": ""}

CHARGES = {
    "Tax": ("1", "148.2900000000"),
    "Fee": ("", "29"),
    "Credit": ("0", "-25.5"),
    "Refund": ("", "-3.1400000001"),
    "RIFee": ("744", "53.568"),
    "SavingsPlanNegation": ("12.5", "-0.7200000000000000"),
    "SavingsPlanRecurringFee": ("744", "74.4"),
    "SavingsPlanUpfrontFee": ("1", "365"),
    "BundledDiscount": ("100", "-9.00E-7"),
    "EdpDiscount": ("0", "-7.0081534600"),
    "PrivateRateDiscount": ("0", "-1.25"),
}
"""Line item types that are money and no usage, with the usage amount (often blank, often not) and the cost of one."""

Fate = Literal["activity", "excluded", "rejected"]


class Line(NamedTuple):
    """A row and its fate. ``why`` is an exclusion's type or a rejection's reason, ``notes`` what is counted beside an activity."""

    row: dict[str, str]
    fate: Fate = "activity"
    why: str = ""
    notes: tuple[str, ...] = ()


def special_lines(period: BillingPeriod) -> tuple[Line, ...]:
    """One of each row that is more than ordinary usage."""
    month = str(period)
    earlier = f"{period.start - timedelta(days=1):%Y-%m}-01T00:00:00Z"
    host = {"line_item_usage_type": "HostUsage:m5", "line_item_operation": "RunInstances", "product_instance_type": ""}
    guest = {"line_item_usage_type": "HostBoxUsage:m5.large", "line_item_unblended_cost": "0"}
    share = {"split_line_item_parent_resource_id": "i-0123456789abcdef0", "line_item_usage_amount": "0.25"}
    return (
        *(Line(_charge(month, kind), "excluded", kind) for kind in CHARGES),
        Line(line_item(month, **RESERVED)),
        Line(line_item(month, **COVERED)),
        Line(line_item(month, **host)),
        Line(line_item(month, **guest), "excluded", "DedicatedHostInstance"),
        Line(line_item(month, **share), "excluded", "SplitLineItem"),
        Line(line_item(month, line_item_usage_amount="3.34E-8", line_item_unblended_cost="1.33600E-14")),
        Line(line_item(month, line_item_usage_start_date=earlier)),
        Line(line_item(month, line_item_usage_amount="-1.5"), "rejected", "negative_usage"),
        Line(line_item(month, line_item_usage_amount="n/a"), "rejected", "bad_number"),
        Line(line_item(month, bill_billing_period_start_date=earlier), "rejected", "other_billing_period"),
    )


def _charge(month: str, kind: str) -> dict[str, str]:
    usage, cost = CHARGES[kind]
    return line_item(
        month,
        line_item_line_item_type=kind,
        line_item_resource_id="",
        line_item_usage_amount=usage,
        line_item_unblended_cost=cost,
    )


def sample_lines(period: BillingPeriod, count: int, random: Random, invoice: str) -> Iterator[Line]:
    """``count`` lines of the month, at least as many as are special; ``invoice`` is blank while the bill is open."""
    special, usage = special_lines(period), _usage_lines(period, random)
    stride = count // len(special)
    identity = ""
    for number in range(count):
        due, past = divmod(number, stride)
        line = special[due] if past == 0 and due < len(special) else next(usage)
        # AWS gives some rows the same id: it names a line item only together with its interval.
        identity = identity if number % 5 == 1 else f"{random.getrandbits(208):052x}"
        line.row["identity_line_item_id"] = identity
        line.row["bill_invoice_id"] = invoice
        yield line


def _usage_lines(period: BillingPeriod, random: Random) -> Iterator[Line]:
    """Ordinary usage without end: some hour of some meter, in some region and account."""
    places = [(meter, region) for meter in METERS for region in (REGIONS if meter.regional else (NOWHERE,))]
    common = [(meter, region, {**line_item(str(period)), **meter.cells(region)}) for meter, region in places]
    hours = [_hour(period, hour) for hour in range((period.end - period.start).days * 24)]
    resources = [f"{random.getrandbits(68):017x}" for _ in range(300)]
    while True:
        meter, region, cells = random.choice(common)
        usage = _quantity(random)
        blank = region is not NOWHERE and random.random() < 0.2
        row = {
            **cells,
            **random.choice(hours),
            **random.choice(TAGS),
            **(random.choice(COMMITMENTS) if meter.instance_type else {}),
            **(NO_REGION if blank else {}),
            "line_item_usage_account_id": random.choice(ACCOUNTS),
            "line_item_resource_id": meter.resource_prefix and meter.resource_prefix + random.choice(resources),
            "line_item_usage_amount": usage,
            "line_item_unblended_cost": str(EXACT.multiply(Decimal(usage), Decimal(meter.rate))),
        }
        yield Line(row, notes=_notes(meter, region, blank=blank))


def _hour(period: BillingPeriod, hour: int) -> Mapping[str, str]:
    start, end = (f"{period.start + timedelta(hours=each):%Y-%m-%dT%H:%M:%SZ}" for each in (hour, hour + 1))
    return {
        "identity_time_interval": f"{start}/{end}",
        "line_item_usage_start_date": start,
        "line_item_usage_end_date": end,
    }


def _quantity(random: Random) -> str:
    """An amount as AWS writes them: whole hours, ten decimals, exponents, now and then more digits than 18 decimals hold."""
    chance = random.random()
    if chance < 0.4:
        return "1"
    if chance < 0.92:
        return f"{random.randrange(50)}.{random.getrandbits(33):010}"
    if chance < 0.99:
        return f"{random.randint(1, 9)}.{random.randint(10, 99)}E-{random.randint(6, 9)}"
    return f"0.{random.getrandbits(72):022}"


def _notes(meter: Meter, region: Region, *, blank: bool) -> tuple[str, ...]:
    """What the balance of the month must note about such a row: how its region is found, and whether it has a unit."""
    unit = () if meter.unit else ("unit_unknown",)
    if region is NOWHERE:
        return (*unit, "region_unknown")
    if not blank:
        return unit
    found = "region_zone" if meter.zonal else "region_unknown"
    return (*unit, "region_usage_type" if region.prefix else found)
