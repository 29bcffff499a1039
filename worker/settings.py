"""Settings: the only reader of the environment. Unknown names are errors, all named at once."""

from __future__ import annotations

import ctypes
import os
import re
import tempfile
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.domain.errors import BadRequestError

PREFIX = "OFFGRIDFLOW_"
S3 = "s3://"


class Settings(BaseSettings):
    """Settings from `OFFGRIDFLOW_*` variables. docs/settings.md is made from this class."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    config: Path = Field(Path("offgridflow.toml"), description="the file that configures the sources")
    broker_url: SecretStr | None = Field(None, description="Redis or Valkey; unset: an embedded server is started")
    home: Path = Field(Path(".offgridflow"), description="where everything local is kept")
    catalog_uri: SecretStr | None = Field(
        None,
        description="Iceberg catalog, such as `postgresql+psycopg://user:password@host/database`; "
        "unset: `sqlite:///{HOME}/catalog.db`",
    )
    warehouse: str | None = Field(
        None, description="where the tables are: a folder, or `s3://bucket/prefix`; unset: `{HOME}/warehouse`"
    )
    warehouse_endpoint_url: str | None = Field(
        None, description="another S3 server than AWS's for the warehouse; its region is `AWS_DEFAULT_REGION`"
    )
    s3_endpoint_url: str | None = Field(None, description="another S3 server than AWS's for the sources")
    sqs_queue_url: str | None = Field(
        None, description="a queue of S3's or EventBridge's notifications, for `offgridflow listen`; unset: none"
    )
    rate_limit_capacity: int = Field(100, ge=1, description="tokens in the S3 bucket: requests at once")
    rate_limit_per_sec: float = Field(
        5.0, gt=0, description="tokens refilled a second: requests a second in the long run"
    )
    sustainability_endpoint_url: str | None = Field(None, description="another Sustainability API than AWS's")
    sustainability_rate_per_sec: float = Field(
        2.0, gt=0, description="the same for the Sustainability API, whose bucket holds 10 tokens"
    )
    max_retries: int = Field(3, ge=1, description="attempts at a file or a plan, the first included")
    request_timeout: float = Field(30.0, ge=1, description="seconds a request to AWS may stall")
    max_pages: int = Field(1000, ge=1, description="pages of one listing, of 1,000 keys each")
    concurrency: int | None = Field(None, ge=1, description="embedded file workers; unset: one for each core")
    spool_dir: Path | None = Field(
        None, description="where report files are spooled; unset: the system's temporary folder"
    )
    heartbeat_file: Path | None = Field(
        None, description="a file that each process touches while it turns and has a broker, for probes"
    )
    spool_limit: int = Field(20_000_000_000, ge=1, description="bytes that a report file may have to be spooled")
    stale_seconds: float = Field(120.0, gt=0, description="a run that has not moved for so long is looked after")
    run_deadline: timedelta = Field(timedelta(hours=6), description="a run that lasts longer is closed as failed")
    settle_seconds: float = Field(
        900.0, ge=0, description="data newer than its manifest and younger than this is a delivery under way"
    )
    unpacked_limit: int = Field(100_000_000_000, ge=1, description="bytes that one report file may unpack to")
    rejections_per_file: int = Field(
        10_000, ge=0, description="rejected rows of a file that are kept to look at; all are counted"
    )
    max_rejected_percent: float | None = Field(
        None, ge=0, le=100, description="a month with more rejected rows is not published"
    )

    page_password: SecretStr | None = Field(
        None, description="what `offgridflow page` asks for, of a user called `offgridflow`; unset: it asks for nothing"
    )
    flower_url: str | None = Field(None, description="where Flower is, for a link on the page")
    trace_url: str | None = Field(
        None, description="where a run's trace is shown, for a link on the page; `{run_id}` in it is the run's"
    )

    @property
    def catalog(self) -> str:
        """The catalog's URI; it may hold a password."""
        return (
            self.catalog_uri.get_secret_value() if self.catalog_uri else f"sqlite:///{self.home.resolve()}/catalog.db"
        )

    @property
    def warehouse_url(self) -> str:
        """Where the warehouse is: an absolute path, or ``s3://``."""
        place = (self.warehouse or str(self.home / "warehouse")).removeprefix("file://")
        return place if place.startswith(S3) else str(Path(place).resolve())

    @property
    def spool_folder(self) -> Path:
        """Below which folder scratch files are."""
        return self.spool_dir or Path(tempfile.gettempdir())

    @field_validator("warehouse")
    @classmethod
    def _is_a_place(cls, value: str | None) -> str | None:
        """What the table calls its files is taken apart again by other libraries: it has to be plain."""
        scheme, separator, rest = (value or "").partition("://")
        if separator and scheme not in {"file", "s3"}:
            raise ValueError("must be a folder, or s3://bucket/prefix")
        if scheme == "s3" and not re.fullmatch(r"[a-z0-9.-]+(/[\w.=/-]*)?", rest, re.ASCII):
            raise ValueError("must be s3://bucket/prefix, the prefix of letters, digits and . _ = - /")
        return value


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
        raise explained(error, "the environment", PREFIX) from error


