"""AWS's own estimates of emissions, where they have to be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from worker.domain.billing_period import BillingPeriod
    from worker.domain.estimates import Estimate


class CarbonSource(Protocol):
    """AWS's own estimates of emissions, for who asks. ``requests`` counts the calls made to AWS so far."""

    @property
    def requests(self) -> int: ...

    def estimates(self, start: BillingPeriod, end: BillingPeriod) -> list[Estimate]:
        """Every estimate of the months from ``start`` to before ``end``, each once, by account, region and service.

        A month that AWS has not estimated yet has none.
        """


class EstimateDelivery(Protocol):
    """Has AWS's estimates of emissions delivered to where a `ReportStore` finds them."""

    def deliver(self, start: BillingPeriod, end: BillingPeriod) -> None:
        """Ask for the months from ``start`` to before ``end``. One that AWS has not estimated yet is not delivered."""
