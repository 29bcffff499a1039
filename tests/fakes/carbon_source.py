"""Estimates in memory, which fail on demand and count their calls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo

from worker.adapters.sample_carbon import Footprint
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import IngestError
from worker.domain.estimates import Estimate


def estimate_of(footprint: Footprint, zone: tzinfo = UTC) -> Estimate:
    """A footprint as boto3 would have parsed it on a host in that zone."""
    period = footprint.period
    return {
        "TimePeriod": {"Start": period.start.astimezone(zone), "End": period.end.astimezone(zone)},
        "DimensionsValues": {
            "USAGE_ACCOUNT_ID": footprint.account,
            "REGION": footprint.region,
            "SERVICE": footprint.service,
        },
        "ModelVersion": footprint.model_version,
        "EmissionsValues": {
            name: {"Value": value, "Unit": footprint.unit} for name, value in footprint.figures.items()
        },
    }


class FakeCarbonSource:
    """`worker.ports.estimates.CarbonSource` on a list. The first calls can be made to fail; each call costs one request."""

    def __init__(self) -> None:
        self.requests = 0
        self._footprints: list[Footprint] = []
        self._first: list[IngestError] = []

    def publish(self, footprints: Iterable[Footprint]) -> None:
        """Estimate these months, anew if they were estimated before."""
        new = list(footprints)
        restated = {each.period for each in new}
        self._footprints = [*(each for each in self._footprints if each.period not in restated), *new]

    def fail_first(self, calls: int, error: IngestError) -> None:
        self._first = [error] * calls

    def estimates(self, start: BillingPeriod, end: BillingPeriod) -> list[Estimate]:
        self.requests += 1
        if self._first:
            raise self._first.pop()
        return [estimate_of(each) for each in self._footprints if start <= each.period < end]
