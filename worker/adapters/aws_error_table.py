"""What each error of AWS, of its SDK and of the network means to us. Data only: `aws_errors` reads it.

A code decides before an exception type, a type before an HTTP status, and what none of them knows is unknown. Texts
decide nothing: digits in an id or a port never change the class of an error.
"""

from __future__ import annotations

from collections.abc import Mapping

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

_CODES: tuple[tuple[type[IngestError], str], ...] = (
    (  # slow down
        TransientError,
        """SlowDown Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException
        TooManyRequests TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded LimitExceededException
        ProvisionedThroughputExceededException PriorRequestNotComplete EC2ThrottledException
        TransactionInProgressException KMS.ThrottlingException""",
    ),
    (  # their trouble, not ours; BadDigest and RequestTimeout answer with 400 and are about this one transfer
        TransientError,
        """InternalError InternalFailure InternalServerException InternalErrorException InternalServerError
        ServiceUnavailable ServiceUnavailableException TemporaryRedirect OperationAborted KMS.KMSInternalException
        KMS.DependencyTimeoutException IDPCommunicationError RequestTimeout RequestTimeoutException BadDigest""",
    ),
    (ChangedError, "PreconditionFailed"),
    (
        AuthError,
        """ExpiredToken ExpiredTokenException TokenRefreshRequired RequestExpired RequestTimeTooSkewed RequestInTheFuture
        InvalidAccessKeyId InvalidClientTokenId UnrecognizedClientException SignatureDoesNotMatch
        InvalidSignatureException IncompleteSignature MissingAuthenticationToken AuthorizationHeaderMalformed
        InvalidToken InvalidSecurity AccessDenied AccessDeniedException AllAccessDisabled AccountProblem NotSignedUp
        OptInRequired UnauthorizedAccess NotAuthorized RegionDisabledException KMS.AccessDeniedException""",
    ),
    (
        BadRequestError,
        """ValidationException ValidationError InvalidArgument InvalidRequest InvalidBucketName InvalidRange InvalidURI
        KeyTooLongError MalformedXML MethodNotAllowed EntityTooLarge InvalidDigest UnsupportedArgument
        PackedPolicyTooLarge PermanentRedirect IllegalLocationConstraintException""",
    ),
    (NotFoundError, "NoSuchKey NoSuchBucket NoSuchVersion ResourceNotFoundException"),
    (
        FatalError,
        """InvalidObjectState KMS.DisabledException KMS.NotFoundException KMS.KMSInvalidStateException
        KMS.InvalidStateException ServiceQuotaExceededException""",
    ),
)

CODES: Mapping[str, type[IngestError]] = {code: kind for kind, codes in _CODES for code in codes.split()}

EXCEPTIONS: tuple[tuple[type[IngestError], tuple[type[Exception], ...]], ...] = (
    (
        AuthError,
        (
            sdk.NoCredentialsError,
            sdk.PartialCredentialsError,
            sdk.ProfileNotFound,
            sdk.NoAuthTokenError,
            sdk.SSOError,
            sdk.LoginError,
            sdk.RefreshWithMFAUnsupportedError,
        ),
    ),
    (  # before the connection errors, which an SDK's SSLError is one of: a certificate stays wrong
        BadRequestError,
        (
            sdk.SSLError,
            sdk.ParamValidationError,
            sdk.ValidationError,
            sdk.NoRegionError,
            sdk.UnknownRegionError,
            sdk.UnknownEndpointError,
            sdk.EndpointProviderError,
            sdk.InvalidEndpointConfigurationError,
            sdk.InvalidConfigError,
            sdk.InvalidDNSNameError,
            sdk.ConfigParseError,
            sdk.MissingDependencyException,
            sdk.UnknownServiceError,
        ),
    ),
    (
        TransientError,
        (
            sdk.ConnectionError,
            sdk.HTTPClientError,
            sdk.IncompleteReadError,
            ResponseParserError,
            sdk.ChecksumError,
            sdk.FlexibleChecksumError,
            sdk.CredentialRetrievalError,
            sdk.MetadataRetrievalError,
            sdk.TokenRetrievalError,
            wire.ProtocolError,
            wire.IncompleteRead,
            wire.SSLError,  # in the middle of a body: the certificate was good
            wire.TimeoutError,
            wire.NewConnectionError,
            wire.MaxRetryError,
            wire.ProxyError,
        ),
    ),
)

STATUSES: Mapping[int, type[IngestError]] = {
    301: BadRequestError,
    307: TransientError,
    400: BadRequestError,
    401: AuthError,
    403: AuthError,
    404: NotFoundError,
    405: BadRequestError,
    408: TransientError,
    410: NotFoundError,
    412: ChangedError,
    416: BadRequestError,
    429: TransientError,
    500: TransientError,
    502: TransientError,
    503: TransientError,
    504: TransientError,
    509: TransientError,
}

_CLOCK = "fix this host's clock: AWS refuses requests that are dated more than 15 minutes off"
_RENEW = "renew the credentials (log in again, or set a new session token)"
_KEY = "check the access key and its secret in the profile or the environment"
_REGION = "set the source's region to {region}"
_LOGIN = "log in again with the AWS CLI for this profile"
_KMS = "enable the KMS key that the object is encrypted with"

REMEDIES: Mapping[str, str] = {
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"), _CLOCK),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"), _RENEW),
    **dict.fromkeys(("InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"), _KEY),
    **dict.fromkeys(("SignatureDoesNotMatch", "InvalidSignatureException", "InvalidToken"), _KEY),
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"), _REGION
    ),
    **dict.fromkeys(("SSOTokenLoadError", "UnauthorizedSSOTokenError", "LoginRefreshRequired"), _LOGIN),
    **dict.fromkeys(("KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.InvalidStateException"), _KMS),
    "KMS.AccessDeniedException": "grant kms:Decrypt on the key that the object is encrypted with",
    "InvalidObjectState": "restore the object from {storage_class}, and keep reports out of archiving lifecycle rules",
    "NoSuchBucket": "check the source's url: {bucket} does not exist",
    "NoCredentialsError": "set profile or role_arn on the source, or give AWS credentials in the environment",
    "PartialCredentialsError": "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "ProfileNotFound": "add the profile to the AWS configuration of this host, or correct the source's profile",
    "SSLError": "trust the endpoint's certificate: AWS_CA_BUNDLE names a file of authorities",
    "EndpointConnectionError": "check the endpoint URL, DNS and the proxy",
    "UnknownServiceError": "install a newer boto3",
}
