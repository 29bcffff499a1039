"""What beat sends."""

from __future__ import annotations

from typing import Any

from tasks.base import ClassifiedRetry
from tasks.messages import SlotMessage
from tasks.sending import send_trigger
from worker.app import app
from worker.bootstrap import world


@app.task(name="offgridflow.trigger_slot", base=ClassifiedRetry)
def trigger_slot(message: dict[str, Any]) -> None:
    """Ask for what a configured source has: its turn has come. A second message of the turn asks for nothing more."""
    slot = SlotMessage.model_validate(message)
    send_trigger(world().open_slot(slot.trigger_id, slot.source_name, slot.kind))
