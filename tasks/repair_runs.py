"""The watchdog."""

from __future__ import annotations

from tasks.base import ClassifiedRetry
from tasks.sending import files_queue_is_empty, send, send_trigger
from worker.app import app
from worker.bootstrap import world


@app.task(name="offgridflow.repair_runs", base=ClassifiedRetry)
def repair_runs() -> None:
    """Send again what a lost message or a killed worker left undone."""
    dispatches, triggers = world().repair_runs(files_queue_is_empty=files_queue_is_empty())
    for dispatch in dispatches:
        send(dispatch)
    for trigger_id in triggers:
        send_trigger(trigger_id)
    world().observe(queue.name for queue in app.conf.task_queues)
