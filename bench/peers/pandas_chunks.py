"""pandas, chunk by chunk, with every cell as text: the script that most people know how to write."""

from __future__ import annotations

import sys
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.peers.columns import AMOUNTS, INSTANTS, SERVICE_NAME, SHAPE, TAG, TEXT, tag_key
from bench.peers.python_csv import OPTIONS, SCHEMA
from worker.domain import reference

ROWS = 50_000


def activities(chunk: pd.DataFrame) -> pd.DataFrame:
    """The usage rows of a chunk of a legacy report."""
    kept = chunk[chunk["lineItem/LineItemType"].str.endswith("Usage")]
    made = pd.DataFrame({name: kept[header] for name, header in TEXT.items()})
    for name, header in INSTANTS.items():
        made[name] = pd.to_datetime(kept[header], format=SHAPE, utc=True)
    for name, header in AMOUNTS.items():
        made[name] = kept[header].map(Decimal)
    made["service_name"] = kept[SERVICE_NAME]
    made["source_row"] = kept.index + 1
    made["activity_id"] = "0123456789abcdef-" + made["source_row"].astype(str)
    made["category"] = made["service_code"].map(reference.categories()).fillna("cloud_other")
    made["location"] = made["region"].map(reference.locations()).fillna("GLOBAL")
    made["unit"] = made["pricing_unit"].map(reference.units()).fillna(made["pricing_unit"]).fillna("unknown")
    made["purchase_option"] = made["line_item_type"].map(OPTIONS).fillna("OnDemand")
    tags = [(name, tag_key(name)) for name in kept.columns if name.startswith(TAG)]
    columns = zip(*(kept[name] for name, _ in tags), strict=True)
    made["tags"] = [[(k, v) for (_, k), v in zip(tags, row, strict=True) if isinstance(v, str)] for row in columns]
    return made


if __name__ == "__main__":
    with pq.ParquetWriter(sys.argv[2], SCHEMA, compression="zstd", compression_level=1) as part:
        for chunk in pd.read_csv(sys.argv[1], dtype=str, chunksize=ROWS):
            part.write_table(pa.Table.from_pandas(activities(chunk), SCHEMA, preserve_index=False))
