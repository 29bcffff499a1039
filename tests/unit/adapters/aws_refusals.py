"""What AWS refuses, as boto3 says it, and as it is told of an object."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from worker.adapters.aws_errors import translate
from worker.domain.errors import IngestError
from worker.domain.source import Source

SOURCE = Source("acme", "org-1", "s3://reports/cur/")


def refusal(code: str, status: int, operation: str = "GetObject", /, **details: Any) -> ClientError:
    headers = details.pop("headers", {})
    response: Any = {
        "Error": {"Code": code, "Message": "no", **details},
        "ResponseMetadata": {
            "HTTPStatusCode": status,
            "RequestId": "REQ-1",
            "HostId": "host/1=",
            "HTTPHeaders": headers,
        },
    }
    return ClientError(response, operation)


def about_an_object(error: Exception, source: Source = SOURCE) -> IngestError:
    return translate(error, about="s3://reports/cur/a.csv", source=source)
