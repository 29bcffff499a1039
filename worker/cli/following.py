"""Asking for runs and watching them."""

from __future__ import annotations

from worker import api
from worker.cli.progress import bar
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger


def follow(url: str, wanted: Trigger) -> tuple[RunReport, ...]:
    """Ask on this broker, and show a bar until everything has ended."""
    api.trigger(url, wanted)
    with bar() as on_look:
        return api.watch(url, wanted.trigger_id, on_look)