def broker_url() -> str:
    """The broker's URL, password and all; a BadRequestError if none is configured."""
    url = settings().broker_url
    if url is None:
        remedy = "set OFFGRIDFLOW_BROKER_URL to redis://… or rediss://…; only commands can do without"
        raise BadRequestError("no broker is configured", "configuration", remedy)
    return url.get_secret_value()


def broker_tls() -> dict[str, str] | None:
    """How a ``rediss://`` broker is trusted, as its URL says in ``ssl_…``; required if it does not. None without TLS."""
    url = urlsplit(broker_url())
    said = {name: value for name, value in parse_qsl(url.query) if name.startswith("ssl_")}
    return {"ssl_cert_reqs": "required"} | said if url.scheme == "rediss" else None


ENGINES = {"POLARS_MAX_THREADS": "1", "POLARS_ASYNC_THREAD_COUNT": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""One polars thread a process, for rules and for reading, since throughput comes from processes; and no pool of Arrow's own, which keeps 70 MiB more."""

M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
KEPT_BLOCKS, KEPT_HEAP = 16 << 20, 1 << 30
"""Bytes. Were larger blocks kept too, chance would decide how well others fit between them: some files took 100 MiB more.
Were those of 4 MiB given back, a conversion would take a tenth more of CPU time (both measured)."""


def prepare_engines() -> None:
    """Set up polars and Arrow for this process, without effect once they are imported; and glibc's allocator, where it is.

    By itself that gives memory back to the kernel whenever some is free, and takes it anew: a twentieth of a conversion's CPU
    time goes into page faults (measured). So it keeps its heap, and only blocks of a report's size come and go.
    """
    for name, value in ENGINES.items():
        os.environ.setdefault(name, value)  # noqa: TID251 (and no other may set it)
    with suppress(AttributeError):
        for option, size in ((M_MMAP_THRESHOLD, KEPT_BLOCKS), (M_TRIM_THRESHOLD, KEPT_HEAP)):
            ctypes.CDLL(None).mallopt(option, size)


def exported_signals() -> frozenset[str]:
    """Which of traces, metrics and logs are to be sent to a collector, by OpenTelemetry's own variables; unset: none."""
    given = {name: value.lower() for name, value in os.environ.items() if name.startswith("OTEL_")}  # noqa: TID251 (see above)
    if given.get("OTEL_SDK_DISABLED") == "true":
        return frozenset()
    everywhere = given.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    return frozenset(
        signal
        for signal in ("traces", "metrics", "logs")
        if given.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT") or everywhere
        if given.get(f"OTEL_{signal.upper()}_EXPORTER") != "none"
    )


def environment_for(broker: str) -> dict[str, str]:
    """The environment of a worker that we start ourselves, wherever it runs."""
    return os.environ | {  # noqa: TID251 (a child inherits it)
        f"{PREFIX}BROKER_URL": broker,
        f"{PREFIX}HOME": str(settings().home.resolve()),
        f"{PREFIX}CONFIG": str(settings().config.resolve()),
        **ENGINES,
        "REMAP_SIGTERM": "SIGQUIT",
    }


def explained(error: ValidationError, where: str, prefix: str = "") -> BadRequestError:
    """Every mistake in one message; never the values, which may be secret."""
    mistakes = []
    for mistake in error.errors(include_url=False, include_input=False):
        name = ".".join(str(each) for each in mistake["loc"])
        mistakes.append(
            f"{prefix + name.upper() if prefix else name}: {mistake['msg'].removeprefix('Value error, ')}".lstrip(": ")
        )
    return BadRequestError(f"{where}: {'; '.join(mistakes)}", "configuration", "correct what is named")


def settings_table() -> str:
    """The table of docs/settings.md, in Markdown."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)
