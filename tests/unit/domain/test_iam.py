from __future__ import annotations

import pytest

from worker.domain.diagnosis import Statement
from worker.domain.iam import missing
from worker.domain.source import Location

VIA_S3 = {"StringLike": {"kms:ViaService": "s3.*.amazonaws.*"}}
CUR = Location.parse("s3://b/cur/")


def allow(action: str, resource: str, **more: object) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("remedy", "statement"),
    [
        (
            "grant s3:GetObject on arn:aws:s3:::b/cur/a.csv; grant s3:ListBucket on arn:aws:s3:::b, or …",
            allow("s3:GetObject", "arn:aws:s3:::b/cur/*"),
        ),
        (
            "grant s3:ListBucket on arn:aws:s3:::b",
            allow("s3:ListBucket", "arn:aws:s3:::b", Condition={"StringLike": {"s3:prefix": "cur/*"}}),
        ),
        ("grant s3:GetObject on arn:aws:s3:::other/key", allow("s3:GetObject", "arn:aws:s3:::other/key")),
        (
            "grant sts:AssumeRole on arn:aws:iam::1:role/r, and let the role's trust policy name this identity",
            allow("sts:AssumeRole", "arn:aws:iam::1:role/r"),
        ),
        ("grant s3:GetObject on arn:aws-cn:s3:::b/cur/a.csv", allow("s3:GetObject", "arn:aws-cn:s3:::b/cur/*")),
        (
            "grant kms:GenerateDataKey on the key of arn:aws-cn:s3:::b/part.parquet, in the key's own policy too",
            allow("kms:GenerateDataKey", "arn:aws-cn:kms:*:*:key/*", Condition=VIA_S3),
        ),
        (
            "grant kms:Decrypt on arn:aws-us-gov:kms:us-gov-west-1:1:key/abc, in the key's own policy too",
            allow("kms:Decrypt", "arn:aws-us-gov:kms:us-gov-west-1:1:key/abc"),
        ),
        ("lift the explicit deny of s3:GetObject on arn:aws:s3:::b/cur/a", None),
        ("correct the secret: it is not the one that belongs to the access key", None),
        ("grant the permission for GetNothing on arn:aws:s3:::b", None),
        ("", None),
    ],
)
def test_a_remedy_that_names_a_permission_is_a_statement(remedy: str, statement: Statement | None) -> None:
    assert missing(remedy, CUR) == statement


def test_a_whole_bucket_is_listed_without_a_condition() -> None:
    listing = missing("grant s3:ListBucket on arn:aws:s3:::b", Location.parse("s3://b"))

    assert listing == allow("s3:ListBucket", "arn:aws:s3:::b")
