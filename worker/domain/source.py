"""A configured source: whose usage it is, where AWS delivers it, and as whom we read it. It holds no secret."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from worker.domain.billing_period import BillingPeriod

CUR, CARBON = "aws_cur", "aws_carbon_footprint"
"""What activities are made of: line items of usage, or AWS's own estimates of emissions."""

CONNECTORS = {CUR: "aws", CARBON: "aws-carbon"}
"""What reports and metrics call the way by which each kind comes."""

KINDS = {connector: kind for kind, connector in CONNECTORS.items()}

API_URL = "aws:sustainability"
"""The place of estimates that are asked for, not delivered."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place under which reports are delivered: ``s3://bucket/prefix`` or ``file:///folder``, or AWS's API for them.

    ``bucket`` is empty for a folder; ``prefix`` is then its absolute path.
    """

    scheme: str
    bucket: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Location:
        """The parts of a URL that settings have already validated."""
        parts = urlsplit(url)
        path = unquote(parts.path) if parts.scheme == "file" else parts.path.lstrip("/")
        return cls(parts.scheme, parts.netloc, path)

    def __str__(self) -> str:
        if self.scheme == "aws":
            return "AWS's Sustainability API"
        return f"{self.scheme}://{self.bucket}/{self.prefix.lstrip('/')}"


@dataclass(frozen=True, slots=True)
class Source:
    """One ``[[source]]`` with its ``[source.cur]`` or its ``[source.carbon]``; one that has both is two of these.

    ``kind`` says which: `CUR` or `CARBON`. Names were validated; ``start`` and ``end`` are half open.
    """

    name: str
    org_id: str
    url: str
    kind: str = CUR
    workspace_id: str = ""
    region: str = ""
    account_id: str = ""
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    start: BillingPeriod | None = None
    end: BillingPeriod | None = None
    report: str = ""
    requester_pays: bool = False
    bucket_owner: str = ""

    @property
    def connector(self) -> str:
        """By which way it comes: ``aws`` or ``aws-carbon``."""
        return CONNECTORS[self.kind]

    @property
    def is_asked_for(self) -> bool:
        """Whether an API has to be asked for it; else AWS delivers it."""
        return self.url == API_URL

    @property
    def location(self) -> Location:
        """Where its reports are."""
        return Location.parse(self.url)

    def covers(self, period: BillingPeriod) -> bool:
        """Whether the month is one that the source was configured for."""
        return period.is_within(self.start, self.end)

    @property
    def configuration_digest(self) -> str:
        """Digest of what decides which rows are read and how they are labelled; a change means: publish again.

        The range of months and the credentials are not in it: neither changes what a month says.
        """
        return digest(self.org_id, self.workspace_id, self.name, self.account_id, self.url, self.report)


def digest(*parts: str) -> str:
    """SHA-256 of the parts, unambiguous about where each ends, as 64 hex digits."""
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
