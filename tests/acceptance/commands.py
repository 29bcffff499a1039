"""The command, as it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. ``errors`` are the sentences on stderr that say what is wrong."""

    code: int | str | None
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


Command = Callable[..., Ended]
