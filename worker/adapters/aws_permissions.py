"""Words for a refusal of AWS: what to grant, on what, and what else it may mean."""

from __future__ import annotations

import re

from worker.domain.source import Source

_ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "GetEstimatedCarbonEmissions": "sustainability:GetEstimatedCarbonEmissions",
    "ReceiveMessage": "sqs:ReceiveMessage",
    "DeleteMessage": "sqs:DeleteMessage",
}
_KMS_ACTIONS = {"PutObject": "kms:GenerateDataKey"}
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}
"""Of regions that begin so; all others that AWS sells are in ``aws``."""
_NAMED = re.compile(r"not authorized to perform: (?P<action>[\w:*-]+)(?: on resource: \"?(?P<arn>[^\s\"]+))?")
_KMS = re.compile(r"\bkms:|\bKMS\b")
_PARTITION = re.compile(r"\barn:(aws[\w-]*):")
_KMS_KEY = re.compile(r"arn:[\w-]+:kms:[\w:/-]+")


def grant(operation: str, text: str, about: str, source: Source | None) -> str:
    """What to do about a refusal of ``operation`` on ``about``: AWS's own words first, else what the operation needs.

    ``text`` is the refusal's code and message. AWS refuses alike for several reasons: all that fit the source are named.
    """
    named = _NAMED.search(text)
    if operation.startswith("AssumeRole"):
        role = (source and source.role_arn) or (named and named["arn"]) or "the role that the profile names"
        return _trust(f"grant sts:{operation} on {role}", is_sent=bool(source and source.external_id))
    arn = f"arn:{_partition(text, source)}:s3:::{about.removeprefix('s3://')}" if about.startswith("s3://") else about
    if _KMS.search(text):
        key = _KMS_KEY.search(text)
        said = named["action"] if named else ""
        action = said if said.startswith("kms:") else _KMS_ACTIONS.get(operation, "kms:Decrypt")
        return f"grant {action} on {key[0] if key else f'the key of {arn}'}, in the key's own policy too"
    action = named["action"] if named else _ACTIONS.get(operation, f"the permission for {operation}")
    on = (named and named["arn"]) or _resource(action, arn)
    verb = "lift the explicit deny of" if "explicit deny" in text else "grant"
    others = _other_reasons(operation, arn, source) if source and about.startswith("s3://") else ()
    return "; ".join((f"{verb} {action} on {on}", *others))


def _partition(text: str, source: Source | None) -> str:
    """The part of AWS that this is about: a refusal names who was refused; else the source's region tells."""
    if named := _PARTITION.search(text):
        return named[1]
    region = source.region if source else ""
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")


def _trust(permission: str, *, is_sent: bool) -> str:
    """AWS does not say whether it is the permission, the role's trust or its ExternalId (which is sent or not) that fails."""
    both = f"{permission}, and let the role's trust policy name this identity"
    if is_sent:
        return f"{both}; or its sts:ExternalId does not match: it must be the source's external_id"
    return f"{both}; or set external_id, if the trust policy asks for an sts:ExternalId"


def _resource(action: str, arn: str) -> str:
    if action.startswith("sustainability:"):
        return "*"
    return arn.partition("/")[0] if action == "s3:ListBucket" else arn


def _other_reasons(operation: str, arn: str, source: Source) -> list[str]:
    others = []
    if operation == "GetObject":
        others.append(f"grant s3:ListBucket on {_resource('s3:ListBucket', arn)}, or a missing key looks like this")
    if source.bucket_owner:
        others.append(f"or correct bucket_owner, if the bucket does not belong to {source.bucket_owner}")
    if not source.requester_pays:
        others.append("or set requester_pays, if the bucket's readers pay")
    return others
