"""`doctor` names the permission that a source lacks, and the statement that grants it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.acceptance.refusals import refusing
from tests.acceptance.turnstile import Turnstile
from tests.integration.doctor.patient import Patient
from tests.servers.aws_account import EXTERNAL_ID, ROLE, AwsAccount
from tests.servers.seaweed import BUCKET, Seaweed

KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/abc"


def test_a_wrong_secret(patient: Patient, seaweed: Seaweed) -> None:
    replace(seaweed.owner, secret_key="wrong-secret").sign_in(patient.environment)

    failed = patient.failure()

    assert (failed["check"], failed["source_name"], failed["policy"]) == ("list", "acme", None)
    assert failed["remedy"] == "correct the secret: it is not the one that belongs to the access key"


def test_a_bucket_that_may_not_be_listed(patient: Patient, seaweed: Seaweed) -> None:
    seaweed.reader.sign_in(patient.environment)

    failed = patient.failure()

    assert failed["check"] == "list"
    assert failed["remedy"].startswith(f"grant s3:ListBucket on arn:aws:s3:::{BUCKET}")
    assert failed["policy"] == {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": f"arn:aws:s3:::{BUCKET}",
        "Condition": {"StringLike": {"s3:prefix": f"{patient.remote.prefix}/*"}},
    }


@pytest.mark.parametrize(("ending", "check"), [("Manifest.json", "manifest"), (".csv.gz", "file")])
def test_objects_that_may_not_be_read(patient: Patient, gate: Turnstile, ending: str, check: str) -> None:
    with refusing(gate, ending, 403, "AccessDenied"):
        failed = patient.failure()

    assert failed["check"] == check
    assert failed["remedy"].startswith(f"grant s3:GetObject on arn:aws:s3:::{BUCKET}/{patient.remote.prefix}/")
    assert "or set requester_pays" in failed["remedy"]
    assert failed["policy"] == {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/{patient.remote.prefix}/*",
    }


@pytest.mark.parametrize(
    ("named", "resource", "more"),
    [
        (f" on resource: {KMS_KEY}", KMS_KEY, {}),
        ("", "arn:aws:kms:*:*:key/*", {"Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.*"}}}),
    ],
)
def test_a_key_that_may_not_decrypt(
    patient: Patient, gate: Turnstile, named: str, resource: str, more: dict[str, object]
) -> None:
    message = f"User: u is not authorized to perform: kms:Decrypt{named} because no policy allows it"

    with refusing(gate, ".csv.gz", 403, "AccessDenied", message):
        failed = patient.failure()

    assert (failed["check"], "in the key's own policy too" in failed["remedy"]) == ("file", True)
    assert failed["policy"] == {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": resource, **more}


def test_an_external_id_that_does_not_match(patient: Patient, aws_account: AwsAccount) -> None:
    aws_account.member.sign_in(patient.environment)
    in_role = f'role_arn = "{ROLE}"\nexternal_id = "tenant-8"'
    patient.configure(in_role, AWS_ENDPOINT_URL_STS=aws_account.url, OFFGRIDFLOW_S3_ENDPOINT_URL=aws_account.url)

    failed = patient.failure()

    assert failed["check"] == "identity"
    assert failed["remedy"].endswith("; or its sts:ExternalId does not match: it must be the source's external_id")
    assert failed["policy"] == {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}


def test_who_may_assume_its_role_is_told_whom_aws_takes_it_for(patient: Patient, aws_account: AwsAccount) -> None:
    aws_account.member.sign_in(patient.environment)
    in_role = f'role_arn = "{ROLE}"\nexternal_id = "{EXTERNAL_ID}"'
    patient.configure(in_role, AWS_ENDPOINT_URL_STS=aws_account.url, OFFGRIDFLOW_S3_ENDPOINT_URL=aws_account.url)

    _, findings = patient.says()

    [identity] = [each for each in findings if each["check"] == "identity"]
    assert identity["verdict"] == "ok"
    assert ":assumed-role/reports/" in identity["said"]
