"""The host's clock. What must agree between hosts asks the broker's instead."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """`Clock` of this machine, in UTC."""

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)  # noqa: TID251 (this is the Clock)
