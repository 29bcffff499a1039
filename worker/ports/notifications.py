"""What S3 says was delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message of a queue: its id, what it says, and what the queue wants to hear to forget it."""

    message_id: str
    body: str
    receipt: str


class Notifications(Protocol):
    """The queue to which S3 says what was delivered: at least once, in no order."""

    def receive(self) -> tuple[QueuedMessage, ...]:
        """Some messages, waiting a while for the first. They come again unless they are deleted."""

    def delete(self, message: QueuedMessage) -> None: ...
