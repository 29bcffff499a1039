"""One ``[[source]]`` as a person writes it: what is wrong with one is said at once, and never its values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import IngestError
from worker.domain.source import API_URL, CARBON, Source


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


class CarbonConfig(_Strict):
    """`[source.carbon]`: AWS's own estimates of emissions, asked for (``api``) or delivered (``export``)."""

    via: Literal["api", "export"]
    url: Url | None = None
    report: str = ""
    requester_pays: bool = False
    bucket_owner: Account | None = None

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if (self.via == "export") != bool(self.url):
            raise ValueError('via = "export" needs a url' if self.via == "export" else 'via = "api" takes no url')
        return self


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
    cur: CurConfig | None = None
    carbon: CarbonConfig | None = None

    @model_validator(mode="after")
    def _has_something_to_read(self) -> Self:
        if not (self.cur or self.carbon):
            message = "a source needs [source.cur], [source.carbon] or both"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.start >= self.end:
            message = f"start {self.start} is not before end {self.end} (the end is exclusive)"
            raise ValueError(message)
        return self

    def sources(self) -> Iterator[Source]:
        """The same as the domain knows it: usage and emissions apart, so that neither waits for the other."""
        if self.cur:
            yield self._source(self.cur, self.cur.url)
        if self.carbon:
            yield replace(self._source(self.carbon, self.carbon.url or API_URL), kind=CARBON)

    def _source(self, place: CurConfig | CarbonConfig, url: str) -> Source:
        return Source(
            name=self.name,
            org_id=self.org_id,
            url=url,
            workspace_id=self.workspace_id or "",
            region=self.region,
            account_id=self.account_id or "",
            profile=self.profile,
            role_arn=self.role_arn,
            external_id=self.external_id,
            start=BillingPeriod.parse(self.start) if self.start else None,
            end=BillingPeriod.parse(self.end) if self.end else None,
            report=place.report,
            requester_pays=place.requester_pays,
            bucket_owner=place.bucket_owner or "",
        )
