"""What travels in a message: names and ids. Pydantic guards the door; everything else is in the ledger."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TriggerMessage(_Message):
    """Plan the runs of this trigger."""

    trigger_id: str


class SlotMessage(_Message):
    """Open this trigger for one kind of a configured source: a turn of its schedule has come."""

    trigger_id: str
    source_name: str
    kind: str


class FileMessage(_Message):
    """Ingest this file of this run. ``generation`` counts how often it was sent again."""

    run_id: str
    digest: str
    generation: int = 0


class RunMessage(_Message):
    """Publish this run, if it is ready."""

    run_id: str
