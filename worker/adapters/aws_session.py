"""S3 as a source sees it: its credentials, its region, and every request on the wire counted and limited."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    DeferredRefreshableCredentials,
    RefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from worker.adapters.aws_errors import FOREIGN, translate
from worker.domain.source import Source, digest
from worker.ports import RateLimiter

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

DEFAULT_REGION = "us-east-1"
CONNECT_TIMEOUT_SECONDS = 5
ROLE_SESSION_NAME = "offgridflow-ingest"


class RequestMeter:
    """Counts requests, and takes a token of ``bucket`` before each one leaves.

    It listens where botocore sends, so pages, retries, redirects and the calls that fetch a role's credentials count
    too. A signature is older than its request by the wait for the token: waits must stay well below 15 minutes.
    """

    def __init__(self, limiter: RateLimiter, bucket: str) -> None:
        self.bucket = bucket
        self.requests = 0
        self._limiter = limiter

    def __call__(self, **_event: object) -> None:
        """One request is about to leave. It does, once this returns."""
        self._limiter.acquire(self.bucket)
        self.requests += 1


@dataclass(frozen=True, slots=True)
class S3Connection:
    """A client, and the meter that all its requests pass."""

    client: S3Client
    meter: RequestMeter


def connect_s3(
    source: Source, limiter: RateLimiter, *, endpoint_url: str = "", read_timeout_seconds: float = 30.0
) -> S3Connection:
    """S3 as the source's identity sees it. AuthError when no credentials are found; whether they are good, S3 will say.

    An explicit endpoint is addressed by path, because its host name has no bucket in it.
    """
    try:
        base = _session(source)
        credentials = base.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        region = source.region or base.get_config_variable("region") or DEFAULT_REGION
        timeouts = Config(connect_timeout=CONNECT_TIMEOUT_SECONDS, read_timeout=read_timeout_seconds)
        session = _in_role(source, base, credentials, partial(base.create_client, region_name=region, config=timeouts))
        meter = RequestMeter(limiter, f"s3:{_identity(source, credentials)}")
        for each in {base, session}:
            each.register("before-send", meter)
        config = timeouts.merge(_one_attempt(by_path=bool(endpoint_url)))
        client = session.create_client("s3", region, endpoint_url=endpoint_url or None, config=config)
    except FOREIGN as error:
        raise translate(error, about=f"credentials of source {source.name}") from error
    return S3Connection(cast("S3Client", client), meter)


def _session(source: Source) -> Session:
    session = Session(profile=source.profile or None)
    session.register_component("data_loader", _service_models())
    return session


@cache
def _service_models() -> Loader:
    """AWS's API descriptions, parsed once per process: reading them is most of what a new client costs."""
    return create_loader()


def _one_attempt(*, by_path: bool) -> Config:
    """No retries below ours: attempts are counted once, where the error's class decides about them."""
    return Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        s3={"addressing_style": "path"} if by_path else {},
        user_agent_extra="offgridflow-ingest",
    )


class _AssumedRole(CredentialProvider):
    """A role's credentials, fetched on first use and again before they expire."""

    METHOD = "assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> Credentials:
        return DeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)


def _in_role(source: Source, base: Session, credentials: Credentials, create_client: Any) -> Session:
    """The session that reads: ``base`` itself, or one in the source's role."""
    if not source.role_arn:
        return base
    extra = {"RoleSessionName": ROLE_SESSION_NAME}
    if source.external_id:
        extra["ExternalId"] = source.external_id
    session = _session(source)
    role = _AssumedRole(AssumeRoleCredentialFetcher(create_client, credentials, source.role_arn, extra))
    session.register_component("credential_provider", CredentialResolver([role]))
    return session


def _identity(source: Source, credentials: Credentials) -> str:
    """Who AWS takes us for, as a digest that says nothing: all workers that are the same one share its bucket.

    Keys that refresh themselves differ from process to process, so there it is how they are obtained that counts.
    """
    if source.role_arn:
        return digest("role", source.role_arn)[:16]
    if source.profile:
        return digest("profile", source.profile)[:16]
    if isinstance(credentials, RefreshableCredentials):
        return digest("method", credentials.method)[:16]
    return digest("key", credentials.access_key)[:16]
