"""What an error of AWS says to do, and what it never says."""

from __future__ import annotations

import errno
from dataclasses import replace

import botocore.exceptions as sdk
import pytest

from tests.unit.adapters.aws_refusals import SOURCE, about_an_object, refusal
from worker.adapters.aws_errors import translate
from worker.domain.source import Source

ROLE = "arn:aws:iam::123456789012:role/reports"
DENIED = 'User: u is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k" with an explicit deny'
KMS_REFUSAL = (
    "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:Decrypt on resource: "
    "arn:aws:kms:eu-west-1:1:key/abc because no identity-based policy allows the kms:Decrypt action"
)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (refusal("AccessDenied", 403, "GetObject"), "grant s3:GetObject on arn:aws:s3:::reports/cur/a.csv; "),
        (refusal("AccessDenied", 403), "grant s3:ListBucket on arn:aws:s3:::reports, or a missing key looks like this"),
        (
            refusal("AccessDenied", 403, "ListObjectsV2"),
            "grant s3:ListBucket on arn:aws:s3:::reports; or set requester_",
        ),
        (refusal("AccessDenied", 403, Message=KMS_REFUSAL), "grant kms:Decrypt on arn:aws:kms:eu-west-1:1:key/abc, "),
        (
            refusal("KMS.AccessDeniedException", 400),
            "grant kms:Decrypt on the key of arn:aws:s3:::reports/cur/a.csv, in",
        ),
        (
            refusal("AccessDenied", 403, Message="Access to the KMS key is denied"),
            "grant kms:Decrypt on the key of arn:aws",
        ),
        (refusal("AccessDenied", 403, Message="no access to my-kms-bucket"), "grant s3:GetObject on"),
        (refusal("AccessDenied", 403, Message=DENIED), "lift the explicit deny of s3:GetObject on arn:aws:s3:::b/k; "),
        (
            refusal("AccessDenied", 403, "AssumeRole"),
            f"grant sts:AssumeRole on {ROLE}, and let the role's trust policy",
        ),
        (
            refusal("AccessDeniedException", 403, "ListParts"),
            "grant the permission for ListParts on arn:aws:s3:::reports",
        ),
        (refusal("RequestTimeTooSkewed", 403), "fix this host's clock"),
        (
            refusal("InvalidSignatureException", 403, Message="Signature expired: 1 is now earlier"),
            "fix this host's clock",
        ),
        (refusal("SignatureDoesNotMatch", 403, Message="Signature not yet current: 1"), "fix this host's clock"),
        (refusal("SignatureDoesNotMatch", 403), "correct the secret"),
        (refusal("InvalidAccessKeyId", 403), "use an access key that is active"),
        (refusal("RequestExpired", 400), "renew the credentials"),
        (refusal("InvalidObjectState", 403, StorageClass="DEEP_ARCHIVE"), "restore the object from DEEP_ARCHIVE"),
        (refusal("InvalidObjectState", 403), "restore the object from Glacier"),
        (refusal("KMS.DisabledException", 400), "enable the KMS key that encrypts s3://reports/cur/a.csv"),
        (refusal("PermanentRedirect", 301, headers={"x-amz-bucket-region": "eu-west-1"}), "region to eu-west-1"),
        (refusal("AuthorizationHeaderMalformed", 400, Region="eu-west-2"), "region to eu-west-2"),
        (refusal("NoSuchBucket", 404, "ListObjectsV2"), "s3://reports does not exist"),
        (refusal("ExpiredToken", 400), "renew the credentials"),
        (sdk.NoCredentialsError(), "set profile or role_arn"),
        (sdk.UnknownServiceError(service_name="sustainability", known_service_names=[]), "install a newer boto3"),
        (OSError(errno.ENOSPC, "full"), "free space"),
    ],
)
def test_the_remedy_says_what_to_do(error: Exception, remedy: str) -> None:
    assert remedy in about_an_object(error, replace(SOURCE, role_arn=ROLE)).remedy


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("", "grant kms:GenerateDataKey on the key of arn:aws:s3:::warehouse/a.parquet, in"),
        (KMS_REFUSAL.replace("Decrypt", "GenerateDataKey"), "grant kms:GenerateDataKey on arn:aws:kms:eu-west-1:1:key"),
        (KMS_REFUSAL, "grant kms:Decrypt on arn:aws:kms:eu-west-1:1:key/abc, "),
    ],
)
def test_what_is_written_needs_a_data_key_unless_aws_says_otherwise(message: str, remedy: str) -> None:
    error = translate(
        refusal("KMS.AccessDeniedException", 400, "PutObject", Message=message), about="s3://warehouse/a.parquet"
    )

    assert error.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("region", "message", "bucket"),
    [
        ("cn-north-1", "no", "arn:aws-cn:s3:::reports"),
        ("us-gov-west-1", "no", "arn:aws-us-gov:s3:::reports"),
        ("eusc-de-east-1", "no", "arn:aws-eusc:s3:::reports"),
        ("eu-central-1", "no", "arn:aws:s3:::reports"),
        ("", "User: arn:aws-cn:iam::1:user/u is not authorized", "arn:aws-cn:s3:::reports"),
    ],
)
def test_names_are_of_the_part_of_aws_that_refused(region: str, message: str, bucket: str) -> None:
    source = replace(SOURCE, region=region)
    error = about_an_object(refusal("AccessDenied", 403, Message=message), source)

    assert error.remedy.startswith(f"grant s3:GetObject on {bucket}/cur/a.csv; grant s3:ListBucket on {bucket}, or")


@pytest.mark.parametrize(
    ("operation", "remedy"),
    [
        ("GetEstimatedCarbonEmissions", "grant sustainability:GetEstimatedCarbonEmissions on *"),
        ("ReceiveMessage", "grant sqs:ReceiveMessage on the queue"),
        (
            "AssumeRoleWithWebIdentity",
            "grant sts:AssumeRoleWithWebIdentity on the role that the profile names, and let",
        ),
    ],
)
def test_a_permission_that_is_about_no_bucket_has_no_bucket_in_it(operation: str, remedy: str) -> None:
    error = translate(refusal("AccessDeniedException", 403, operation), about="the queue")

    assert error.remedy.startswith(remedy)
    assert "s3" not in error.remedy


@pytest.mark.parametrize(
    ("source", "operation", "hint", "is_given"),
    [
        (SOURCE, "GetObject", "requester_pays", True),
        (replace(SOURCE, requester_pays=True), "GetObject", "requester_pays", False),
        (SOURCE, "GetObject", "bucket_owner", False),
        (replace(SOURCE, bucket_owner="123456789012"), "GetObject", "does not belong to 123456789012", True),
        (SOURCE, "AssumeRole", "set external_id, if the trust policy asks", True),
        (replace(SOURCE, external_id="tenant-7"), "AssumeRole", "sts:ExternalId does not match", True),
        (replace(SOURCE, external_id="tenant-7"), "AssumeRole", "tenant-7", False),
    ],
)
def test_what_else_a_refusal_may_mean_depends_on_the_source(
    source: Source, operation: str, hint: str, is_given: bool
) -> None:
    remedy = about_an_object(refusal("AccessDenied", 403, operation), source).remedy

    assert (hint in remedy) is is_given


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
