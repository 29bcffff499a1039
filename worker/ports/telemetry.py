"""What is told of what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Telemetry(Protocol):
    """What happened, as dotted past-tense events with all data in fields; and what it happened in, as spans."""

    def emit(self, event: str, **fields: object) -> None: ...

    def span(self, name: str, **attributes: object) -> AbstractContextManager[None]:
        """What the block does, and what is sent in it, belongs to this span; an error that leaves the block is the span's."""

    def note(self, **attributes: object) -> None:
        """Add to the innermost span what was not known when it began."""
