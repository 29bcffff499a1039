"""Every foreign error has one class: by its code, else by its type, else by its HTTP status."""

from __future__ import annotations

import errno
import socket

import botocore.exceptions as sdk
import pytest
import urllib3.exceptions as wire
from botocore.parsers import ResponseParserError
from urllib3.connection import HTTPConnection

from tests.unit.adapters.aws_refusals import about_an_object, refusal
from worker.adapters import aws_error_table
from worker.adapters.aws_errors import LONGEST_RETRY_AFTER_SECONDS, is_throttle
from worker.domain.errors import ErrorClass

BY_CODE = {
    ErrorClass.TRANSIENT: {
        503: "SlowDown ServiceUnavailable ServiceUnavailableException",
        429: "TooManyRequests TooManyRequestsException",
        400: """Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException
            RequestLimitExceeded BandwidthLimitExceeded ProvisionedThroughputExceededException LimitExceededException
            PriorRequestNotComplete EC2ThrottledException TransactionInProgressException KMS.ThrottlingException
            RequestTimeout RequestTimeoutException RequestAbortedException BadDigest XAmzContentSHA256Mismatch ConditionalRequestConflict IDPCommunicationError KMS.KMSInternalException
            KMS.DependencyTimeoutException""",
        500: "InternalError InternalFailure InternalServerException InternalErrorException InternalServerError",
        307: "TemporaryRedirect",
        409: "OperationAborted",
        412: "PreconditionFailed",
    },
    ErrorClass.AUTH: {
        403: """RequestTimeTooSkewed RequestInTheFuture RequestExpired InvalidAccessKeyId InvalidClientTokenId
            UnrecognizedClientException SignatureDoesNotMatch InvalidSignatureException MissingAuthenticationToken
            InvalidSecurity AccessDenied AccessDeniedException AllAccessDisabled AccountProblem NotSignedUp OptInRequired
            UnauthorizedAccess NotAuthorized RegionDisabledException""",
        400: """ExpiredToken ExpiredTokenException TokenRefreshRequired IncompleteSignature AuthorizationHeaderMalformed
            InvalidToken KMS.AccessDeniedException""",
    },
    ErrorClass.BAD_REQUEST: {
        400: """ValidationException ValidationError InvalidArgument InvalidRequest InvalidBucketName InvalidURI
            KeyTooLongError MalformedXML EntityTooLarge InvalidDigest UnsupportedArgument PackedPolicyTooLarge
            IllegalLocationConstraintException""",
        416: "InvalidRange",
        405: "MethodNotAllowed",
        301: "PermanentRedirect",
    },
    ErrorClass.NOT_FOUND: {
        404: """NoSuchKey NoSuchBucket NoSuchVersion ResourceNotFoundException QueueDoesNotExist
        AWS.SimpleQueueService.NonExistentQueue"""
    },
    ErrorClass.FATAL: {
        403: "InvalidObjectState",
        400: """KMS.DisabledException KMS.NotFoundException KMS.KMSInvalidStateException KMS.InvalidStateException
            ServiceQuotaExceededException""",
    },
}
BY_STATUS = {
    ErrorClass.TRANSIENT: (307, 408, 412, 429, 500, 502, 503, 504, 509),
    ErrorClass.AUTH: (401, 403),
    ErrorClass.BAD_REQUEST: (301, 400, 405, 416),
    ErrorClass.NOT_FOUND: (404, 410),
    ErrorClass.UNKNOWN: (302, 304, 402, 409, 418, 501),
}
BY_TYPE: dict[ErrorClass, tuple[Exception, ...]] = {
    ErrorClass.TRANSIENT: (
        sdk.EndpointConnectionError(endpoint_url="http://127.0.0.1:403"),
        sdk.ConnectTimeoutError(endpoint_url="u"),
        sdk.ReadTimeoutError(endpoint_url="u"),
        sdk.ConnectionClosedError(endpoint_url="u"),
        sdk.ConnectionError(error=OSError("e")),
        sdk.ProxyConnectionError(proxy_url="http://proxy"),
        sdk.HTTPClientError(error="e"),
        sdk.ResponseStreamingError(error="e"),
        sdk.IncompleteReadError(actual_bytes=1, expected_bytes=404),
        sdk.ChecksumError(checksum_type="crc32", expected_checksum="a", actual_checksum="b"),
        sdk.FlexibleChecksumError(error_msg="e"),
        sdk.CredentialRetrievalError(provider="p", error_msg="e"),
        sdk.MetadataRetrievalError(error_msg="e"),
        sdk.TokenRetrievalError(provider="p", error_msg="e"),
        ResponseParserError("no XML"),
        wire.ProtocolError("broken"),
        wire.IncompleteRead(1, 2),
        wire.SSLError("bad record"),
        wire.ReadTimeoutError(None, "u", "slow"),  # type: ignore[arg-type]
        wire.NewConnectionError(HTTPConnection("h"), "refused"),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        TimeoutError("slow"),
        socket.gaierror(-2, "unknown host"),
        OSError(errno.ENETUNREACH, "unreachable"),
        OSError(errno.ENOSPC, "full"),
    ),
    ErrorClass.AUTH: (
        sdk.NoCredentialsError(),
        sdk.PartialCredentialsError(provider="env", cred_var="secret"),
        sdk.ProfileNotFound(profile="p"),
        sdk.NoAuthTokenError(),
        sdk.SSOTokenLoadError(profile_name="p", error_msg="e"),
        sdk.UnauthorizedSSOTokenError(),
        sdk.SSOError(),
        sdk.LoginError(),
        sdk.LoginRefreshRequired(),
        sdk.LoginInsufficientPermissions(),
        sdk.LoginTokenLoadError(error_msg="e"),
        sdk.LoginAuthorizationCodeError(error_msg="e"),
        sdk.RefreshWithMFAUnsupportedError(),
        PermissionError(errno.EACCES, "no"),
    ),
    ErrorClass.BAD_REQUEST: (
        sdk.ParamValidationError(report="r"),
        sdk.ValidationError(value="v", param="p", type_name="t"),
        sdk.MissingDependencyException(msg="m"),
        sdk.ConfigParseError(path="p"),
        sdk.SSLError(endpoint_url="u", error=OSError("CERTIFICATE_VERIFY_FAILED")),
        sdk.NoRegionError(),
        sdk.InvalidRegionError(region_name="moon-1"),
        sdk.UnknownEndpointError(service_name="s3", region_name="r"),
        sdk.EndpointProviderError(msg="m"),
        sdk.InvalidEndpointConfigurationError(msg="m"),
        sdk.UnknownServiceError(service_name="sustainability", known_service_names=[]),
    ),
    ErrorClass.NOT_FOUND: (FileNotFoundError(errno.ENOENT, "gone"),),
    ErrorClass.UNKNOWN: (sdk.BotoCoreError(), OSError(errno.ENOEXEC, "odd"), RuntimeError("odd")),
}
CODES = [
    pytest.param(code, status, error_class, id=code)
    for error_class, by_status in BY_CODE.items()
    for status, codes in by_status.items()
    for code in codes.split()
]
STATUSES = [(status, each) for each, statuses in BY_STATUS.items() for status in statuses]
TYPES = [pytest.param(error, each, id=repr(error)[:60]) for each, errors in BY_TYPE.items() for error in errors]
PASSING = {ErrorClass.TRANSIENT, ErrorClass.UNKNOWN}
"""What another attempt may mend; for everything else somebody must do something."""


