"""`plan`: what an ingest would do, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.buckets import usage
from tests.servers.deployment import Deployment
from worker import api
from worker.adapters.sample_month import Month, write_month
from worker.reading import tables

pytestmark = pytest.mark.acceptance


def test_a_plan_of_a_new_org_tells_its_files_and_makes_nothing(
    deployment: Deployment, org: str, tmp_path: Path
) -> None:
    write_month(tmp_path, Month("2025-01", rows=usage("1", "2"), rows_per_file=1))

    [planned] = api.plan(api.source(tmp_path.as_uri(), org))

    assert isinstance(planned, api.MonthPlan)
    assert len(planned.files) == len(planned.plan.add) == 2
    assert org not in tables().orgs()
    assert not [path for path in deployment.folder.rglob("*") if org in path.name]
