"""Report files as Python's csv, gzip, zipfile and json read them, whole and in memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

READ = (
    "identity/LineItemId", "bill/InvoiceId", "bill/PayerAccountId", "bill/BillingPeriodStartDate",
    "lineItem/UsageAccountId", "lineItem/LineItemType", "lineItem/UsageStartDate", "lineItem/UsageEndDate",
    "lineItem/ProductCode", "lineItem/UsageType", "lineItem/Operation", "lineItem/AvailabilityZone",
    "lineItem/ResourceId", "lineItem/UsageAmount", "lineItem/UsageUnit", "lineItem/UnblendedCost",
    "lineItem/CurrencyCode", "product/ProductName", "product/servicecode", "product/instanceType", "product/region",
    "product/regionCode", "product/fromRegionCode", "product/fromLocation", "product/location", "pricing/unit",
    "splitLineItem/ParentResourceId", "product", "resourceTags",
)  # fmt: skip
"""The columns that mean something, by their legacy names."""


class Row(dict[str, str]):
    """A row's cells by CUR 2.0 name; what a report lacks is blank."""

    def __missing__(self, name: str) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number in the file, its cells and tags, and whether it has more fields than the header."""

    number: int
    row: Row
    tags: Mapping[str, str]
    is_long: bool


def cur2(header: str) -> str:
    """AWS's rule for the names in Athena, which are those of CUR 2.0."""
    return re.sub("[^a-z0-9]+", "_", re.sub("([A-Z])", r"_\1", header).lower()).strip("_")


def _bare(header: str) -> str:
    return re.sub("[^a-z0-9]", "", header.lower())


NAMES = {_bare(header): cur2(header) for header in READ}


def report_lines(body: bytes, charset: str = "utf-8") -> list[Line]:
    """The rows of a report file in whatever packing, numbered through."""
    lines: list[Line] = []
    for text in _texts(body, charset):
        lines += _lines(text, len(lines) + 1)
    return lines


def _texts(body: bytes, charset: str) -> Iterator[str]:
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.namelist():
                yield archive.read(member).decode(charset)
        return
    plain = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
    yield plain.decode(charset)


def _lines(text: str, first: int) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    header = next(reader)
    meant = [NAMES.get(_bare(name), "") for name in header]
    blank = {name: "" for name in meant if name}
    tagged = ["" if name else _tag(raw) for name, raw in zip(meant, header, strict=True)]
    for number, cells in enumerate(reader, start=first):
        row = Row(blank | {name: cell for name, cell in zip(meant, cells, strict=False) if name})
        if "product_product_name" not in row:
            row["product_product_name"] = _object(row["product"]).get("product_name", "")
        tags = _object(row["resource_tags"])
        for key, cell in zip(tagged, cells, strict=False):
            # Of the legacy columns that share a key, the first that says something.
            if key:
                tags[key] = tags.get(key) or cell
        said = {key: value for key, value in tags.items() if value}
        yield Line(number, row, said, is_long=len(cells) > len(header))


def _tag(header: str) -> str:
    return cur2(header).removeprefix("resource_tags_") if _bare(header).startswith("resourcetags") else ""


def _object(text: str) -> dict[str, str]:
    return json.loads(text) if text else {}
