"""The converter alone, as a worker's child runs it: ``python -m bench.ours REPORT… FOLDER`` leaves parts below the folder.

It prints the seconds without those of the start.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import cast

from worker.bootstrap import loading
from worker.settings import prepare_engines

prepare_engines()

# Only now: polars asks the environment once, when it is imported.
with loading():
    from worker.adapters import table_definition
    from worker.adapters.folder_warehouse import FolderWarehouse
    from worker.adapters.part_store import ParquetPartStore
    from worker.adapters.report_reader import open_report
    from worker.domain.billing_period import BillingPeriod
    from worker.domain.outcome import FileOutcome
    from worker.domain.plan import FileJob, PlannedFile, RunPlan, part_digest
    from worker.domain.source import Source
    from worker.services.convert_file import convert_file
    from worker.services.world import World

SOURCE = Source("bench", "bench", "file:///bench")
JANUARY = BillingPeriod(2024, 1)


def plan_of(*paths: str) -> RunPlan:
    """A run that adds these files, packed as the first one's name says."""
    files = tuple(PlannedFile(part_digest(SOURCE, JANUARY, "", (path, "", 1)), path, path, "", 1) for path in paths)
    return RunPlan(
        source=SOURCE,
        period=JANUARY,
        manifest_key="manifest.json",
        manifest_path="manifest.json",
        manifest_etag="",
        version_id="bench",
        account="",
        bucket="",
        charset="UTF-8",
        files=files,
        add=frozenset(file.digest for file in files),
        table_columns=table_definition.schema().model_dump_json(),
        compression="parquet" if paths[0].endswith(".parquet") else "gzip",
    )


def warehouse_in(folder: Path) -> FolderWarehouse:
    """A warehouse of its own."""
    return FolderWarehouse(folder / "warehouse")


def convert(report: Path, parts: ParquetPartStore) -> FileOutcome:
    """The outcome of a report file, whose part is then in the store."""
    plan = plan_of(str(report))
    # All that a conversion asks of its world.
    asked = SimpleNamespace(open_report=partial(open_report, limit=10**12), parts=parts, rejections_per_file=10_000)
    return convert_file(cast("World", asked), FileJob("bench", plan, plan.files[0]), report, lambda: None)


if __name__ == "__main__":
    *reports, folder = map(Path, sys.argv[1:])
    parts, started = ParquetPartStore(warehouse_in(folder)), monotonic()
    for report in reports:
        convert(report, parts)
    sys.stdout.write(f"{monotonic() - started}")
