"""However a manifest is spelled, the month is what its files say."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.world import FakeWorld
from tests.property.conversion import Packed, figures, reference
from tests.property.line_items import CHANGES, COLUMNS, Item, items
from tests.property.packing import Spelling, cut
from worker.domain.outcome import RunState

BUCKET, VERSION = "cur-bucket", "8b1f2c1e"
SPANS = (
    None,
    {"start": "20240101T000000.000Z", "end": "20240201T000000.000Z"},
    {"start": "20240101T000000.000Z", "end": "20240131T235959.999Z"},
    {"start": "2024-01-01T00:00:00Z", "end": "2024-02-01T00:00:00Z"},
)
SPELLING = Spelling(COLUMNS)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one is written. ``shape`` is the field that lists the files."""

    shape: str
    before: str
    span: Mapping[str, str] | None
    folder: str
    optional: Mapping[str, Any]
    companions: bool
    order: int

    @property
    def manifest_key(self) -> str:
        return f"cur/report/metadata/{self.folder}/report-Manifest.json"

    def manifest(self, keys: list[str]) -> bytes:
        """The document, its members in some order."""
        listed = [*keys, "cur/report/a.sql", "cur/report/report-Manifest.json"] if self.companions else keys
        spelled: list[Any] = [f"{self.before}{key}" for key in listed]
        names: list[Any] = [{"key": key, "size": 1} for key in spelled] if self.shape == "files" else spelled
        version = {"executionId": VERSION, "assemblyId": "x"} if self.shape == "dataFiles" else {"assemblyId": VERSION}
        span = {"billingPeriod": self.span} if self.span else {}
        document: dict[str, Any] = {self.shape: names, **version, **span, **self.optional}
        members = [*document.items()]
        turned = members[self.order :] + members[: self.order]
        return json.dumps(dict(turned)).encode()


OPTIONAL = st.fixed_dictionaries(
    {},
    optional={
        "bucket": st.sampled_from(["", BUCKET, "elsewhere"]),
        "account": st.just("111122223333"),
        "charset": st.sampled_from(["UTF-8", "utf-8", ""]),
        "compression": st.sampled_from(["GZIP", "gzip", ""]),
        "contentType": st.just("text/csv"),
        "columns": st.just([{"category": "", "name": name, "type": "string"} for name in SPELLING.header]),
        "unheard of": st.sampled_from([None, 1, [], {"a": "b"}, "text"]),
    },
)
DELIVERIES = st.builds(
    Delivery,
    st.sampled_from(["reportKeys", "dataFiles", "files"]),
    st.sampled_from(["", "/", f"s3://{BUCKET}/"]),
    st.sampled_from(SPANS),
    st.sampled_from(["BILLING_PERIOD=2024-01", "20240101-20240201", "billing_period=2024-01"]),
    OPTIONAL,
    st.booleans(),
    st.integers(0, 4),
)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(CHANGES, max_size=6), cuts=st.lists(st.floats(0, 1), max_size=2), delivery=DELIVERIES)
def test_a_month_is_what_its_files_say(folder: Path, rows: list[Item], cuts: list[float], delivery: Delivery) -> None:
    fake = FakeWorld(folder)
    files = [Packed(gzip.compress(SPELLING.text(piece), mtime=0), "gzip") for piece in cut(items(rows), cuts)]
    keys = [f"cur/report/data/{number}.csv.gz" for number in range(len(files))]
    for key, file in zip(keys, files, strict=True):
        fake.bucket().put(key, file.body)
    fake.bucket().put(delivery.manifest_key, delivery.manifest(keys))

    [report] = fake.ingest()

    assert (report.state, report.errors) == (RunState.PUBLISHED, ())
    assert (report.version_id, report.billing_period, report.files.total) == (VERSION, "2024-01", len(files))
    assert figures(report.balance) == reference(*files).figures()
