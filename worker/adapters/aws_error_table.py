"""What each error of AWS, of its SDK and of the network means to us, and what to do. Data only: `aws_errors` reads it.

A code decides before an exception type, a type before an HTTP status, and what none of them knows is unknown. Texts
decide nothing: digits in an id or a port never change the class of an error. A remedy's fields are filled by `aws_errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import botocore.exceptions as sdk
import urllib3.exceptions as wire
from botocore.parsers import ResponseParserError

from worker.domain.errors import (
    AuthError,
    BadRequestError,
    ChangedError,
    FatalError,
    IngestError,
    NotFoundError,
    TransientError,
)


class Meaning(NamedTuple):
    """An error's class and its remedy, which only what is worth another attempt may go without."""

    kind: type[IngestError]
    remedy: str = ""


CLOCK = "fix this host's clock: AWS refuses requests that are dated more than 15 minutes off"
_RENEW = "renew the credentials (log in again, or set a new session token)"
_REGION = "set the source's region to {region}"
_ENDPOINT = "correct the source's region or the endpoint URL"
_REQUEST = "check the source's url, region and bucket_owner; if they are right the fault is ours: report it"
_NOT_S3 = "check the endpoint URL: what answers there does not know this request"
_GRANT = Meaning(AuthError, "{grant}")
_BUSY = Meaning(TransientError)

_SLOW_DOWN = """SlowDown Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException
    TooManyRequests TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded LimitExceededException
    ProvisionedThroughputExceededException PriorRequestNotComplete EC2ThrottledException
    TransactionInProgressException KMS.ThrottlingException"""
THROTTLES = frozenset(_SLOW_DOWN.split())
"""Codes that ask for fewer requests, whatever their status."""

THROTTLED_STATUSES = frozenset({429, 503, 509})

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"})
"""Codes after which credentials that can be had anew are worth one more request."""

_CODES: tuple[tuple[str, Meaning], ...] = (
    (_SLOW_DOWN, _BUSY),
    (  # their trouble, not ours; those with a 400 are about this one transfer
        """InternalError InternalFailure InternalServerException InternalErrorException InternalServerError
        ServiceUnavailable ServiceUnavailableException TemporaryRedirect OperationAborted KMS.KMSInternalException
        KMS.DependencyTimeoutException IDPCommunicationError RequestTimeout RequestTimeoutException
        RequestAbortedException BadDigest XAmzContentSHA256Mismatch ConditionalRequestConflict""",
        _BUSY,
    ),
    ("PreconditionFailed", Meaning(ChangedError)),
    ("ExpiredToken ExpiredTokenException TokenRefreshRequired", Meaning(AuthError, _RENEW)),
    ("RequestExpired", Meaning(AuthError, f"{_RENEW}; if they are new, {CLOCK}")),
    ("RequestTimeTooSkewed RequestInTheFuture", Meaning(AuthError, CLOCK)),
    (
        "InvalidAccessKeyId InvalidClientTokenId UnrecognizedClientException InvalidSecurity",
        Meaning(AuthError, "use an access key that is active and that the endpoint knows; this one it does not"),
    ),
    (
        "SignatureDoesNotMatch InvalidSignatureException",
        Meaning(AuthError, "correct the secret: it is not the one that belongs to the access key"),
    ),
    ("InvalidToken", Meaning(AuthError, "set the session token that came with the access key, or none")),
    (
        "IncompleteSignature MissingAuthenticationToken",
        Meaning(AuthError, "check proxy and endpoint: the signature that was sent did not arrive whole"),
    ),
    ("AuthorizationHeaderMalformed", Meaning(AuthError, _REGION)),
    ("AccessDenied AccessDeniedException UnauthorizedAccess NotAuthorized KMS.AccessDeniedException", _GRANT),
    (
        "AllAccessDisabled AccountProblem NotSignedUp OptInRequired",
        Meaning(AuthError, "let the owner of the AWS account sign up for the service, or ask AWS Support to reopen it"),
    ),
    (
        "RegionDisabledException",
        Meaning(AuthError, "enable the region in the role's AWS account, or set the source's region to an enabled one"),
    ),
    (
        """ValidationException ValidationError InvalidArgument InvalidRequest InvalidURI KeyTooLongError MalformedXML
        EntityTooLarge InvalidDigest UnsupportedArgument""",
        Meaning(BadRequestError, _REQUEST),
    ),
    ("InvalidBucketName", Meaning(BadRequestError, "correct the bucket in the source's url")),
    ("InvalidRange", Meaning(BadRequestError, "run again: the object is shorter than it was")),
    ("MethodNotAllowed", Meaning(BadRequestError, _NOT_S3)),
    ("PackedPolicyTooLarge", Meaning(BadRequestError, "shorten the policies and tags of the role's session")),
    ("PermanentRedirect IllegalLocationConstraintException", Meaning(BadRequestError, _REGION)),
    ("NoSuchBucket", Meaning(NotFoundError, "check the source's url: {bucket} does not exist")),
    ("NoSuchKey NoSuchVersion", Meaning(NotFoundError, "run again when AWS has delivered, or check the source's url")),
    ("QueueDoesNotExist AWS.SimpleQueueService.NonExistentQueue", Meaning(NotFoundError, "correct the queue's URL")),
    ("ResourceNotFoundException", Meaning(NotFoundError, "correct the source: it names what AWS does not have")),
    (
        "InvalidObjectState",
        Meaning(FatalError, "restore the object from {storage_class}, and keep reports out of archiving rules"),
    ),
    (
        "KMS.DisabledException KMS.KMSInvalidStateException KMS.InvalidStateException",
        Meaning(FatalError, "enable the KMS key that encrypts {about}, or cancel its deletion"),
    ),
    (
        "KMS.NotFoundException",
        Meaning(FatalError, "ask AWS for the report again: the KMS key that encrypts {about} is gone"),
    ),
    ("ServiceQuotaExceededException", Meaning(FatalError, "ask AWS to raise the quota that the message names")),
)

