"""AWS's Sustainability API: every estimate of a range of months, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from worker.adapters.aws_errors import FOREIGN, translate
from worker.adapters.aws_session import Connection
from worker.domain.billing_period import BillingPeriod
from worker.domain.emission_columns import FIGURES
from worker.domain.errors import BadRequestError, FatalError, TransientError
from worker.domain.estimates import ASK_AGAIN, Estimate
from worker.domain.source import Source

DIMENSIONS = ("USAGE_ACCOUNT_ID", "REGION", "SERVICE")

PAGE_RESULTS = 1000
"""AWS allows 5000, and recommends small pages."""


class StaleTokenError(BadRequestError):
    """AWS no longer takes the token that it gave with the page before."""


class CarbonApi:
    """`worker.ports.estimates.CarbonSource` on the API itself. Every error is left to the caller's retry policy.

    ``max_pages`` bounds one pass: what would take more is an error and never a shorter answer.
    """

    def __init__(self, source: Source, connection: Connection[Any], *, max_pages: int = 1000) -> None:
        self._source = source
        self._about = str(source.location)
        self._client = connection.client
        self._meter = connection.meter
        self._max_pages = max_pages

    @property
    def requests(self) -> int:
        """Requests sent to AWS so far, those for a role's credentials included."""
        return self._meter.requests

    def estimates(self, start: BillingPeriod, end: BillingPeriod) -> list[Estimate]:
        """Every estimate of the months from ``start`` to before ``end``, by account, region and service.

        A token that expires on the way, as when AWS restates a month, is worth one more pass from the first page.
        """
        try:
            return list(self._results(start, end))
        except StaleTokenError:
            return list(self._results(start, end))

    def _results(self, start: BillingPeriod, end: BillingPeriod) -> Iterator[Estimate]:
        months = {"TimePeriod": {"Start": start.start, "End": end.start}}
        token, seen = "", set[str]()
        for _ in range(self._max_pages):
            page = self._page(months, token)
            yield from page["Results"]
            token = page.get("NextToken", "")
            if not token:
                return
            if token in seen:
                message = f"{self._about}: the answer goes in circles"
                raise FatalError(message, "repeated_token", "ask whoever runs the endpoint; AWS does not do this")
            seen.add(token)
        message = f"{self._about}: more than {self._max_pages} pages of estimates from {start} to {end}"
        remedy = "give the source a later start, or raise OFFGRIDFLOW_MAX_PAGES"
        raise BadRequestError(message, "too_many_pages", remedy)

    def _page(self, months: dict[str, Any], token: str) -> dict[str, Any]:
        try:
            page: dict[str, Any] = self._client.get_estimated_carbon_emissions(
                **months,
                GroupBy=DIMENSIONS,
                EmissionsTypes=[figure.api_name for figure in FIGURES],
                Granularity="MONTHLY",
                MaxResults=PAGE_RESULTS,
                **({"NextToken": token} if token else {}),
            )
        except FOREIGN as foreign:
            error = translate(foreign, about=self._about, source=self._source)
            if token and error.code == "ValidationException":
                raise StaleTokenError(*error.args) from foreign
            raise error from foreign
        if "Results" not in page:
            raise TransientError(f"{self._about}: the answer has no results", "broken_answer", ASK_AGAIN)
        return page
