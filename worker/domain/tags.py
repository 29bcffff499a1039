"""Tags of CUR 2.0 as a map column: Parquet has them so, CSV has JSON text."""

from __future__ import annotations

import json

import polars as pl

TAGS = pl.Map(pl.String, pl.String)


def tag_maps(text: pl.Series) -> tuple[pl.Series, int]:
    """The column as maps, and how many rows said something that is no JSON object (their map is null, the row stays).

    What is a map already stays as it is. Each distinct text is read once. A tag without a value is no tag; numbers and booleans become their JSON text.
    """
    if isinstance(text.dtype, pl.Map):
        return text, 0
    distinct = text.drop_nulls().unique()
    pairs = {each: _readable(each) for each in distinct if each}
    sound = {each: found for each, found in pairs.items() if found is not None}
    malformed = text.is_in([each for each in pairs if each not in sound]).sum() if len(sound) < len(pairs) else 0
    maps = pl.DataFrame(
        {"text": pl.Series(list(sound), dtype=pl.String), "tags": pl.Series(list(sound.values()), dtype=pl.String)}
    ).with_columns(pl.col("tags").str.json_decode(TAGS))
    joined = text.rename("text").to_frame().join(maps, on="text", how="left", maintain_order="left")
    return joined["tags"], int(malformed)


def _readable(text: str) -> str | None:
    """The same tags as JSON whose every value is text; None if it is no JSON object."""
    try:
        tags = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(tags, dict):
        return None
    return json.dumps(
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in tags.items() if value}
    )
