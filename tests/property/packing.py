"""The same rows in every file that holds them: spellings, column orders, chunks and compressions."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.property.conversion import Packed
from worker.adapters.sample_columns import LEGACY_NAMES, ExportShape, athena_name

Item = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a report is written as CSV."""

    columns: tuple[str, ...]
    is_legacy: bool = True
    newline: str = "\n"
    quotes_all: bool = False
    bom: bool = False

    @property
    def header(self) -> list[str]:
        return [LEGACY_NAMES.get(name, name) if self.is_legacy else athena_name(name) for name in self.columns]

    def text(self, items: Iterable[Item]) -> bytes:
        text = io.StringIO(newline="")
        quoting: Literal[0, 1] = csv.QUOTE_ALL if self.quotes_all else csv.QUOTE_MINIMAL
        lines = csv.writer(text, lineterminator=self.newline, quoting=quoting)
        lines.writerow(self.header)
        lines.writerows([item.get(name, "") for name in self.columns] for item in items)
        return (b"\xef\xbb\xbf" if self.bom else b"") + text.getvalue().encode()


def plain(spelling: Spelling, items: Sequence[Item], cuts: Sequence[float]) -> Packed:
    return Packed(spelling.text(items))


def gzipped(spelling: Spelling, items: Sequence[Item], cuts: Sequence[float]) -> Packed:
    return Packed(gzip.compress(spelling.text(items), 1), "gzip")


def gzipped_in_members(spelling: Spelling, items: Sequence[Item], cuts: Sequence[float]) -> Packed:
    """Cut anywhere, within a row too."""
    return Packed(b"".join(gzip.compress(piece, 1) for piece in cut(spelling.text(items), cuts)), "gzip")


def zipped(spelling: Spelling, items: Sequence[Item], cuts: Sequence[float]) -> Packed:
    """A member for each piece, each with a header of its own."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        for number, piece in enumerate(cut(items, cuts)):
            members.writestr(f"any name {number}", spelling.text(piece))
    return Packed(archive.getvalue(), "zip")


def as_parquet(spelling: Spelling, items: Sequence[Item], cuts: Sequence[float]) -> Packed:
    """Every column as text, under the names that AWS gives it in Athena; a row group for each piece."""
    names = [athena_name(name) for name in spelling.columns]
    schema = pa.schema([(name, pa.string()) for name in names])
    file = io.BytesIO()
    with pq.ParquetWriter(file, schema, compression="snappy", data_page_version="2.0") as writer:
        for piece in cut(items, cuts):
            columns: list[list[str | None]] = [[item.get(name) or None for item in piece] for name in spelling.columns]
            writer.write_table(pa.table(columns, schema=schema))
    return Packed(file.getvalue(), "parquet")


def as_export(columns: tuple[str, ...], items: Sequence[Item]) -> Packed:
    """CSV with tags and product as JSON text, as CUR 2.0 has them."""
    shape = ExportShape.of(columns)
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(shape.header)
    lines.writerows(map(shape.cells, items))
    return Packed(text.getvalue().encode())


Packing = Callable[[Spelling, Sequence[Item], Sequence[float]], Packed]
PACKINGS: tuple[Packing, ...] = (plain, gzipped, gzipped_in_members, zipped, as_parquet)


def cut(whole: Any, cuts: Sequence[float]) -> list[Any]:
    """A sequence in pieces, ended at these parts of its length; some may be empty."""
    places = [0, *sorted(int(each * len(whole)) for each in cuts), len(whole)]
    return [whole[start:end] for start, end in pairwise(places)]


def spellings(columns: Sequence[str]) -> st.SearchStrategy[Spelling]:
    """These columns in any order."""
    return st.builds(
        Spelling,
        st.permutations(columns).map(tuple),
        st.booleans(),
        st.sampled_from(["\n", "\r\n"]),
        st.booleans(),
        st.booleans(),
    )


CUTS = st.lists(st.floats(0, 1), max_size=3)
