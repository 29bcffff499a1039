"""From S3's notifications to triggers: a message leaves its queue only once what it asks for cannot be lost any more."""

from __future__ import annotations

from collections.abc import Callable

from worker.domain.notification import asked_for, parse_notification
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.ports.notifications import Notifications
from worker.ports.telemetry import Telemetry

NOT_OURS = "it announces no manifest of a configured source"


def take_notifications(
    queue: Notifications,
    configured: Callable[[], tuple[Source, ...]],
    ask: Callable[[Trigger], None],
    telemetry: Telemetry,
) -> None:
    """Take what the queue has now. ``ask`` keeps a trigger and sends its message; asked twice, it changes nothing.

    A message that asks for nothing is logged, never its text, and deleted. Whatever ``ask`` or the queue raises leaves the
    message there: it comes again, and asks for the same.
    """
    for message in queue.receive():
        notification = parse_notification(message.body)
        asked = asked_for(notification, configured())
        for trigger in asked:
            ask(trigger)
            telemetry.emit("notification.taken", message_id=message.message_id, trigger_id=trigger.trigger_id)
        if not asked:
            why = notification.junk or NOT_OURS
            telemetry.emit("notification.ignored", message_id=message.message_id, why=why)
        queue.delete(message)
