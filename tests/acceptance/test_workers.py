"""What prefork is chosen for, and what it must not cost: many files, big files, parents without engines."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.acceptance.buckets import totals, totals_of, usage, write_again_and_again
from tests.acceptance.processes import mapped_libraries, needs_proc, peak_memory, threads_of
from tests.servers.deployment import Deployment
from worker import api
from worker.adapters.sample_columns import COLUMNS
from worker.adapters.sample_month import Month, write_month
from worker.adapters.sample_rows import sample_lines
from worker.domain.billing_period import BillingPeriod
from worker.domain.outcome import RunState

pytestmark = pytest.mark.acceptance

MIB = 1024 * 1024
ENGINES = {"polars", "pyarrow", "pyiceberg", "sqlalchemy", "botocore", "boto3"}
PARENT = """
import json, sys
from worker.app import app
app.loader.import_default_modules()
app.finalize()
app.tasks["offgridflow.ingest_file"].Request
from worker.bootstrap import configure_logging, retry_policy
configure_logging(20), retry_policy()
print(json.dumps({"modules": sorted(sys.modules), "tasks": sorted(app.tasks)}))
"""
"""All that a worker does before it forks, short of taking messages."""
FOLLOWER = """
import json, sys
from worker import api
reports = api.watch(sys.argv[1], sys.argv[2], lambda standing: None)
print(json.dumps({"modules": sorted(sys.modules), "reports": len(reports)}))
"""


def test_two_hundred_small_files_are_published(deployment: Deployment, org: str, tmp_path: Path) -> None:
    rows = usage(*map(str, range(1, 201)))
    write_month(tmp_path, Month("2025-01", rows=rows, rows_per_file=1))

    [report] = deployment.ingest(api.source(tmp_path.as_uri(), org))

    assert report.state is RunState.PUBLISHED
    assert (report.files.total, report.files.ingested) == (200, 200)
    assert totals(org) == totals_of(rows)


def test_what_forks_has_imported_no_engine(deployment: Deployment) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PARENT],
        cwd=deployment.folder,
        env=deployment.environment,
        capture_output=True,
        check=True,
    )

    loaded = json.loads(ended.stdout)
    assert "offgridflow.ingest_file" in loaded["tasks"]
    assert ENGINES.isdisjoint(loaded["modules"])


def test_what_follows_a_run_has_imported_no_engine(deployment: Deployment, org: str, tmp_path: Path) -> None:
    write_month(tmp_path, Month("2025-01", rows=usage("1")))
    asked = api.request(api.source(tmp_path.as_uri(), org))
    api.trigger(deployment.broker, asked)

    ended = subprocess.run(
        [sys.executable, "-c", FOLLOWER, deployment.broker, asked.trigger_id],
        cwd=deployment.folder,
        env=deployment.environment,
        capture_output=True,
        check=True,
    )

    followed = json.loads(ended.stdout)
    assert followed["reports"] == 1
    assert ENGINES.isdisjoint(followed["modules"])


@needs_proc
def test_parents_have_loaded_no_engine_and_children_have(deployment: Deployment) -> None:
    for worker in deployment.workers.values():
        parent = mapped_libraries(worker.pid)
        children = [mapped_libraries(child) for child in worker.children]

        assert "polars" not in parent
        assert "arrow" not in parent
        assert [("polars" in child) for child in children] == [True, True]


@needs_proc
def test_only_children_that_decide_open_the_catalog(deployment: Deployment, org: str, tmp_path: Path) -> None:
    write_month(tmp_path, Month("2025-01", rows=usage("1", "2"), rows_per_file=1))

    [report] = deployment.ingest(api.source(tmp_path.as_uri(), org))

    children = {name: map(mapped_libraries, worker.children) for name, worker in deployment.workers.items()}
    assert report.state is RunState.PUBLISHED
    assert any("sqlalchemy" in child for child in children["control"])
    assert not any("sqlalchemy" in child for child in children["files"])


@needs_proc
def test_each_child_has_a_polars_pool_of_one_thread(deployment: Deployment) -> None:
    children = [child for worker in deployment.workers.values() for child in worker.children]

    pools = [[name for name in threads_of(child) if re.fullmatch(r"polars-\d+", name)] for child in children]

    assert pools == [["polars-0"]] * len(children)


@needs_proc
def test_a_child_needs_little_memory_for_a_file_of_a_million_rows(
    deployment: Deployment, org: str, tmp_path: Path
) -> None:
    lines = sample_lines(BillingPeriod(2025, 1), 10_000, Random(7), "")
    write_again_and_again(tmp_path, Month("2025-01", rows=(line.row for line in lines), columns=COLUMNS), times=100)

    [report] = deployment.ingest(api.source(tmp_path.as_uri(), org))

    peaks = [peak_memory(child) for child in deployment.workers["files"].children]
    assert report.state is RunState.PUBLISHED
    assert report.balance.read.rows == 1_000_000
    assert max(peaks) < 768 * MIB
