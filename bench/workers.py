"""The whole of `offgridflow ingest`, through Celery, with embedded workers."""

from __future__ import annotations

import json
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.inputs import empty_folder
from bench.measuring import Taken, measured

COMMAND = Path(sysconfig.get_path("scripts")) / "offgridflow"


@dataclass(frozen=True, slots=True)
class Run:
    """``seconds`` are the run's own, from its plan to its publication; what was ``taken`` is the whole command's."""

    rows: int
    seconds: float
    taken: Taken


def ingest(month: Path, workers: int) -> Run:
    """Ingest a delivery into an empty warehouse. ValueError when it is not published."""
    with empty_folder() as home:
        [run], taken = _ingested(month, home, workers, "published")
    return Run(run["rows"]["read"], run["seconds"], taken)


def poll(source: Path) -> Taken:
    """What it takes to find that nothing of a source has changed since it was published. ValueError when something had."""
    with empty_folder() as home:
        _ingested(source, home, 1, "published")
        _, taken = _ingested(source, home, 1, "up_to_date")
    return taken


def _ingested(source: Path, home: Path, workers: int, state: str) -> tuple[list[dict[str, Any]], Taken]:
    settings = {"OFFGRIDFLOW_HOME": str(home), "OFFGRIDFLOW_CONCURRENCY": str(workers)}
    taken = measured([COMMAND, "ingest", "--url", source.as_uri(), "--org", "bench", "--json"], settings)
    runs: list[dict[str, Any]] = json.loads(taken.said)["runs"]
    if {run["state"] for run in runs} != {state}:
        raise ValueError(f"not every month is {state}: {runs}")
    return runs, taken
