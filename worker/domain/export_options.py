"""What an export was set up to deliver, as its columns and first rows tell: what is missing costs every month something."""

from __future__ import annotations

import csv
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from io import StringIO

from worker.domain.columns import announced, bind
from worker.domain.diagnosis import Finding, Verdict, ok, warn
from worker.domain.errors import IngestError
from worker.domain.rulebooks import RULEBOOKS
from worker.domain.source import CARBON, Source

CHECK = "export options"
HOUR = timedelta(hours=1)
SPLIT = "split_line_item_parent_resource_id"
RECREATE = "AWS does not change it for months that are delivered already"

USEFUL = (
    (
        ("line_item_resource_id",),
        "no resource ids: usage can be told by service and region, not by resource",
        f"include resource ids in the export (INCLUDE_RESOURCES); {RECREATE}",
    ),
    (
        ("bill_invoice_id",),
        "no invoice ids: no month will ever count as final",
        "add the column bill_invoice_id to the export",
    ),
    (
        ("pricing_unit", "line_item_usage_unit"),
        "no units: every quantity will have the unit `unknown`",
        "add the column pricing_unit to the export",
    ),
    (
        ("product_region_code", "product_region", "line_item_availability_zone"),
        "no regions: the location is derived from usage types, where they tell it",
        "add the column product_region_code to the export",
    ),
)
"""Columns of which one is needed, what is lost without, and what to do."""


def options(source: Source, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[Finding]:
    """What the ``headers`` (of a manifest or a file) and some first ``rows`` (none for a format that is not opened) tell."""
    wanted = RULEBOOKS[source.kind].wanted
    names = announced(headers, wanted)
    if lacking := wanted.missing(names):
        said = f"the export lacks the required column {', '.join(lacking)}"
        yield Finding(
            CHECK, Verdict.FAIL, said, "add it to the export's columns, or choose the standard set", source.name
        )
    if source.kind == CARBON:
        return
    for needed, said, remedy in USEFUL:
        if not any(name in names for name in needed):
            yield warn(CHECK, said, remedy, source.name)
    yield _split_costs(source, headers, names)
    yield _granularity(source, headers, rows)


def _split_costs(source: Source, headers: Sequence[str], names: Container[str]) -> Finding:
    """Rows of containers repeat the usage of the instance that they run on: one column tells them from it."""
    if SPLIT in names:
        return ok(CHECK, "split cost rows can be told from what they split, so nothing counts twice", source.name)
    if any(header.lower().replace("/", "_").startswith(("split_line_item", "splitlineitem")) for header in headers):
        said = f"split cost columns without {SPLIT}: rows of containers count beside their instances"
        return warn(CHECK, said, f"add the column {SPLIT} to the export", source.name)
    return ok(CHECK, "no split cost columns: usage is told by instance, not by container", source.name)


def _granularity(source: Source, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Finding:
    """Fees last a month in an hourly export too, so the shortest row tells."""
    spans = list(_spans(headers, rows))
    if not spans:
        return ok(CHECK, "hourly or not: no row was looked at", source.name)
    if min(spans) <= HOUR:
        return ok(CHECK, "hourly", source.name)
    said = "not hourly: usage cannot be set against the hours of a grid"
    return warn(CHECK, said, f"choose hourly time granularity in the export; {RECREATE}", source.name)


def _spans(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[timedelta]:
    try:
        positions = bind(list(headers), "").positions
    except IngestError:
        return
    start, end = (positions[f"line_item_usage_{edge}_date"] for edge in ("start", "end"))
    for row in rows:
        try:
            span = datetime.fromisoformat(row[end]) - datetime.fromisoformat(row[start])
        except (ValueError, IndexError, TypeError):  # the last row may be cut off
            continue
        if span > timedelta():
            yield span


def read_rows(text: str) -> tuple[list[str], list[list[str]]]:
    """The header and the whole rows of the beginning of a CSV file."""
    rows = list(csv.reader(StringIO(text[: text.rfind("\n") + 1], newline="")))
    return (rows[0], rows[1:]) if rows else ([], [])
