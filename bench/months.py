"""The input: a month of usage as AWS delivers it in three shapes, the same rows in each, and the same for the same seed.

Rows are drawn from tables of what accounts really repeat (places, hours, resources, tags), so that columns have about the
cardinalities of real reports; amounts and identifiers are each row's own. No row is damaged: plain scripts could not read one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

import polars as pl
import pyarrow.parquet as pq
from isal import igzip

from worker.adapters.sample_columns import LEGACY_HEADER, PAYER, PRODUCT_MAP, TAG, athena_name
from worker.adapters.sample_files import DOUBLES, TIMESTAMPS
from worker.adapters.sample_meters import EC2, METERS, NOWHERE, REGIONS, Meter, Region

SEED = 2024
WIDTH = 172
BATCH = 100_000
HOURS = 31 * 24

USER_TAGS = ("application", "business-unit", "component", "owner", "project", "stage")
TAGS = (*(name for name in LEGACY_HEADER if name.startswith(TAG)), *(f"{TAG}user:{name}" for name in USER_TAGS))
NAMED = (*(name for name in LEGACY_HEADER if not name.startswith(TAG)), *TAGS)
ATTRIBUTES = tuple(f"product/attribute{number:03}" for number in range(WIDTH - len(NAMED)))
HEADER = (*(name for name in NAMED if not name.startswith(TAG)), *ATTRIBUTES, *TAGS)
TYPES = ("Usage",) * 15 + ("DiscountedUsage", "SavingsPlanCoveredUsage", "Tax", "Credit", "SavingsPlanNegation")
"""A seventh is money and no usage."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What rows are drawn from. ``places`` and ``tags`` have a column for each of theirs in the report, and a JSON text."""

    places: pl.DataFrame
    tags: pl.DataFrame
    hours: pl.DataFrame
    accounts: pl.Series
    resources: pl.Series


def tables() -> Tables:
    """The same each time."""
    random = Random(SEED)  # noqa: S311 (it draws a sample)
    return Tables(
        places=_table(_places(random)),
        tags=_table(_tag_sets(random)),
        hours=pl.DataFrame([_hour(number) for number in range(HOURS)]),
        accounts=pl.Series([PAYER, *(f"{random.randrange(10**11, 10**12)}" for _ in range(24))]),
        resources=pl.Series([f"i-{random.getrandbits(68):017x}" for _ in range(30_000)]),
    )


def _table(rows: Iterator[Mapping[str, str]]) -> pl.DataFrame:
    """What is blank is null: AWS writes no quotes around nothing."""
    return pl.DataFrame(list(rows), infer_schema_length=None).select(pl.when(pl.all() != "").then(pl.all()).name.keep())


def _places(random: Random) -> Iterator[Mapping[str, str]]:
    sizes = product(("c6i", "c7g", "m5", "m6a", "m7i", "r6i", "t3", "x2gd"), ("large", "xlarge", "2xlarge", "4xlarge"))
    machines = [f"{family}.{size}" for family, size in sizes]
    metered = (
        *METERS,
        *(Meter("AmazonEC2", EC2, f"BoxUsage:{each}", "RunInstances", "Hrs", "0.1", "i-", each) for each in machines),
    )
    for meter in metered:
        for region in REGIONS if meter.regional else (NOWHERE,):
            yield _place(meter, region, random)


def _place(meter: Meter, region: Region, random: Random) -> Mapping[str, str]:
    cells = {name: meter.cells(region).get(athena_name(name), "") for name in NAMED if not name.startswith(TAG)}
    said = {name: f"{random.choice('ABCDE')} value of {name[-3:]}" for name in ATTRIBUTES if random.random() < 0.3}
    attributes = {athena_name(name).removeprefix("product_"): cell for name, cell in cells.items() if cell}
    known = {key: cell for key, cell in attributes.items() if key in PRODUCT_MAP}
    return {**cells, **dict.fromkeys(ATTRIBUTES, ""), **said, "product": json.dumps(known)}


def _tag_sets(random: Random) -> Iterator[Mapping[str, str]]:
    for number in range(2_000):
        said = {name: f"{name[-4:]} {random.randrange(40)}" for name in TAGS if number and random.random() < 0.4}
        keys = {athena_name(name.removeprefix(TAG)): value for name, value in said.items()}
        yield {**dict.fromkeys(TAGS, ""), **said, "resource_tags": json.dumps(keys)}


def _hour(number: int) -> Mapping[str, str]:
    start, end = (
        f"2024-{1 + at // HOURS:02}-{1 + at // 24 % 31:02}T{at % 24:02}:00:00Z" for at in (number, number + 1)
    )
    return {
        "identity/TimeInterval": f"{start}/{end}",
        "lineItem/UsageStartDate": start,
        "lineItem/UsageEndDate": end,
    }


