"""What a service wants sent. It names no queue and no message: `tasks` knows those."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What is to be sent for one run: these files, and then its publication; without files, the publication alone.

    ``generation`` tells the messages of a repair from the first ones; ``background`` that the files give way to others.
    """

    run_id: str
    digests: tuple[str, ...] = ()
    generation: int = 0
    background: bool = False
