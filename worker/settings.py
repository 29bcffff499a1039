"""Configuration: the only reader of the environment and of offgridflow.toml. Unknown keys are errors, all named at once."""

from __future__ import annotations

import os
import re
import tomllib
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError, IngestError
from worker.domain.source import Source, digest

PREFIX = "OFFGRIDFLOW_"


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

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    org_id: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    workspace_id: str = Field("", pattern=r"^[A-Za-z0-9_-]*$")
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
            workspace_id=self.workspace_id,
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


class Settings(BaseSettings):
    """Settings from `OFFGRIDFLOW_*` variables. The README's table is made from this class."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    config: Path = Field(Path("offgridflow.toml"), description="the file that configures the sources")
    broker_url: SecretStr | None = Field(None, description="Redis or Valkey; unset: an embedded server is started")
    home: Path = Field(Path(".offgridflow"), description="where everything local is kept")
    catalog_uri: SecretStr | None = Field(None, description="Iceberg catalog; unset: `sqlite:///{HOME}/catalog.db`")
    warehouse: str | None = Field(None, description="where the tables are; unset: `{HOME}/warehouse`")
    s3_endpoint_url: str | None = Field(None, description="another S3 server than AWS's")
    rate_limit_capacity: int = Field(100, ge=1, description="tokens in the S3 bucket: requests at once")
    rate_limit_per_sec: float = Field(
        5.0, gt=0, description="tokens refilled a second: requests a second in the long run"
    )
    max_retries: int = Field(3, ge=1, description="attempts at a file or a plan, the first included")
    request_timeout: float = Field(30.0, ge=1, description="seconds a request to AWS may stall")
    max_pages: int = Field(1000, ge=1, description="pages of one listing, of 1,000 keys each")
    concurrency: int | None = Field(None, ge=1, description="embedded file workers; unset: one for each core")
    spool_dir: Path | None = Field(
        None, description="where report files are spooled; unset: the system's temporary folder"
    )
    stale_seconds: float = Field(120.0, gt=0, description="a run that has not moved for so long is looked after")
    run_deadline: timedelta = Field(timedelta(hours=6), description="a run that lasts longer is closed as failed")
    settle_seconds: float = Field(
        900.0, ge=0, description="data newer than its manifest and younger than this is a delivery under way"
    )
    max_rejected_percent: float | None = Field(
        None, ge=0, le=100, description="a month with more rejected rows is not published"
    )

    @property
    def catalog(self) -> str:
        """The catalog's URI; it may hold a password."""
        return (
            self.catalog_uri.get_secret_value() if self.catalog_uri else f"sqlite:///{self.home.resolve()}/catalog.db"
        )

    @property
    def warehouse_folder(self) -> Path:
        """The warehouse's folder."""
        return Path((self.warehouse or str(self.home / "warehouse")).removeprefix("file://")).resolve()


@cache
def settings() -> Settings:
    """The process's settings; a BadRequestError names everything wrong with them."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    set_here = {name for name in os.environ if name.startswith(PREFIX)}  # noqa: TID251 (this module reads it)
    if unknown := sorted(set_here - known):
        message = f"unknown setting {', '.join(unknown)}"
        raise BadRequestError(message, "configuration", f"known are {', '.join(sorted(known))}")
    try:
        return Settings()
    except ValidationError as error:
        raise _explained(error, "the environment", PREFIX) from error


def broker_url() -> str:
    """The broker's URL, password and all; a BadRequestError if none is configured."""
    url = settings().broker_url
    if url is None:
        remedy = "set OFFGRIDFLOW_BROKER_URL to redis://… or rediss://…; only commands can do without"
        raise BadRequestError("no broker is configured", "configuration", remedy)
    return url.get_secret_value()


def polars_threads() -> None:
    """One polars thread a process: throughput comes from processes. Without effect once polars is imported."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # noqa: TID251 (and no other may set it)


def environment_for(broker: str) -> dict[str, str]:
    """The environment of a worker that we start ourselves, wherever it runs."""
    return os.environ | {  # noqa: TID251 (a child inherits it)
        f"{PREFIX}BROKER_URL": broker,
        f"{PREFIX}HOME": str(settings().home.resolve()),
        f"{PREFIX}CONFIG": str(settings().config.resolve()),
        "POLARS_MAX_THREADS": "1",
        "REMAP_SIGTERM": "SIGQUIT",
    }


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
        raise _explained(error, "the source") from error


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
        raise _explained(error, str(path)) from error


def _explained(error: ValidationError, where: str, prefix: str = "") -> BadRequestError:
    """Every mistake in one message; never the values, which may be secret."""
    mistakes = []
    for mistake in error.errors(include_url=False, include_input=False):
        name = ".".join(str(each) for each in mistake["loc"])
        mistakes.append(f"{prefix + name.upper() if prefix else name}: {mistake['msg']}".lstrip(": "))
    return BadRequestError(f"{where}: {'; '.join(mistakes)}", "configuration", "correct what is named")
