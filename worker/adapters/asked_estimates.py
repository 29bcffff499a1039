"""What AWS's Sustainability API answered, kept in the warehouse as if AWS had delivered it there: data first, manifest last.

So an answer is read like any other delivery, and an auditor finds what every published estimate was made of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from worker.adapters.layout import estimates_key
from worker.adapters.warehouse import Warehouse
from worker.domain.billing_period import BillingPeriod
from worker.domain.discovery import StoredObject
from worker.domain.errors import ChangedError
from worker.domain.estimates import Snapshot, snapshots
from worker.domain.source import Source
from worker.ports.estimates import CarbonSource

REPORT = "estimates"
DIGEST_SHOWN = 12


class AskedEstimates:
    """`worker.ports.reports.ReportStore` of the answers, and `deliver`, which asks. Keys are relative to the source's own folder.

    An answer is a file of its own, named by its digest, and stays; the manifest of its month is replaced. ``requests`` are
    those made to the API.
    """

    roots: tuple[str, ...] = ("",)

    def __init__(self, source: Source, warehouse: Warehouse, api: CarbonSource) -> None:
        self._folder = estimates_key(source.org_id, source.name)
        self._warehouse = warehouse
        self._api = api
        self.bucket = warehouse.uri(self._folder)

    @property
    def requests(self) -> int:
        """Requests sent to AWS so far."""
        return self._api.requests

    def deliver(self, start: BillingPeriod, end: BillingPeriod) -> None:
        """Ask for the months from ``start`` to before ``end``, and keep what AWS says of each that it has estimated."""
        for snapshot in snapshots(self._api.estimates(start, end)):
            self._keep(snapshot)

    def _keep(self, snapshot: Snapshot) -> None:
        """A month that AWS did not restate is left as it is, to the time of its files."""
        month = f"usage_period={snapshot.period}"
        data = f"data/model_version={snapshot.model_version}/{month}/{snapshot.etag}.csv"
        manifest = f"{self._folder}/metadata/{month}/{REPORT}-Manifest.json"
        version = f"{snapshot.model_version}-{snapshot.etag[:DIGEST_SHOWN]}"
        body = json.dumps({"executionId": version, "dataFiles": [data]}).encode()
        if self._warehouse.exists(manifest) and self._warehouse.read(manifest) == body:
            return
        self._warehouse.put_if_absent(f"{self._folder}/{data}", snapshot.body)
        self._warehouse.put(manifest, body)

    def list(self) -> Iterator[StoredObject]:
        """Every answer and every manifest, in key order. None is no error: AWS may not have estimated anything yet."""
        for stored in sorted(self._warehouse.below(self._folder), key=lambda stored: stored.key):
            key = stored.key.removeprefix(f"{self._folder}/")
            if _is_scratch(key):
                continue
            etag = _digest_of(key) or hashlib.sha256(self._warehouse.read(stored.key)).hexdigest()
            yield StoredObject(key, etag, stored.size, stored.modified)

    def read_manifest(self, key: str, if_none_match: str | None = None) -> tuple[bytes, str] | None:
        """The manifest and its ETag, which is the digest of its content; None when that still is ``if_none_match``."""
        body = self._warehouse.read(f"{self._folder}/{key}")
        etag = hashlib.sha256(body).hexdigest()
        return None if etag == if_none_match else (body, etag)

    def fetch(self, key: str, etag: str, size: int, into: Path, still_wanted: Callable[[], None]) -> int:
        """Copy an answer to ``into`` and return its size. ChangedError when it is not what it was."""
        still_wanted()
        body = self._warehouse.read(f"{self._folder}/{key}")
        if hashlib.sha256(body).hexdigest() != etag or len(body) != size:
            raise ChangedError(f"{self.bucket}/{key} was changed since it was written", "changed")
        return into.write_bytes(body)


def _is_scratch(key: str) -> bool:
    """Still being written."""
    return PurePosixPath(key).name.startswith(".")


def _digest_of(key: str) -> str:
    """An answer's, by its name; a manifest has none."""
    return PurePosixPath(key).stem if key.startswith("data/") else ""
