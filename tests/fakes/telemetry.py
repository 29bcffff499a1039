"""Events and spans, kept to be asked about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class FakeSpan:
    """A span. ``inside`` names those around it, the outermost first; ``error`` is the class of what left it."""

    name: str
    attributes: dict[str, object]
    inside: tuple[str, ...]
    error: str = ""


@dataclass(slots=True)
class FakeTelemetry:
    """`worker.ports.telemetry.Telemetry` that remembers what happened, in order."""

    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    spans: list[FakeSpan] = field(default_factory=list)
    open: list[FakeSpan] = field(default_factory=list)

    def emit(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    @contextmanager
    def span(self, name: str, **attributes: object) -> Iterator[None]:
        span = FakeSpan(name, attributes, tuple(each.name for each in self.open))
        self.spans.append(span)
        self.open.append(span)
        try:
            yield
        except Exception as error:
            span.error = type(error).__name__
            raise
        finally:
            self.open.remove(span)

    def note(self, **attributes: object) -> None:
        if self.open:
            self.open[-1].attributes.update(attributes)

    def of(self, event: str) -> list[dict[str, object]]:
        """The fields of every event of this name."""
        return [fields for name, fields in self.events if name == event]

    def spans_of(self, name: str) -> list[FakeSpan]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]
