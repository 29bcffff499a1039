"""Events, kept to be asked about."""

from __future__ import annotations


class FakeTelemetry:
    """`worker.ports.Telemetry` that remembers what happened, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def emit(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    def of(self, event: str) -> list[dict[str, object]]:
        """The fields of every event of this name."""
        return [fields for name, fields in self.events if name == event]
