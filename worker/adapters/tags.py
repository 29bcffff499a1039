"""Resource tags as an Arrow map, from a legacy report's columns or from a map column."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa

from worker.domain.schema import TAG_PREFIX

COLUMN = "tags"


def tag_maps(batch: pl.DataFrame, tag_keys: tuple[str, ...], field: pa.Field[Any]) -> pa.Array[Any]:
    """The tags of each row of a batch. A null or empty value is no tag; a row without tags has an empty map.

    ``field`` is the table's, so that the insides of the map keep its field ids.
    """
    pairs = _of_maps(batch[COLUMN]) if COLUMN in batch.columns else _of_columns(batch, tag_keys)
    rows = pl.int_range(batch.height + 1, dtype=pl.UInt32, eager=True)
    offsets = pairs["row"].search_sorted(rows, side="left").cast(pl.Int32)
    keys, values = (pairs[name].to_arrow(compat_level=pl.CompatLevel.oldest()) for name in ("key", "value"))
    inside: Any = field.type
    kind: Any = pa.map_(inside.key_field.with_type(keys.type), inside.item_field.with_type(values.type))
    maps: pa.Array[Any] = pa.MapArray.from_arrays(offsets.to_arrow(), keys, values, kind)  # type: ignore[call-overload]  # the stubs know no dictionaries
    return maps


def _of_columns(batch: pl.DataFrame, tag_keys: tuple[str, ...]) -> pl.DataFrame:
    """Row, key and value of every tag, row by row.

    All columns become one, end to end; the places of its tags are numbered row by row instead, sorted, and numbered back.
    The cost grows with the tags there are, and only little with the columns there could be.
    """
    key = pl.Enum(tag_keys)
    if not tag_keys or batch.is_empty():
        return pl.DataFrame(schema={"row": pl.UInt32, "key": key, "value": pl.String})
    height, width = batch.height, len(tag_keys)
    values = pl.concat([batch[TAG_PREFIX + name].alias("value") for name in tag_keys])
    place = pl.col("place")
    places = pl.DataFrame({"place": (values != "").arg_true()})
    across = places.select((place % height * width + place // height).sort())
    pairs = across.select_seq(row=place // width, code=place % width)
    found = values.gather(pairs.select(pl.col("code") * height + pl.col("row")).to_series())
    return pairs.select_seq("row", key=pl.col("code").cat.to(key)).with_columns(found)


def _of_maps(maps: pl.Series) -> pl.DataFrame:
    tags = pl.col(COLUMN).map
    rows = pl.int_range(pl.len(), dtype=pl.UInt32)
    pairs = maps.alias(COLUMN).to_frame().select_seq(row=rows, key=tags.keys(), value=tags.values())
    return pairs.explode("key", "value", empty_as_null=False, keep_nulls=False).filter(pl.col("value") != "")
