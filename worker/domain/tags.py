"""Tags of CUR 2.0 as a map column: Parquet has them so, CSV has JSON text."""

from __future__ import annotations

import json

import polars as pl

from worker.domain.texts import distinct_texts

TAGS = pl.Map(pl.String, pl.String)


def tag_maps(text: pl.Series) -> tuple[pl.Series, int]:
    """The column as maps, and how many rows said something that is no JSON object (their map is null, the row stays).

    What is a map already stays as it is. Each distinct text is read once. A tag without a value is no tag; numbers and booleans become their JSON text.
    """
    if isinstance(text.dtype, pl.Map):
        return text, 0
    distinct, places = distinct_texts(text)
    pairs = [_readable(each) if each else None for each in distinct]
    malformed = [pair is None and bool(each) for pair, each in zip(pairs, distinct, strict=True)]
    read = pl.DataFrame({"said": pairs, "is_malformed": malformed}, {"said": pl.String, "is_malformed": pl.Boolean})
    tags = read.select(pl.col("said").str.json_decode(TAGS).gather(places)).to_series()
    return tags, int(read["is_malformed"].gather(places).sum())


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
