"""Python's own csv module, a row at a time: how scripts about bills began."""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.peers.columns import AMOUNTS, INSTANTS, SERVICE_NAME, TAG, TEXT, tag_key
from worker.domain import reference

OPTIONS = {"DiscountedUsage": "Reserved", "SavingsPlanCoveredUsage": "SavingsPlan"}
DERIVED = ("service_name", "activity_id", "category", "location", "unit", "purchase_option")
SCHEMA = pa.schema({
    **dict.fromkeys((*TEXT, *DERIVED), pa.string()),
    **dict.fromkeys(INSTANTS, pa.timestamp("us", "UTC")),
    **dict.fromkeys(AMOUNTS, pa.decimal128(38, 18)),
    "source_row": pa.int64(),
    "tags": pa.map_(pa.string(), pa.string()),
})  # fmt: skip


def activities(rows: Iterable[Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    """The usage rows of a legacy report."""
    categories, locations, units = reference.categories(), reference.locations(), reference.units()
    for number, row in enumerate(rows, 1):
        if not row["lineItem/LineItemType"].endswith("Usage"):
            continue
        made: dict[str, Any] = {name: row[header] or None for name, header in TEXT.items()}
        made |= {name: datetime.fromisoformat(row[header]) for name, header in INSTANTS.items()}
        made |= {name: Decimal(row[header]) for name, header in AMOUNTS.items()}
        yield made | {
            "service_name": row[SERVICE_NAME],
            "activity_id": f"0123456789abcdef-{number}",
            "category": categories.get(made["service_code"], "cloud_other"),
            "location": locations.get(made["region"], "GLOBAL"),
            "unit": units.get(made["pricing_unit"], made["pricing_unit"]) or "unknown",
            "purchase_option": OPTIONS.get(made["line_item_type"], "OnDemand"),
            "source_row": number,
            "tags": [(tag_key(name), row[name]) for name in row if name.startswith(TAG) and row[name]],
        }


if __name__ == "__main__":
    with (
        gzip.open(sys.argv[1], "rt", encoding="utf-8", newline="") as text,
        pq.ParquetWriter(sys.argv[2], SCHEMA, compression="zstd", compression_level=1) as part,
    ):
        made = activities(csv.DictReader(text))
        while batch := list(islice(made, 20_000)):
            part.write_table(pa.Table.from_pylist(batch, SCHEMA))
