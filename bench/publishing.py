"""What publishing costs: a month of many parts the first time, and again with one of them changed.

``python -m bench.publishing PARTS REPORT FOLDER`` prints the seconds of both as JSON. The report is converted once; every
part is described as that one is. There is no file behind the others, and none would be opened.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, process_time

from bench.ours import convert, plan_of, warehouse_in
from worker.adapters.catalog import OrgTables, open_catalog
from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.part_store import ParquetPartStore
from worker.domain.outcome import FileOutcome
from worker.domain.plan import PlannedFile, RunPlan
from worker.domain.publication import Held, Publication, publication

NOW = datetime(2024, 2, 3, tzinfo=UTC)


def publish(table: IcebergActivityTable, plan: RunPlan, like: FileOutcome) -> Mapping[str, float]:
    """The seconds that it takes to make the plan's files the month."""
    outcomes = {file.digest: _outcome(file, like) for file in plan.files}

    def decide(held: Held) -> Publication:
        return publication(plan, plan.base_id, outcomes, held, NOW)

    wall, cpu = monotonic(), process_time()
    table.publish(plan.slot, decide)
    return {"wall": monotonic() - wall, "cpu": process_time() - cpu}


def _outcome(file: PlannedFile, like: FileOutcome) -> FileOutcome:
    part = f"file:///nowhere/{file.digest}.parquet"
    described = (like.data_file or "").replace(str(like.part), part)
    return replace(like, digest=file.digest, key=file.key, part=part, data_file=described)


if __name__ == "__main__":
    parts, report, folder = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    warehouse = warehouse_in(folder)
    like = convert(report, ParquetPartStore(warehouse))
    catalog = open_catalog(f"sqlite:///{folder}/catalog.db", warehouse.engines.iceberg)
    table = IcebergActivityTable(warehouse, OrgTables(lambda: catalog, warehouse))
    paths = [f"report-{number:05}.csv.gz" for number in range(parts)]
    first = publish(table, plan_of(*paths), like)
    changed = publish(table, plan_of("changed.csv.gz", *paths[1:]), like)
    sys.stdout.write(json.dumps({"first": first, "changed": changed}))
