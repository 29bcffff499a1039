"""AWS as a source sees it: its credentials, its region, and every request on the wire counted and limited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import boto3
from botocore.config import Config
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from worker.adapters.aws_credentials import identity, own_credentials, sign_in
from worker.adapters.aws_errors import FOREIGN, is_throttle, retry_after_seconds, translate
from worker.domain.source import Source
from worker.ports.limits import RateLimiter

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

DEFAULT_REGION = "us-east-1"
SUSTAINABILITY_REGION = "us-east-1"
"""Where the whole world's emissions are asked for."""

CONNECT_TIMEOUT_SECONDS = 5
PAUSE_SECONDS = 1.0
"""How long everybody stands back when a throttled request was not told for how long."""

Client = TypeVar("Client")


class RequestMeter:
    """Counts requests, takes a token of ``bucket`` before each one leaves, and pushes the bucket back when one is throttled.

    It listens where botocore sends, so pages, retries, redirects and the calls that fetch a role's credentials count
    too. A signature is older than its request by the wait for the token: waits must stay well below 15 minutes.
    """

    def __init__(self, limiter: RateLimiter, bucket: str) -> None:
        self.bucket = bucket
        self.requests = 0
        self._limiter = limiter

    def attach(self, session: Session) -> None:
        """Meter every request of every client that the session makes from now on."""
        session.register("before-send", self._leaving)
        session.register("response-received", self._answered)

    def _leaving(self, **_event: Any) -> None:
        """One request is about to leave. It does, once this returns."""
        self._limiter.acquire(self.bucket)
        self.requests += 1

    def _answered(self, **event: Any) -> None:
        """One request was answered, or was not. The pause that one is told is everybody's."""
        answer: Mapping[str, Any] = event["parsed_response"] or {}
        metadata = answer.get("ResponseMetadata", {})
        if is_throttle(answer.get("Error", {}).get("Code", ""), metadata.get("HTTPStatusCode", 0)):
            pause = retry_after_seconds(metadata.get("HTTPHeaders", {})) or PAUSE_SECONDS
            self._limiter.push_back(self.bucket, pause)


@dataclass(frozen=True, slots=True)
class Connection(Generic[Client]):
    """A client, and the meter that all its requests pass."""

    client: Client
    meter: RequestMeter


S3Connection: TypeAlias = "Connection[S3Client]"


def connect_s3(
    source: Source, limiter: RateLimiter, *, endpoint_url: str = "", read_timeout_seconds: float = 30.0
) -> S3Connection:
    """S3 as the source's identity sees it. AuthError when no credentials are found; whether they are good, S3 will say.

    An explicit endpoint is addressed by path, because its host name has no bucket in it.
    """
    config = Config(read_timeout=read_timeout_seconds, s3={"addressing_style": "path"} if endpoint_url else {})
    return _connect("s3", source, limiter, source.region, endpoint_url, config)


def connect_sustainability(
    source: Source, limiter: RateLimiter, *, endpoint_url: str = "", read_timeout_seconds: float = 30.0
) -> Connection[Any]:
    """AWS's Sustainability API as the source's identity sees it. BadRequestError when boto3 is too old to know it."""
    config = Config(read_timeout=read_timeout_seconds)
    return _connect("sustainability", source, limiter, SUSTAINABILITY_REGION, endpoint_url, config)


def connect_sts(source: Source, limiter: RateLimiter, *, read_timeout_seconds: float = 30.0) -> Connection[Any]:
    """Whoever can say whom AWS takes the source's identity for."""
    return _connect("sts", source, limiter, source.region, "", Config(read_timeout=read_timeout_seconds))


def _connect(
    service: str, source: Source, limiter: RateLimiter, region: str, endpoint_url: str, config: Config
) -> Connection[Any]:
    """A client of the service whose requests take their tokens from its family's bucket."""
    try:
        session = _session(source)
        own = own_credentials(session)
        meter = RequestMeter(limiter, f"{service}:{identity(source, own)}")
        meter.attach(session)
        region = region or session.get_config_variable("region") or DEFAULT_REGION
        connect: Any = partial(boto3.session.Session(botocore_session=session).client, region_name=region)
        config = Config(connect_timeout=CONNECT_TIMEOUT_SECONDS).merge(config)
        sign_in(source, session, own, service, partial(connect, config=config))
        client = connect(service, endpoint_url=endpoint_url or None, config=config.merge(_one_attempt()))
    except FOREIGN as error:
        raise translate(error, about=f"credentials of source {source.name}", source=source) from error
    return Connection(client, meter)


def _session(source: Source) -> Session:
    session = Session(profile=source.profile or None)
    session.register_component("data_loader", _service_models())
    return session


@cache
def _service_models() -> Loader:
    """AWS's API descriptions, parsed once per process: reading them is most of what a new client costs."""
    return create_loader()


def _one_attempt() -> Config:
    """No retries below ours: attempts are counted once, where the error's class decides about them."""
    return Config(retries={"mode": "standard", "total_max_attempts": 1}, user_agent_extra="offgridflow-ingest")
