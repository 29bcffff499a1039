"""The whole of `offgridflow ingest`, through Celery, with embedded workers."""

from __future__ import annotations

import json
import sysconfig
from dataclasses import dataclass
from pathlib import Path

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
        settings = {"OFFGRIDFLOW_HOME": str(home), "OFFGRIDFLOW_CONCURRENCY": str(workers)}
        taken = measured([COMMAND, "ingest", "--url", month.as_uri(), "--org", "bench", "--json"], settings)
    [run] = json.loads(taken.said)["runs"]
    if run["state"] != "published":
        raise ValueError(f"the month was not published: {run}")
    return Run(run["rows"]["read"], run["seconds"], taken)
