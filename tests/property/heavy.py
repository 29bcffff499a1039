"""Converts one heavy report file in a program of its own, and says what came out and what it took.

``python -m tests.property.heavy FILE COMPRESSION CHARSET LIMIT FOLDER``: the part is a real one, in a warehouse in the folder.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from tests.acceptance.processes import peak_memory
from tests.fakes.lakehouse import job_of, lakehouse
from tests.fakes.world import FakeWorld
from worker.adapters.report_reader import open_report
from worker.domain.errors import IngestError
from worker.services.convert_file import convert_file


@dataclass(frozen=True, slots=True)
class Ended:
    """``end`` is an error's class and code, or empty; ``rows`` are activities; ``memory`` is the peak, in bytes."""

    end: str
    rows: int
    seconds: float
    memory: int
    before: int


def converted(file: Path, compression: str, charset: str, limit: int, folder: Path) -> Ended:
    """Convert the file into the folder."""
    job = job_of("cur/report")
    job = replace(job, plan=replace(job.plan, compression=compression, charset=charset))
    (folder / "spool").mkdir()
    spooled = file.rename(folder / "spool" / "report")
    end, rows = "", 0
    before, started = peak_memory(os.getpid()), time.monotonic()
    with lakehouse(folder) as lake:
        world = replace(FakeWorld(folder).world, parts=lake.parts, open_report=partial(open_report, limit=limit))
        try:
            rows = convert_file(world, job, spooled, lambda: None).balance.activities.rows
        except IngestError as error:
            end = f"{error.error_class}: {error.code}"
    return Ended(end, rows, time.monotonic() - started, peak_memory(os.getpid()), before)


if __name__ == "__main__":
    file, compression, charset, limit, folder = sys.argv[1:]
    sys.stdout.write(json.dumps(asdict(converted(Path(file), compression, charset, int(limit), Path(folder)))))
