"""What waits, observed at each look of the watchdog."""

from __future__ import annotations

from collections.abc import Iterable

from worker.services.world import World


def observe(world: World, queues: Iterable[str]) -> None:
    """Say how long each queue is, for how long its oldest message has waited, and how many runs are in flight."""
    now = world.clock.now()
    for queue in queues:
        depth, oldest = world.backlog.waiting(queue)
        if not depth:
            seconds: float | None = 0.0
        else:
            seconds = (now - oldest).total_seconds() if oldest else None
        world.telemetry.emit("queue.observed", queue=queue, depth=depth, oldest_seconds=seconds)
    world.telemetry.emit("runs.observed", active=world.backlog.active_runs())
