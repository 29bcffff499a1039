"""Sources, as offgridflow.toml or a command line has them: what is wrong with one is said at once, and never its values."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError, IngestError
from worker.domain.source import Source, digest
from worker.settings import explained, settings


def _period(text: str) -> str:
    try:
        return str(BillingPeriod.parse(text))
    except IngestError as error:
        raise ValueError(error.message) from error


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme == "s3" and re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc):
        return text
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return text
    message = f"{text!r} is neither s3://bucket/prefix nor file:///absolute/path"
    raise ValueError(message)


def _word(letters: str, spelled: str) -> AfterValidator:
    """Names go into file names, partitions and keys: what could be mistaken there is refused."""

    def checked(text: str) -> str:
        if not re.fullmatch(f"[{letters}]+", text):
            message = f"{text!r} may only have {spelled}"
            raise ValueError(message)
        return text

    return AfterValidator(checked)


SourceName = Annotated[str, _word("a-z0-9-", "small letters, digits and -")]
TenantId = Annotated[str, _word("A-Za-z0-9_-", "letters, digits, _ and -")]
Period = Annotated[str, AfterValidator(_period)]
Url = Annotated[str, AfterValidator(_url)]
Account = Annotated[str, Field(pattern=r"^\d{12,13}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CurConfig(_Strict):
    """`[source.cur]`: where the cost and usage report is delivered."""

    url: Url
    report: str = ""
    requester_pays: bool = False
    bucket_owner: Account | None = None


class SourceConfig(_Strict):
    """One `[[source]]` as a person writes it."""

    name: SourceName
    org_id: TenantId
    workspace_id: TenantId | None = None
    region: str = ""
    account_id: Account | None = None
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    start: Period | None = None
    end: Period | None = None
    cur: CurConfig

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.start >= self.end:
            message = f"start {self.start} is not before end {self.end} (the end is exclusive)"
            raise ValueError(message)
        return self

    def source(self) -> Source:
        """The same as the domain knows it."""
        return Source(
            name=self.name,
            org_id=self.org_id,
            url=self.cur.url,
            workspace_id=self.workspace_id or "",
            region=self.region,
            account_id=self.account_id or "",
            profile=self.profile,
            role_arn=self.role_arn,
            external_id=self.external_id,
            start=BillingPeriod.parse(self.start) if self.start else None,
            end=BillingPeriod.parse(self.end) if self.end else None,
            report=self.cur.report,
            requester_pays=self.cur.requester_pays,
            bucket_owner=self.cur.bucket_owner or "",
        )


class _File(_Strict):
    source: list[SourceConfig] = []

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [each.name for each in self.source]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            message = f"source names must be unique; twice: {', '.join(twice)}"
            raise ValueError(message)
        return self


def configured_sources(names: tuple[str, ...] = ()) -> tuple[Source, ...]:
    """The sources of offgridflow.toml, or those named; a BadRequestError says what is wrong with the file."""
    path = settings().config
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        message = f"there is no {path}"
        remedy = "write one, set OFFGRIDFLOW_CONFIG, or use --url and --org"
        raise BadRequestError(message, "configuration", remedy) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequestError(
            f"{path} cannot be read: {error}", "configuration", "make it readable, in UTF-8"
        ) from error
    sources = {each.name: each for each in _parsed(text, path)}
    if unknown := [name for name in names if name not in sources]:
        message = f"no source {', '.join(unknown)} in {path}"
        raise BadRequestError(message, "configuration", f"there is {', '.join(sources) or 'none'}")
    return tuple(source for name, source in sources.items() if not names or name in names)


def source_of(url: str, org_id: str, name: str | None = None, **fields: object) -> Source:
    """A source given on the command line or from Python; a BadRequestError names everything wrong with it."""
    given = {"name": name or default_name(url), "org_id": org_id, "cur": {"url": url}, **fields}
    try:
        return SourceConfig.model_validate(given).source()
    except ValidationError as error:
        raise explained(error, "the source") from error


def default_name(url: str) -> str:
    """The URL's last part in a source name's letters, and six digits that tell it from others of that name."""
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2] or urlsplit(url).netloc
    return f"{re.sub(r'[^a-z0-9]+', '-', last.lower()).strip('-') or 'source'}-{digest(url)[:6]}"


def _parsed(text: str, path: Path) -> tuple[Source, ...]:
    try:
        return tuple(each.source() for each in _File.model_validate(tomllib.loads(text)).source)
    except tomllib.TOMLDecodeError as error:
        raise BadRequestError(f"{path} is no TOML: {error}", "configuration", "correct it there") from error
    except ValidationError as error:
        raise explained(error, str(path)) from error
