"""The policies of docs/secure.md allow exactly what refusals of AWS ask for, statement by statement."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.aws_refusals import refusal
from worker.adapters.aws_errors import translate
from worker.domain.diagnosis import Statement
from worker.domain.iam import missing
from worker.domain.source import Location, Source

PAGE = Path(__file__).parents[2] / "docs" / "secure.md"
CUR, WAREHOUSE = "s3://my-cur-bucket/cur/", "s3://my-warehouse/offgridflow/"
ROLE = "arn:aws:iam::123456789012:role/cur-reader"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:offgridflow-deliveries"
KEYS = "arn:aws:kms:us-east-1:123456789012:key/"
NEVER_NAMED = {"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": f"{KEYS}WAREHOUSE-KEY-ID"}
"""Of the two that an upload needs of a key, a remedy names ``kms:Decrypt`` whichever was refused."""


def allowed(policy: Mapping[str, Any]) -> Iterator[Statement]:
    """Every statement, one for each of its actions, without the name that it has on the page."""
    for statement in policy["Statement"]:
        actions = statement["Action"]
        said = {name: value for name, value in statement.items() if name != "Sid"}
        yield from ({**said, "Action": action} for action in ([actions] if isinstance(actions, str) else actions))


def asked(operation: str, about: str, place: str, named: str = "") -> Statement | None:
    """What `missing` makes of a refusal of the operation on ``about``; ``named`` is the permission that AWS's text names."""
    error = refusal("AccessDenied", 403, operation, Message=f"not authorized to perform: {named}" if named else "no")
    source = Source("acme", "org-1", CUR, role_arn=ROLE)
    return missing(translate(error, about=about, source=source).remedy, Location.parse(place))


def of_a_source() -> list[Statement | None]:
    return [
        asked("ListObjectsV2", CUR, CUR),
        asked("GetObject", f"{CUR}a.csv", CUR),
        asked("GetObject", f"{CUR}a.csv", CUR, f"kms:Decrypt on resource: {KEYS}KEY-ID"),
        asked("GetEstimatedCarbonEmissions", "the Sustainability API", CUR),
    ]


def of_the_workers() -> list[Statement | None]:
    part = f"{WAREHOUSE}data/part.parquet"
    return [
        asked("AssumeRole", CUR, CUR),
        asked("ListObjectsV2", WAREHOUSE, WAREHOUSE),
        *(asked(operation, part, WAREHOUSE) for operation in ("GetObject", "PutObject", "DeleteObject")),
        asked("GetObject", part, WAREHOUSE, f"kms:Decrypt on resource: {KEYS}WAREHOUSE-KEY-ID"),
        NEVER_NAMED,
        *(asked(operation, QUEUE, CUR) for operation in ("ReceiveMessage", "DeleteMessage")),
    ]


@pytest.mark.parametrize(("block", "needed"), [(0, of_a_source()), (1, of_the_workers())], ids=["source", "workers"])
def test_a_policy_allows_what_refusals_ask_for_and_nothing_else(block: int, needed: list[Statement | None]) -> None:
    policies = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    assert len(policies) == 2
    assert list(allowed(json.loads(policies[block]))) == needed
