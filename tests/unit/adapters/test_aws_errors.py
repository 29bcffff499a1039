"""Every foreign error has one class: by its code, else by its type, else by its HTTP status."""

from __future__ import annotations

import errno
import socket
from typing import Any

import botocore.exceptions as sdk
import pytest
import urllib3.exceptions as wire
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from urllib3.connection import HTTPConnection

from worker.adapters.aws_errors import LONGEST_RETRY_AFTER_SECONDS, translate
from worker.domain.errors import ErrorClass, IngestError

BY_CODE = {
    ErrorClass.TRANSIENT: {
        503: "SlowDown ServiceUnavailable ServiceUnavailableException",
        429: "TooManyRequests TooManyRequestsException",
        400: """Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException
            RequestLimitExceeded BandwidthLimitExceeded ProvisionedThroughputExceededException LimitExceededException
            PriorRequestNotComplete EC2ThrottledException TransactionInProgressException KMS.ThrottlingException
            RequestTimeout RequestTimeoutException BadDigest IDPCommunicationError KMS.KMSInternalException
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
    ErrorClass.NOT_FOUND: {404: "NoSuchKey NoSuchBucket NoSuchVersion ResourceNotFoundException"},
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
    ErrorClass.UNKNOWN: (302, 402, 409, 418, 501),
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
        sdk.LoginRefreshRequired(),
        sdk.RefreshWithMFAUnsupportedError(),
        PermissionError(errno.EACCES, "no"),
    ),
    ErrorClass.BAD_REQUEST: (
        sdk.ParamValidationError(report="r"),
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


def refusal(code: str, status: int, operation: str = "GetObject", /, **details: Any) -> ClientError:
    headers = details.pop("headers", {})
    response: Any = {
        "Error": {"Code": code, "Message": "no", **details},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "REQ-1", "HTTPHeaders": headers},
    }
    return ClientError(response, operation)


def about_an_object(error: Exception) -> IngestError:
    return translate(error, about="s3://reports/cur/a.csv")


@pytest.mark.parametrize(
    ("code", "status", "error_class"),
    [
        (code, status, error_class)
        for error_class, by_status in BY_CODE.items()
        for status, codes in by_status.items()
        for code in codes.split()
    ],
)
def test_a_known_code_decides_whatever_the_status(code: str, status: int, error_class: ErrorClass) -> None:
    assert about_an_object(refusal(code, status)).error_class is error_class
    assert about_an_object(refusal(code, 418)).error_class is error_class


@pytest.mark.parametrize(
    ("status", "error_class"), [(status, each) for each, statuses in BY_STATUS.items() for status in statuses]
)
def test_an_unknown_code_leaves_it_to_the_status(status: int, error_class: ErrorClass) -> None:
    assert about_an_object(refusal("Novelty", status)).error_class is error_class
    assert about_an_object(refusal(str(status), status, "HeadObject")).error_class is error_class


@pytest.mark.parametrize(
    ("error", "error_class"),
    [pytest.param(error, each, id=repr(error)[:60]) for each, errors in BY_TYPE.items() for error in errors],
)
def test_without_an_answer_the_type_decides(error: Exception, error_class: ErrorClass) -> None:
    assert about_an_object(error).error_class is error_class


@pytest.mark.parametrize("text", ["404 NoSuchKey", "AccessDenied on port 503", "429", "timed out"])
def test_the_text_decides_nothing(text: str) -> None:
    assert about_an_object(refusal("Novelty", 418, Message=text)).error_class is ErrorClass.UNKNOWN


def test_the_error_says_what_it_is_about_and_how_to_ask_aws_about_it() -> None:
    error = about_an_object(refusal("SlowDown", 503, Message="Please reduce your request rate."))

    assert error.message == "s3://reports/cur/a.csv: Please reduce your request rate (SlowDown, HTTP 503)"
    assert (error.code, error.request_id) == ("SlowDown", "REQ-1")


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


KMS_REFUSAL = (
    "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:Decrypt on resource: "
    "arn:aws:kms:eu-west-1:1:key/abc because no identity-based policy allows the kms:Decrypt action"
)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (refusal("AccessDenied", 403, "GetObject"), "grant s3:GetObject on arn:aws:s3:::reports/cur/a.csv (without "),
        (refusal("403", 403, "HeadObject"), "without s3:ListBucket, AWS answers so for a missing key too"),
        (refusal("AccessDenied", 403, "ListObjectsV2"), "grant s3:ListBucket on arn:aws:s3:::reports"),
        (refusal("AccessDenied", 403, Message=KMS_REFUSAL), "grant kms:Decrypt on arn:aws:kms:eu-west-1:1:key/abc"),
        (refusal("KMS.AccessDeniedException", 400), "grant kms:Decrypt"),
        (refusal("RequestTimeTooSkewed", 403), "clock"),
        (refusal("InvalidObjectState", 403, StorageClass="DEEP_ARCHIVE"), "restore the object from DEEP_ARCHIVE"),
        (refusal("PermanentRedirect", 301, headers={"x-amz-bucket-region": "eu-west-1"}), "region to eu-west-1"),
        (refusal("AuthorizationHeaderMalformed", 400, Region="eu-west-2"), "region to eu-west-2"),
        (refusal("NoSuchBucket", 404, "ListObjectsV2"), "s3://reports does not exist"),
        (refusal("ExpiredToken", 400), "renew the credentials"),
        (sdk.NoCredentialsError(), "set profile or role_arn"),
        (OSError(errno.ENOSPC, "full"), "free space"),
    ],
)
def test_the_remedy_says_what_to_do(error: Exception, remedy: str) -> None:
    assert remedy in about_an_object(error).remedy


def test_the_callers_words_fill_what_the_table_leaves_open() -> None:
    denied = refusal("AccessDeniedException", 403, "GetEstimatedCarbonEmissions")

    permission = translate(denied, about="emissions", action="sustainability:GetEstimatedCarbonEmissions")
    hint = translate(denied, about="emissions", if_denied="or ask the owner")
    fallback = translate(refusal("Novelty", 418), about="emissions", remedy="call us")

    assert permission.remedy == "grant sustainability:GetEstimatedCarbonEmissions on emissions"
    assert hint.remedy.endswith("; or ask the owner")
    assert fallback.remedy == "call us"


@pytest.mark.parametrize(
    "error",
    [
        sdk.ProxyConnectionError(proxy_url="http://user:hunter2@proxy:3128"),
        sdk.EndpointConnectionError(endpoint_url="https://b/?X-Amz-Security-Token=hunter2&X-Amz-Signature=hunter2"),
        refusal(
            "InvalidAccessKeyId", 403, Message="AKIAHUNTER2HUNTER2 does not exist", AWSAccessKeyId="AKIAHUNTER2HUNTER2"
        ),
        refusal(
            "SignatureDoesNotMatch",
            403,
            StringToSign="hunter2",
            Message="Credential=hunter2/20240101, Signature=hunter2",
        ),
    ],
)
def test_credentials_never_reach_the_message(error: Exception) -> None:
    assert "hunter2" not in repr(about_an_object(error)).lower()
