"""How the warehouse is laid out: the key of every file that is ours."""

from __future__ import annotations

from worker.domain.plan import Slot

NAMESPACE_PREFIX = "offgridflow_"
TABLE = "activities"


def namespace(org_id: str) -> str:
    """The namespace, and the folder, of one org."""
    return f"{NAMESPACE_PREFIX}{org_id}"


def table_key(org_id: str) -> str:
    """Where an org's table is; Iceberg keeps its metadata below it."""
    return f"{namespace(org_id)}/{TABLE}"


def part_key(slot: Slot, digest: str) -> str:
    """The activities of one report file."""
    return f"{table_key(slot.org_id)}/data/{_slot_path(slot)}/{digest}.parquet"


def rejections_key(slot: Slot, digest: str) -> str:
    """The rejected rows of one report file."""
    return f"{table_key(slot.org_id)}/data/{_slot_path(slot)}/{digest}.rejections.parquet"


def record_key(slot: Slot, run_id: str, digest: str) -> str:
    """One publication record: its run, and the digest of what it says."""
    return f"{table_key(slot.org_id)}/publications/{_slot_path(slot)}/{run_id}-{digest}.json"


def report_key(org_id: str, source_name: str, source: str, billing_period: str | None) -> str:
    """The report of the last closed run of a month, or of the last run that ended before any month was known."""
    return f"{table_key(org_id)}/runs/{source_name}/{source}/{billing_period or '_'}.json"


def estimates_key(org_id: str, source_name: str) -> str:
    """Where the answers of AWS's Sustainability API are kept, as they were given."""
    return f"{namespace(org_id)}/estimates/{source_name}"


def digest_of(part_uri: str) -> str:
    """The digest that a part is named by."""
    return part_uri.rpartition("/")[2].partition(".")[0]


def _slot_path(slot: Slot) -> str:
    return f"{slot.source_name}/{slot.source}/{slot.period}"
