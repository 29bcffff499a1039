"""What the Sustainability API answers, written down as the carbon emissions export would have delivered it.

A snapshot is one month in canonical form: the same estimates give the same bytes, in whatever order and on however many pages
they came, so its digest says whether AWS has restated the month. From here on the two ways are one.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

from worker.domain.billing_period import BillingPeriod
from worker.domain.emission_columns import EXPORT_COLUMNS, FIGURES
from worker.domain.errors import TransientError

ASK_AGAIN = "nothing to do; the next run asks again"


class Span(TypedDict):
    """From ``Start`` to before ``End``, in any zone."""

    Start: datetime
    End: datetime


class Emission(TypedDict):
    """One figure."""

    Value: float
    Unit: str


class Estimate(TypedDict):
    """One result of the API, as boto3 parses it. ``DimensionsValues`` is by dimension, ``EmissionsValues`` by type."""

    TimePeriod: Span
    DimensionsValues: Mapping[str, str]
    ModelVersion: str
    EmissionsValues: Mapping[str, Emission]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The estimates of one month, as the bytes of a CSV file with the export's columns."""

    period: BillingPeriod
    model_version: str
    body: bytes

    @property
    def etag(self) -> str:
        """The digest of all that AWS said, its model's version included."""
        return hashlib.sha256(self.body).hexdigest()


def snapshots(estimates: Iterable[Estimate]) -> tuple[Snapshot, ...]:
    """A snapshot of every month that has estimates, oldest first; AWS says nothing about a month that it has not estimated yet.

    TransientError when the estimates cannot be one answer: AWS restated the month while it was read, page by page.
    """
    months: defaultdict[BillingPeriod, list[dict[str, str]]] = defaultdict(list)
    for estimate in estimates:
        row = _row(estimate)
        months[BillingPeriod.parse(row["usage_period_start"][:7])].append(row)
    return tuple(_snapshot(period, rows) for period, rows in sorted(months.items()))


def _snapshot(period: BillingPeriod, rows: list[dict[str, str]]) -> Snapshot:
    versions = {row["model_version"] for row in rows}
    grains = {(row["usage_account_id"], row["region_code"], row["product_code"]) for row in rows}
    if len(versions) > 1 or len(grains) < len(rows):
        raise TransientError(f"AWS restated {period} while its estimates were read", "restated_meanwhile", ASK_AGAIN)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(EXPORT_COLUMNS)
    writer.writerows(sorted([row.get(name, "") for name in EXPORT_COLUMNS] for row in rows))
    return Snapshot(period, versions.pop(), text.getvalue().encode())


def _row(estimate: Estimate) -> dict[str, str]:
    try:
        span, dimensions = estimate["TimePeriod"], estimate["DimensionsValues"]
        row = {
            "usage_period_start": _stamp(span["Start"]),
            "usage_period_end": _stamp(span["End"]),
            "model_version": estimate["ModelVersion"],
            "usage_account_id": dimensions.get("USAGE_ACCOUNT_ID", ""),
            "region_code": dimensions.get("REGION", ""),
            "product_code": dimensions.get("SERVICE", ""),
        }
        for figure in FIGURES:
            if said := estimate["EmissionsValues"].get(figure.api_name):
                # The shortest text that is the same double: 0.1, not 0.1000000000000000055.
                row |= {figure.value: repr(float(said["Value"])), figure.unit: said["Unit"]}
    except KeyError as error:
        raise TransientError(f"an estimate came without its {error.args[0]}", "broken_estimate", ASK_AGAIN) from error
    return row


def _stamp(moment: datetime) -> str:
    """As the export spells it. boto3 gives the time in this host's zone, where a month may begin on another day."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