CODES: Mapping[str, Meaning] = {code: meaning for codes, meaning in _CODES for code in codes.split()}

TYPES: tuple[tuple[tuple[type[Exception], ...], Meaning], ...] = (
    (
        (sdk.NoCredentialsError,),
        Meaning(AuthError, "set profile or role_arn on the source, or give AWS credentials in the environment"),
    ),
    ((sdk.PartialCredentialsError,), Meaning(AuthError, "set both the access key and its secret")),
    (
        (sdk.ProfileNotFound,),
        Meaning(AuthError, "add the profile to the AWS configuration of this host, or correct the source's profile"),
    ),
    (
        (sdk.NoAuthTokenError, sdk.SSOError, sdk.LoginError),
        Meaning(AuthError, "log in again with the AWS CLI for this profile"),
    ),
    (
        (sdk.RefreshWithMFAUnsupportedError,),
        Meaning(AuthError, "use an identity that needs no MFA code: nobody is there to type it"),
    ),
    # Before the connection errors, which an SDK's SSLError is one of: a certificate stays wrong.
    (
        (sdk.SSLError,),
        Meaning(BadRequestError, "trust the endpoint's certificate: AWS_CA_BUNDLE names a file of authorities"),
    ),
    ((sdk.UnknownServiceError,), Meaning(BadRequestError, "install a newer boto3")),
    ((sdk.MissingDependencyException,), Meaning(BadRequestError, "install the package that the message names")),
    (
        (sdk.InvalidConfigError, sdk.ConfigParseError),
        Meaning(BadRequestError, "correct the AWS configuration files of this host"),
    ),
    (
        (
            sdk.NoRegionError,
            sdk.InvalidRegionError,
            sdk.UnknownRegionError,
            sdk.UnknownEndpointError,
            sdk.EndpointProviderError,
            sdk.InvalidEndpointConfigurationError,
            sdk.InvalidDNSNameError,
        ),
        Meaning(BadRequestError, _ENDPOINT),
    ),
    ((sdk.ParamValidationError, sdk.ValidationError), Meaning(BadRequestError, _REQUEST)),
    ((sdk.EndpointConnectionError,), Meaning(TransientError, "check the endpoint URL, DNS and the proxy")),
    (
        (sdk.CredentialRetrievalError, sdk.MetadataRetrievalError, sdk.TokenRetrievalError),
        Meaning(TransientError, "check what hands out the credentials: credential_process, metadata service or SSO"),
    ),
    (
        (
            sdk.ConnectionError,
            sdk.HTTPClientError,
            sdk.IncompleteReadError,
            ResponseParserError,
            sdk.ChecksumError,
            sdk.FlexibleChecksumError,
            wire.ProtocolError,
            wire.IncompleteRead,
            wire.SSLError,  # in the middle of a body: the certificate was good
            wire.TimeoutError,
            wire.NewConnectionError,
            wire.MaxRetryError,
            wire.ProxyError,
        ),
        _BUSY,
    ),
)

STATUSES: Mapping[int, Meaning] = {
    **dict.fromkeys((307, 408, 429, 500, 502, 503, 504, 509), _BUSY),
    **dict.fromkeys((401, 403), _GRANT),
    **dict.fromkeys((404, 410), Meaning(NotFoundError, "check the source's url: {about} is not there")),
    301: Meaning(BadRequestError, _REGION),
    400: Meaning(BadRequestError, _REQUEST),
    405: Meaning(BadRequestError, _NOT_S3),
    412: Meaning(ChangedError),
    416: Meaning(BadRequestError, "run again: the object is shorter than it was"),
}
