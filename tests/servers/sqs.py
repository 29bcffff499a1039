"""An SQS server for the session: moto's, which keeps queues as AWS does but lets anybody in."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.servers.seaweed import Keys

ANYBODY = Keys("ANYBODY00000000000", "no-secret")


@dataclass(frozen=True)
class Queue:
    """A queue, and the sender's side of it. What is received and not deleted comes back after a second."""

    url: str
    client: Any

    def send(self, *bodies: str | dict[str, object]) -> None:
        """Put messages into it, in this order."""
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body if isinstance(body, str) else json.dumps(body))

    @property
    def left(self) -> int:
        """How many messages it holds, those that somebody has received too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture(scope="session")
def sqs_url() -> Iterator[str]:
    """The running server's URL."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def queue(sqs_url: str, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A new queue, and this process somebody who may use it."""
    ANYBODY.sign_in(monkeypatch)
    client = boto3.client("sqs", endpoint_url=sqs_url, region_name="us-east-1")
    name = f"deliveries-{random.getrandbits(48):012x}"
    made = client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "1"})
    return Queue(made["QueueUrl"], client)
