"""Deliveries: months written as AWS writes them, and what must be found in them."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from tests.servers.deployment import Deployment
from tests.servers.seaweed import BUCKET, Seaweed
from worker import api
from worker.adapters.sample_columns import line_item
from worker.adapters.sample_month import Delivery, Month, write_month

Row = Mapping[str, str]
Totals = tuple[int, int, Decimal]
"""Activities, distinct activity ids, cost."""

TOTALS = "select count(*), count(distinct activity_id), coalesce(sum(cost), 0) from activities"
NOTHING: Totals = (0, 0, Decimal(0))


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder of the S3 server's bucket. ``local`` has what was delivered to it last."""

    server: Seaweed
    local: Path
    prefix: str

    @property
    def url(self) -> str:
        return f"s3://{BUCKET}/{self.prefix}/"

    def deliver(self, month: Month) -> Delivery:
        """Write a month there: its files first, its manifests last, as AWS does."""
        delivery = write_month(self.local, replace(month, prefix=self.prefix, bucket=BUCKET))
        for key in (*delivery.files, *delivery.manifests):
            self.put(key, (self.local / key).read_bytes())
        return delivery

    def put(self, key: str, body: bytes) -> None:
        self.server.client.put_object(Bucket=BUCKET, Key=key, Body=body)


def write_again_and_again(folder: Path, month: Month, *, times: int) -> None:
    """A month of one big file, cheaply: its rows so often. A gzip file may be many, one behind the other."""
    file = folder / write_month(folder, month).files[0]
    header, end, rows = gzip.decompress(file.read_bytes()).partition(b"\n")
    file.write_bytes(gzip.compress(header + end) + gzip.compress(rows) * times)


def usage(*costs: str, period: str = "2025-01", **cells: str) -> list[Row]:
    """One line item for each of these costs."""
    return [line_item(period, line_item_unblended_cost=cost, **cells) for cost in costs]


def totals_of(rows: Sequence[Row]) -> Totals:
    """What must be found of rows that all are usage."""
    return len(rows), len(rows), sum((Decimal(row["line_item_unblended_cost"]) for row in rows), Decimal(0))


def totals(org: str) -> Totals:
    """What is published for an org now."""
    [(activities, ids, cost)] = api.query(TOTALS, org).rows
    return activities, ids, cost


def publications(deployment: Deployment, org: str) -> int:
    """How often a month of the org was published."""
    table = deployment.warehouse / f"offgridflow_{org}" / "activities"
    return len(list(table.glob("publications/*/*/*/*.json")))
