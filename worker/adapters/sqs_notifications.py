"""S3's notifications, as an SQS queue holds them. Its requests are ours, not a customer's: no token bucket counts them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from worker.adapters.aws_errors import FOREIGN, translate
from worker.ports.notifications import QueuedMessage

POLL_SECONDS = 20
"""The longest that SQS lets a poll wait: an idle queue costs three requests a minute."""

MESSAGES_AT_ONCE = 10
STALL_SECONDS = POLL_SECONDS + 10
REGION = re.compile(r"(?:^|\.)sqs\.([a-z0-9-]+)\.")


class SqsNotifications:
    """`Notifications` of the queue at this URL, which also says where it is: its host is asked, in the region it names."""

    def __init__(self, queue_url: str) -> None:
        self._url = queue_url
        with self._translating():
            self._client = _client(queue_url)

    def receive(self) -> tuple[QueuedMessage, ...]:
        """What is there, ten at the most; waits up to 20 s for the first."""
        with self._translating():
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=MESSAGES_AT_ONCE, WaitTimeSeconds=POLL_SECONDS
            )
        return tuple(
            QueuedMessage(each["MessageId"], each["Body"], each["ReceiptHandle"]) for each in answer.get("Messages", ())
        )

    def delete(self, message: QueuedMessage) -> None:
        """Have the queue forget the message; one that it has forgotten already is no error."""
        with self._translating():
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except FOREIGN as error:
            raise translate(error, about=self._url) from error


def _client(queue_url: str) -> Any:
    place = urlsplit(queue_url)
    region = REGION.search(place.netloc)
    session = boto3.session.Session()
    return session.client(
        "sqs",
        region_name=region[1] if region else session.region_name or "us-east-1",
        endpoint_url=f"{place.scheme}://{place.netloc}",
        # One attempt: who listens comes back anyway.
        config=Config(read_timeout=STALL_SECONDS, retries={"mode": "standard", "total_max_attempts": 1}),
    )