def batches(rows: int, first: int = 0) -> Iterator[pl.DataFrame]:
    """The rows with these numbers, a hundred thousand at a time, with every column of every shape as text."""
    known = tables()
    for start in range(first, first + rows, BATCH):
        yield _batch(known, pl.int_range(start, min(start + BATCH, first + rows), eager=True))


def _batch(known: Tables, numbers: pl.Series) -> pl.DataFrame:
    def drawn(salt: int, among: int) -> pl.Series:
        return numbers.hash(SEED + salt) % among

    def text(salt: int, digits: int) -> pl.Series:
        return drawn(salt, 10**digits).cast(pl.String).str.zfill(digits)

    frames = [known.places[drawn(1, known.places.height)], known.hours[drawn(2, HOURS)]]
    tags = known.tags[drawn(3, known.tags.height)]
    usage, tiny = drawn(4, 50).cast(pl.String) + "." + text(5, 10), drawn(6, 899).cast(pl.String) + ".5E-8"
    kind = drawn(7, 100)
    own = pl.DataFrame({
        "identity/LineItemId": text(8, 18) + text(9, 18) + text(10, 16),
        "bill/InvoicingEntity": pl.Series(["Amazon Web Services, Inc."]).gather(drawn(0, 1)),
        "bill/PayerAccountId": pl.Series([PAYER]).gather(drawn(0, 1)),
        "bill/BillingPeriodStartDate": pl.Series(["2024-01-01T00:00:00Z"]).gather(drawn(0, 1)),
        "bill/BillingPeriodEndDate": pl.Series(["2024-02-01T00:00:00Z"]).gather(drawn(0, 1)),
        "lineItem/UsageAccountId": known.accounts[drawn(11, len(known.accounts))],
        "lineItem/LineItemType": pl.Series(TYPES)[drawn(12, len(TYPES))],
        "lineItem/ResourceId": known.resources[drawn(13, len(known.resources))],
        "lineItem/UsageAmount": pl.select(pl.when(kind < 40).then(pl.lit("1")).when(kind < 95).then(usage).otherwise(tiny)).to_series(),
        "lineItem/CurrencyCode": pl.Series(["USD"]).gather(drawn(0, 1)),
        "lineItem/UnblendedCost": drawn(14, 20).cast(pl.String) + "." + text(15, 10),
    })  # fmt: skip
    return pl.concat(
        [*(frame.drop(own.columns, strict=False) for frame in _unrepeated(frames)), own, tags], how="horizontal"
    )


def _unrepeated(frames: list[pl.DataFrame]) -> list[pl.DataFrame]:
    places, hours = frames
    return [places.drop(hours.columns), hours]


def legacy(batch: pl.DataFrame) -> pl.DataFrame:
    """As a legacy Cost and Usage Report has them."""
    return batch.select(HEADER)


def export(batch: pl.DataFrame) -> pl.DataFrame:
    """As CUR 2.0 has them: tags and some attributes as JSON text."""
    plain = [name for name in NAMED if not name.startswith(TAG)]
    named = {athena_name(name): name for name in plain}
    return batch.select(
        **{name: pl.col(header) for name, header in named.items() if name.removeprefix("product_") not in PRODUCT_MAP},
        product="product",
        resource_tags="resource_tags",
    )


def typed(batch: pl.DataFrame) -> pl.DataFrame:
    """As CUR 2.0 has them in Parquet: doubles, timestamps without a zone, maps."""
    text = export(batch)
    return text.select(_typed(name) for name in text.columns)


def _typed(name: str) -> pl.Expr:
    column = pl.col(name)
    if name.endswith(DOUBLES):
        return column.cast(pl.Float64)
    if name.endswith(TIMESTAMPS):
        return column.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms")
    if name in {"product", "resource_tags"}:
        return column.str.json_decode(pl.Map(pl.String, pl.String))
    return column


def write_csv(path: Path, shape: Callable[[pl.DataFrame], pl.DataFrame], rows: int, first: int = 0) -> None:
    """One report file in gzip."""
    with path.open("wb") as raw, igzip.open(raw, "wb", compresslevel=3) as packed:
        for number, batch in enumerate(batches(rows, first)):
            text = io.BytesIO()
            shape(batch).write_csv(text, include_header=number == 0)
            packed.write(text.getbuffer())


def write_parquet(path: Path, rows: int) -> None:
    """One report file in Parquet."""
    tables = (typed(batch).to_arrow(compat_level=pl.CompatLevel.oldest()) for batch in batches(rows))
    first = next(tables)
    with pq.ParquetWriter(path, first.schema, compression="snappy") as file:
        file.write_table(first)
        for table in tables:
            file.write_table(table)
