"""Waits for a token of the rate limiter, told while they last."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from worker.ports.telemetry import Telemetry


def told_wait(telemetry: Telemetry, family: str) -> Callable[[float], None]:
    """A ``sleep`` for the limiter of one API family."""

    def wait(seconds: float) -> None:
        said = {"family": family, "wait_ms": round(seconds * 1000)}
        with telemetry.span("aws.rate_wait", **said):
            telemetry.emit("rate limiting applied", **said)
            Event().wait(seconds)

    return wait
