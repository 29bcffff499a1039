"""Values as a collector takes them."""

from __future__ import annotations

from collections.abc import Mapping


def plain(values: Mapping[str, object]) -> dict[str, bool | int | float | str]:
    """Numbers and texts as they are, everything else as text; what is None is left out."""
    known = {name: value for name, value in values.items() if value is not None}
    return {name: value if isinstance(value, bool | int | float | str) else str(value) for name, value in known.items()}
