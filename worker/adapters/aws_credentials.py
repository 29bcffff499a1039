"""Whom a source's requests are signed by: what boto3's own chain finds, or a role that it may assume."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    DeferredRefreshableCredentials,
    ReadOnlyCredentials,
    RefreshableCredentials,
    create_credential_resolver,
)
from botocore.exceptions import NoCredentialsError
from botocore.session import Session

from worker.adapters.aws_error_table import EXPIRED
from worker.domain.source import Source, digest

ROLE_SESSION_NAME = "offgridflow-ingest"

_RENEWED = "offgridflow_renewed"


class RenewableCredentials(Credentials):
    """Credentials that can be had anew, from the very start, before they are due.

    botocore renews what is about to expire; what AWS calls expired before that (a clock that jumped, a session that was
    ended) it would keep sending. A request that is refused so is sent once more, with new credentials.
    """

    def __init__(self, first: Credentials, load: Callable[[], Credentials]) -> None:
        super().__init__("", "", method=first.method)
        self._loaded = first
        self._load = load

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """What to sign with now."""
        return self._loaded.get_frozen_credentials()

    def renew_once(self, request_dict: dict[str, Any], response: Any, **_event: Any) -> float | None:
        """In how many seconds to send a request again, if at all: what botocore asks as ``needs-retry``."""
        code = response[1].get("Error", {}).get("Code") if response else None
        if code not in EXPIRED or request_dict["context"].get(_RENEWED):
            return None
        request_dict["context"][_RENEWED] = True
        self._loaded = self._load()
        return 0.0


def own_credentials(session: Session) -> Credentials:
    """What boto3's chain finds. NoCredentialsError when it finds nothing."""
    credentials = create_credential_resolver(session).load_credentials()
    if credentials is None:
        raise NoCredentialsError
    return credentials


def sign_in(source: Source, session: Session, own: Credentials, service: str, sts: Callable[..., Any]) -> None:
    """Let the session's clients of ``service`` sign as the source, where that is not as its ``own`` credentials say.

    ``sts`` makes a client, when given a service's name and credentials. Keys that never change are left to the chain.
    """
    role = partial(_role, source, sts)
    if source.role_arn:
        signer = RenewableCredentials(role(own), lambda: role(own_credentials(session)))
    elif isinstance(own, RefreshableCredentials):
        signer = RenewableCredentials(own, partial(own_credentials, session))
    else:
        return
    session.register_component("credential_provider", CredentialResolver([_Given(signer)]))
    session.register(f"needs-retry.{service}", signer.renew_once)  # type: ignore[arg-type]  # the stubs think nobody answers


def identity(source: Source, own: Credentials) -> str:
    """Who AWS takes us for, as a digest that says nothing: all workers that are the same one share its bucket.

    Keys that refresh themselves differ from process to process, so there it is how they are obtained that counts.
    """
    if source.role_arn:
        return digest("role", source.role_arn)[:16]
    if source.profile:
        return digest("profile", source.profile)[:16]
    if isinstance(own, RefreshableCredentials):
        return digest("method", own.method)[:16]
    return digest("key", own.access_key)[:16]


class _Given(CredentialProvider):
    """A chain of one."""

    METHOD = "given"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        """What it was given."""
        return self._credentials


def _role(source: Source, sts: Callable[..., Any], own: Credentials) -> Credentials:
    """The role's credentials, fetched on first use and again before they expire."""
    extra = {"RoleSessionName": ROLE_SESSION_NAME}
    if source.external_id:
        extra["ExternalId"] = source.external_id
    fetcher = AssumeRoleCredentialFetcher(sts, own, source.role_arn, extra)
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
