"""What a manifest calls for, against what is published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Changes:
    """Digests to read, to keep as they are, and to drop."""

    add: frozenset[str]
    keep: frozenset[str]
    drop: frozenset[str]


def diff(called_for: Iterable[str], held: Iterable[str]) -> Changes:
    """Compare two sets of part digests. A digest names its input, so nothing else needs comparing."""
    wanted, present = frozenset(called_for), frozenset(held)
    return Changes(add=wanted - present, keep=wanted & present, drop=present - wanted)
