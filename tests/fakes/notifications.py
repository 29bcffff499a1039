"""What S3, EventBridge and SNS put into a queue."""

from __future__ import annotations

import json
from urllib.parse import quote_plus

MANIFEST_KEY = "cur/acme/metadata/BILLING_PERIOD=2024-01/acme-Manifest.json"


def of_s3(
    key: str = MANIFEST_KEY,
    *,
    bucket: str = "cur-bucket",
    etag: str = "e1",
    at: str = "2024-02-03T12:00:30.000Z",
    event: str = "ObjectCreated:Put",
) -> dict[str, object]:
    """S3's own notification: the key is encoded as a form would be."""
    stored = {"key": quote_plus(key), "size": 7, "eTag": etag, "sequencer": "0055AED6DCD90281E5"}
    about = {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": stored}
    return {
        "Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventTime": at, "eventName": event, "s3": about}]
    }


def of_eventbridge(
    key: str = MANIFEST_KEY, *, bucket: str = "cur-bucket", etag: str = "e1", at: str = "2024-02-03T12:00:30Z"
) -> dict[str, object]:
    """EventBridge's event: the key is as it is."""
    detail = {"bucket": {"name": bucket}, "object": {"key": key, "size": 7, "etag": etag}, "reason": "PutObject"}
    return {"version": "0", "detail-type": "Object Created", "source": "aws.s3", "time": at, "detail": detail}


def by_sns(message: dict[str, object]) -> dict[str, object]:
    """The same, forwarded by SNS."""
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": json.dumps(message)}


TEST_EVENT: dict[str, object] = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "cur-bucket"}
