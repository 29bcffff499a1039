"""The minimal IAM statement for a refusal, from the remedy that names what is missing."""

from __future__ import annotations

import re

from worker.domain.diagnosis import Statement
from worker.domain.source import Location

GRANT = re.compile(r"\bgrant (?P<action>\w+:\w+) on (?P<resource>[^\s;,]+)")
"""How every remedy names a missing permission, the one that is needed first."""

ARN = re.compile(r"\barn:(?P<partition>aws[\w-]*):")


def missing(remedy: str, place: Location | None = None) -> Statement | None:
    """What has to be granted, and no more; None when it is no permission that is missing.

    What is named of an object is granted for all below ``place``: the next object is as much needed as this one.
    """
    found = GRANT.search(remedy)
    if not found:
        return None
    action, resource = found["action"], found["resource"]
    statement: dict[str, object] = {"Effect": "Allow", "Action": action, "Resource": resource}
    if action.startswith("kms:") and not resource.startswith("arn:"):
        # The refusal did not name the key: any that is used through S3.
        condition = {"StringLike": {"kms:ViaService": "s3.*.amazonaws.*"}}
        arn = ARN.search(remedy)
        return statement | {
            "Resource": f"arn:{arn['partition'] if arn else 'aws'}:kms:*:*:key/*",
            "Condition": condition,
        }
    if place and place.scheme == "s3":
        prefix = f"{place.prefix.rstrip('/')}/" if place.prefix else ""
        if action == "s3:ListBucket":
            return statement | ({"Condition": {"StringLike": {"s3:prefix": f"{prefix}*"}}} if prefix else {})
        bucket, _, key = resource.partition("/")
        if action.startswith("s3:") and key and bucket.endswith(f":s3:::{place.bucket}"):
            return statement | {"Resource": f"{bucket}/{prefix}*"}
    return statement
