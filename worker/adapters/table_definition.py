"""The Iceberg table behind the activities: its schema, partitions and properties."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import polars as pl
from pyiceberg.partitioning import PARTITION_FIELD_ID_START, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import TableProperties
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DecimalType, IcebergType, LongType, MapType, NestedField, StringType, TimestamptzType

from worker.domain.schema import AMOUNT_SCALE, activity_schema

PARTITION_COLUMNS = ("source_name", "source", "billing_period")

PRUNED_COLUMNS = ("account_id", "period_start", "period_end")
"""The table keeps the bounds of these for each part, so that a filter on one skips whole parts; bounds of all would be heavy."""


def schema() -> Schema:
    """All columns, numbered in order, then the insides of maps: as Iceberg numbers them when it makes a table."""
    columns = activity_schema()
    inside = count(len(columns) + 1)
    numbered = enumerate(columns.items(), start=1)
    return Schema(
        *[NestedField(number, name, _type(kind, inside), required=False) for number, (name, kind) in numbered]
    )


def _type(kind: pl.DataType, inside: Iterator[int]) -> IcebergType:
    match kind:
        case pl.String():
            return StringType()
        case pl.Int64():
            return LongType()
        case pl.Decimal():
            return DecimalType(38, AMOUNT_SCALE)
        case pl.Datetime():
            return TimestamptzType()
        case pl.Map():
            return MapType(next(inside), StringType(), next(inside), StringType(), value_required=False)
        case _:
            raise TypeError(f"the table has no type for {kind}")


def partition_spec() -> PartitionSpec:
    """Each slot of the org is one partition."""
    columns = schema()
    fields = enumerate(PARTITION_COLUMNS, start=PARTITION_FIELD_ID_START)
    return PartitionSpec(
        *[
            PartitionField(columns.find_field(name).field_id, number, IdentityTransform(), name)
            for number, name in fields
        ]
    )


def properties() -> dict[str, str]:
    """What holds for the table from its first day.

    A commit is never repeated by the library: what to add and drop must be decided again on what the other commit left.
    The name mapping lets readers find the columns of a file that lost its field ids.
    """
    return {
        TableProperties.COMMIT_NUM_RETRIES: "0",
        TableProperties.DEFAULT_NAME_MAPPING: schema().name_mapping.model_dump_json(),
        TableProperties.DEFAULT_WRITE_METRICS_MODE: "none",
        **{f"{TableProperties.METRICS_MODE_COLUMN_CONF_PREFIX}.{name}": "full" for name in PRUNED_COLUMNS},
    }
