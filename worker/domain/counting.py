"""Numbers of things, in sentences."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """How many there are, as people say it: ``1 row``, ``1,200 rows``. ``many`` where it is not ``one`` with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
