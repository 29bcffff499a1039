"""The manifest: AWS's own list of what a delivery contains, in the three shapes that are met.

Legacy reports name plain keys under ``reportKeys``; Data Exports (CUR 2.0) name ``s3://`` URLs under ``dataFiles`` and may
say nothing else but ``columns``, ``executionId`` and ``exportArn``; the founding shape lists ``files`` of key and size.
Membership of a month comes from here alone. Unknown fields are ignored: AWS adds some.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError
from worker.domain.listed_file import Content, bucket_of, content_of, key_of

SIZE_CAP = 64 * 1024 * 1024
"""Bytes. A manifest of 10,000 files and 1,000 columns is 2 MB; what is larger is no manifest."""

REMEDY = "check that this is the manifest AWS delivered, whole and unchanged"


class Compression(StrEnum):
    """How the report files are packed."""

    NONE = "none"
    GZIP = "gzip"
    ZIP = "zip"
    PARQUET = "parquet"


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Span(_Wire):
    start: str
    end: str


class _ListedFile(_Wire):
    key: str
    size: int | None = None


class _Column(_Wire):
    name: str
    category: str = ""

    @property
    def header(self) -> str:
        return f"{self.category}/{self.name}" if self.category else self.name


class _Body(_Wire):
    assembly_id: str | None = Field(None, alias="assemblyId")
    execution_id: str | None = Field(None, alias="executionId")
    account: str = ""
    report_name: str = Field("", alias="reportName")
    billing_period: _Span | None = Field(None, alias="billingPeriod")
    bucket: str = ""
    charset: str = "UTF-8"
    compression: str = ""
    columns: list[_Column] = []
    report_keys: list[str] = Field([], alias="reportKeys")
    data_files: list[str] = Field([], alias="dataFiles")
    files: list[_ListedFile] = []


@dataclass(frozen=True, slots=True)
class Manifest:
    """One delivery of one billing period. ``files`` are keys in AWS's order; ``bucket`` is what AWS wrote, only reported."""

    key: str
    version_id: str
    period: BillingPeriod
    files: tuple[str, ...]
    report_name: str
    account: str
    bucket: str
    charset: str
    compression: Compression
    columns: tuple[str, ...]

    def file(self, key: str) -> str | None:
        """The listed file of exactly this key."""
        return key if key in self.files else None

    def is_newer_than(self, version_id: str | None) -> bool:
        """Whether this is another delivery than the one known by ``version_id`` (None: none is known)."""
        return version_id != self.version_id

    def summary(self, sizes: dict[str, int]) -> str:
        """One line for people; ``sizes`` are the files' bytes by key, from the listing."""
        total = sum(sizes.get(key, 0) for key in self.files)
        return f"version {self.version_id}, {self.period}, {len(self.files)} files, {total:,} bytes"


def parse_manifest(body: bytes, key: str, folder_period: BillingPeriod | None, etag: str) -> Manifest:
    """Read and validate a manifest found at ``key``; anything wrong is a BadRequestError that says what.

    ``folder_period`` is the month that the key's folders spell; it is used when the body names none, and must agree when it
    does. A delivery that names no version is known by the manifest's ``etag``.
    """
    wire = _decode(body, key)
    listed = wire.report_keys or wire.data_files or [file.key for file in wire.files]
    files = report_files(tuple(key_of(each) for each in listed), key)
    return Manifest(
        key=key,
        version_id=_version_id(wire, key, etag),
        period=_period(wire, key, folder_period),
        files=_verbatim(files, key),
        report_name=wire.report_name,
        account=wire.account,
        bucket=wire.bucket or next((bucket_of(each) for each in listed), ""),
        charset=wire.charset or "UTF-8",
        compression=_compression(wire, files, key),
        columns=tuple(column.header for column in wire.columns),
    )


def report_files(keys: tuple[str, ...], manifest_key: str) -> tuple[str, ...]:
    """The keys to read, in order: CSV when there is any, else Parquet; companions never.

    A file of no known kind is refused rather than left out: a month must not be silently incomplete.
    """
    contents = [(key, content_of(key)) for key in keys]
    if unknown := [key for key, content in contents if content is Content.UNKNOWN]:
        message = f"manifest {manifest_key} names {unknown[0]}, which is neither CSV nor Parquet"
        raise BadRequestError(message, "unknown_format", REMEDY)
    for wanted in (Content.CSV, Content.PARQUET):
        if chosen := tuple(key for key, content in contents if content is wanted):
            return chosen
    raise BadRequestError(f"manifest {manifest_key} names no report files", "no_report_files", REMEDY)


def _decode(body: bytes, key: str) -> _Body:
    if len(body) > SIZE_CAP:
        raise BadRequestError(f"manifest {key} is larger than {SIZE_CAP:,} bytes", "manifest_too_large", REMEDY)
    try:
        return _Body.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        message = f"manifest {key} cannot be read: {where + ': ' if where else ''}{first['msg']}"
        raise BadRequestError(message, "bad_manifest", REMEDY) from error


def _version_id(wire: _Body, key: str, etag: str) -> str:
    named = wire.execution_id if wire.data_files and wire.execution_id is not None else wire.assembly_id
    if named is None and wire.data_files:
        return etag
    if named is None or not named.strip():
        raise BadRequestError(f"manifest {key} has no version id (assemblyId)", "no_version_id", REMEDY)
    return named


def _period(wire: _Body, key: str, folder_period: BillingPeriod | None) -> BillingPeriod:
    said = BillingPeriod.of_span(wire.billing_period.start, wire.billing_period.end) if wire.billing_period else None
    if said and folder_period and said != folder_period:
        message = f"manifest {key} says {said}, its folder says {folder_period}"
        raise BadRequestError(message, "period_mismatch", REMEDY)
    period = said or folder_period
    if period is None:
        raise BadRequestError(f"manifest {key} names no billing period, nor does its folder", "no_period", REMEDY)
    return period


def _compression(wire: _Body, files: tuple[str, ...], key: str) -> Compression:
    """Decide from the manifest; a Data Exports manifest does not say, then from the file names."""
    match wire.compression.upper():
        case "GZIP":
            return Compression.GZIP
        case "ZIP":
            return Compression.ZIP
        case "PARQUET":
            return Compression.PARQUET
        case "" | "NONE":
            return _compression_of_name(files[0])
        case other:
            raise BadRequestError(
                f"manifest {key} says compression {other}, which AWS never writes", "bad_format", REMEDY
            )


def _compression_of_name(name: str) -> Compression:
    endings = {".gz": Compression.GZIP, ".zip": Compression.ZIP, ".parquet": Compression.PARQUET}
    return next((kind for suffix, kind in endings.items() if name.lower().endswith(suffix)), Compression.NONE)


def _verbatim(files: tuple[str, ...], manifest_key: str) -> tuple[str, ...]:
    """Take keys as they are, but for leading slashes that the manifest's own key does not share."""
    if manifest_key.startswith("/"):
        return files
    return tuple(file.lstrip("/") for file in files)