@pytest.mark.parametrize(("code", "status", "error_class"), CODES)
def test_a_known_code_decides_whatever_the_status(code: str, status: int, error_class: ErrorClass) -> None:
    error = about_an_object(refusal(code, status))

    assert error.error_class is error_class
    assert error_class in PASSING or error.remedy
    assert about_an_object(refusal(code, 418)).error_class is error_class


@pytest.mark.parametrize(("status", "error_class"), STATUSES)
def test_an_unknown_code_leaves_it_to_the_status(status: int, error_class: ErrorClass) -> None:
    error = about_an_object(refusal("Novelty", status))

    assert error.error_class is error_class
    assert error_class in PASSING or error.remedy
    assert about_an_object(refusal(str(status), status, "HeadObject")).error_class is error_class


@pytest.mark.parametrize(("error", "error_class"), TYPES)
def test_without_an_answer_the_type_decides(error: Exception, error_class: ErrorClass) -> None:
    translated = about_an_object(error)

    assert translated.error_class is error_class
    assert error_class in PASSING or translated.remedy


def test_every_code_of_ours_is_in_the_table_above() -> None:
    assert aws_error_table.CODES.keys() == {str(code.values[0]) for code in CODES}
    assert aws_error_table.STATUSES.keys() == {status for status, each in STATUSES if each is not ErrorClass.UNKNOWN}


def test_throttles_are_the_codes_and_statuses_that_ask_for_fewer_requests() -> None:
    asked = {code for code in aws_error_table.CODES if is_throttle(code, 400)}

    assert {"SlowDown", "ThrottlingException", "TooManyRequests", "KMS.ThrottlingException"} < asked
    assert all(about_an_object(refusal(code, 400)).error_class is ErrorClass.TRANSIENT for code in asked)
    assert [status for status in range(600) if is_throttle("", status)] == [429, 503, 509]


@pytest.mark.parametrize("text", ["404 NoSuchKey", "AccessDenied on port 503", "429", "timed out"])
def test_the_text_decides_nothing(text: str) -> None:
    assert about_an_object(refusal("Novelty", 418, Message=text)).error_class is ErrorClass.UNKNOWN


def test_the_error_says_what_it_is_about_and_how_to_ask_aws_about_it() -> None:
    error = about_an_object(refusal("SlowDown", 503, Message="Please reduce your request rate."))

    assert error.message == "s3://reports/cur/a.csv: Please reduce your request rate (SlowDown, HTTP 503)"
    assert (error.code, error.request_id) == ("SlowDown", "REQ-1 host/1=")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, None),
        ({"retry-after": "soon", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"x-amz-retry-after": "1500"}, 1.5),
        ({"x-amz-retry-after": "1500", "retry-after": "1"}, 1.5),
        ({"retry-after": "86400"}, LONGEST_RETRY_AFTER_SECONDS),
        ({"retry-after": "-1"}, None),
    ],
)
def test_a_pause_that_is_asked_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert about_an_object(refusal("SlowDown", 503, headers=headers)).retry_after_seconds == seconds
