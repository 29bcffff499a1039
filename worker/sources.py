"""The sources of offgridflow.toml, or one that a command line names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from worker.domain.errors import BadRequestError
from worker.domain.source import Source, digest
from worker.settings import explained, settings
from worker.source_config import SourceConfig


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

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
    sources = _parsed(text, path)
    known = dict.fromkeys(source.name for source in sources)
    if unknown := [name for name in names if name not in known]:
        message = f"no source {', '.join(unknown)} in {path}"
        raise BadRequestError(message, "configuration", f"there is {', '.join(known) or 'none'}")
    return tuple(source for source in sources if not names or source.name in names)


def source_of(url: str, org_id: str, name: str | None = None, **fields: object) -> Source:
    """A source given on the command line or from Python; a BadRequestError names everything wrong with it."""
    [source] = _validated({"name": name or default_name(url), "org_id": org_id, "cur": {"url": url}, **fields})
    return source


def carbon_source_of(org_id: str, name: str, url: str | None = None, **fields: object) -> Source:
    """AWS's estimates of emissions: those delivered to ``url``, or what its API answers."""
    place = {"via": "export", "url": url} if url else {"via": "api"}
    [source] = _validated({"name": name, "org_id": org_id, "carbon": place, **fields})
    return source


def _validated(given: dict[str, object]) -> tuple[Source, ...]:
    try:
        return tuple(SourceConfig.model_validate(given).sources())
    except ValidationError as error:
        raise explained(error, "the source") from error


def default_name(url: str) -> str:
    """The URL's last part in a source name's letters, and six digits that tell it from others of that name."""
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2] or urlsplit(url).netloc
    return f"{re.sub(r'[^a-z0-9]+', '-', last.lower()).strip('-') or 'source'}-{digest(url)[:6]}"


def _parsed(text: str, path: Path) -> tuple[Source, ...]:
    try:
        configured = _File.model_validate(tomllib.loads(text)).source
        return tuple(source for each in configured for source in each.sources())
    except tomllib.TOMLDecodeError as error:
        raise BadRequestError(f"{path} is no TOML: {error}", "configuration", "correct it there") from error
    except ValidationError as error:
        raise explained(error, str(path)) from error
