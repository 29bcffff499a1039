"""One sample delivery: a month of given rows, written below a folder as AWS writes it into a bucket.

Acceptance tests compose their edge cases from these; `sample_bucket` writes the demo with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice, repeat
from pathlib import Path

from worker.adapters.sample_columns import PAYER, Cells, ExportShape, LegacyShape, athena_name
from worker.adapters.sample_files import DOUBLES, TIMESTAMPS, FileFormat, write_report_file
from worker.domain.billing_period import BillingPeriod


class Layout(StrEnum):
    """Which of AWS's two services delivers: the legacy Cost and Usage Report, or CUR 2.0 through Data Exports."""

    LEGACY = "legacy"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Month:
    """One delivery of one billing period.

    ``rows`` are as `sample_columns.line_item` makes them. ``columns`` are the ones to write, in order; when empty, every
    key of the rows, which are then held in memory. A file ends after ``rows_per_file`` rows (None: one file). ``surplus``
    adds header-only chunks, as a smaller refresh leaves in overwrite mode. ``overwrite`` False is AWS's create-new mode.
    """

    period: str
    rows: Iterable[Mapping[str, str]] = ()
    columns: tuple[str, ...] = ()
    layout: Layout = Layout.LEGACY
    overwrite: bool = False
    version_id: str = "6b1d2a52-0f5c-4c1e-9d59-6f6a3f2b7c01"
    prefix: str = ""
    name: str = "report"
    bucket: str = "sample-bucket"
    file_format: FileFormat = FileFormat.GZIP
    rows_per_file: int | None = None
    surplus: int = 0

    @property
    def billing_period(self) -> BillingPeriod:
        """The month itself."""
        return BillingPeriod.parse(self.period)

    @property
    def data_folder(self) -> str:
        """The folder of its report files."""
        if self.layout is Layout.EXPORT:
            return _join(self.prefix, self.name, "data", self._partition, "" if self.overwrite else self._execution)
        return _join(self.prefix, self.name, self._dates, "" if self.overwrite else self.version_id)

    @property
    def manifest_keys(self) -> tuple[str, ...]:
        """Where its manifest is written; the last is the one that every refresh overwrites."""
        if self.layout is Layout.EXPORT:
            latest = _join(self.prefix, self.name, "metadata", self._partition)
            folders = (latest,) if self.overwrite else (f"{latest}/{self._execution}", latest)
        else:
            latest = _join(self.prefix, self.name, self._dates)
            folders = (latest,) if self.overwrite else (self.data_folder, latest)
        return tuple(f"{folder}/{self.name}-Manifest.json" for folder in folders)

    @property
    def _dates(self) -> str:
        return f"{self.billing_period.start:%Y%m%d}-{self.billing_period.end:%Y%m%d}"

    @property
    def _partition(self) -> str:
        return f"BILLING_PERIOD={self.billing_period}"

    @property
    def _execution(self) -> str:
        """Create-new exports stamp the folder with the time of the run; here it is always the month's end."""
        return f"{self.billing_period.end:%Y-%m-%dT%H:%M:%S.000Z}-{self.version_id}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The keys written: report files as the manifest lists them, then the manifest's own, the latest-pointer last."""

    files: tuple[str, ...]
    manifests: tuple[str, ...]


def write_month(folder: Path, month: Month) -> Delivery:
    """Write the month below ``folder``, which stands for the bucket: report files first, manifests last, as AWS does.

    What an earlier delivery left there stays, or is overwritten where the keys are the same.
    """
    rows = month.rows if month.columns else list(month.rows)
    columns = month.columns or tuple(dict.fromkeys(chain.from_iterable(rows)))
    shape = ExportShape.of(columns) if month.layout is Layout.EXPORT else LegacyShape(columns)
    # In Parquet a legacy report has Athena's names; CUR 2.0 has them already.
    parquet = month.file_format is FileFormat.PARQUET
    header = tuple(athena_name(name) for name in shape.header) if parquet else shape.header
    keys = []
    for number, cells in enumerate(_files(map(shape.cells, rows), month), start=1):
        key = f"{month.data_folder}/{month.name}-{number:05}{month.file_format.suffix}"
        write_report_file(folder / key, month.file_format, header, cells)
        keys.append(key)
    document = _manifest(month, shape.header, keys)
    for key in month.manifest_keys:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_text(json.dumps(document, indent=2), encoding="utf-8")
    return Delivery(tuple(keys), month.manifest_keys)


def _files(cells: Iterator[Cells], month: Month) -> Iterator[Iterable[Cells]]:
    """The rows of each file. A month without rows is one header-only file, as AWS delivers the first of a month."""
    size = month.rows_per_file
    yield islice(cells, size)
    while size and (first := next(cells, None)) is not None:
        yield chain((first,), islice(cells, size - 1))
    yield from repeat((), month.surplus)


def _manifest(month: Month, header: Sequence[str], keys: Sequence[str]) -> Mapping[str, object]:
    if month.layout is Layout.EXPORT:
        return {
            "columns": [{"name": name, "type": _type(name)} for name in header],
            "dataFiles": [f"s3://{month.bucket}/{key}" for key in keys],
            "executionId": month.version_id,
            "exportArn": f"arn:aws:bcm-data-exports:us-east-1:{PAYER}:export/{month.name}",
        }
    span = month.billing_period
    return {
        "assemblyId": month.version_id,
        "account": PAYER,
        "columns": [_legacy_column(name) for name in header],
        "charset": "UTF-8",
        "compression": month.file_format,
        "contentType": "Parquet" if month.file_format is FileFormat.PARQUET else "text/csv",
        "reportId": "0" * 64,
        "reportName": month.name,
        "billingPeriod": {"start": f"{span.start:%Y%m%dT%H%M%S.000Z}", "end": f"{span.end:%Y%m%dT%H%M%S.000Z}"},
        "bucket": month.bucket,
        "reportKeys": list(keys),
        "additionalArtifactKeys": [],
    }


def _legacy_column(header: str) -> Mapping[str, str]:
    category, _, name = header.partition("/")
    return {"category": category, "name": name} if name else {"category": "", "name": header}


def _type(name: str) -> str:
    if name in {"product", "resource_tags"}:
        return "map"
    if name.endswith(TIMESTAMPS):
        return "timestamp"
    return "double" if name.endswith(DOUBLES) else "string"


def _join(*folders: str) -> str:
    return "/".join(folder for folder in folders if folder)
