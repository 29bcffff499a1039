"""Acceptance criteria about what AWS delivers and how it changes, on a real S3 server, with real workers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.acceptance.buckets import RemoteFolder, totals, totals_of, usage
from tests.acceptance.commands import Command
from tests.servers.deployment import Deployment
from worker import api
from worker.adapters.sample_month import Delivery, Layout, Month
from worker.cli.exits import Exit
from worker.domain.outcome import RunState

pytestmark = pytest.mark.acceptance

OLD, NEW = usage("1", "2", "4"), usage("8", "16")
ASSEMBLY_A = Month("2025-01", rows=OLD, rows_per_file=1, overwrite=True, version_id="a")
ASSEMBLY_B = replace(ASSEMBLY_A, rows=NEW, version_id="b")


def reads(deployment: Deployment, delivery: Delivery) -> int:
    """How often its report files were asked for."""
    return sum(len(deployment.s3.reads(key)) for key in delivery.files)


def test_ac3_a_chunk_that_the_manifest_no_longer_names_is_not_read(
    deployment: Deployment, org: str, remote: RemoteFolder
) -> None:
    source = api.source(remote.url, org)
    *_, orphan = remote.deliver(ASSEMBLY_A).files
    deployment.ingest(source)
    before = len(deployment.s3.reads(orphan))
    remote.deliver(ASSEMBLY_B)

    [report] = deployment.ingest(source)

    assert (report.version_id, report.files.total, report.files.dropped) == ("b", 2, 1)
    assert totals(org) == totals_of(NEW)
    assert len(deployment.s3.reads(orphan)) == before


def test_ac4_an_export_is_known_by_its_execution(deployment: Deployment, org: str, remote: RemoteFolder) -> None:
    export = replace(ASSEMBLY_A, layout=Layout.EXPORT, version_id="execution-1")
    source = api.source(remote.url, org)
    delivery = remote.deliver(export)
    [first] = deployment.ingest(source)
    read = reads(deployment, delivery)

    [same] = deployment.ingest(source)
    read_again = reads(deployment, delivery)
    remote.deliver(replace(export, rows=NEW, version_id="execution-2"))
    [other] = deployment.ingest(source)

    assert (first.version_id, first.billing_period) == ("execution-1", "2025-01")
    assert (same.state, read_again) == (RunState.UP_TO_DATE, read)
    assert (other.state, other.version_id) == (RunState.PUBLISHED, "execution-2")
    assert totals(org) == totals_of(NEW)


def test_ac5_a_delivery_that_is_replaced_while_it_is_read_is_never_mixed(
    deployment: Deployment, org: str, remote: RemoteFolder
) -> None:
    month = replace(ASSEMBLY_A, rows=usage(*["1"] * 6))
    restated = replace(month, rows=usage(*["100"] * 6), version_id="b")
    first, second, *_ = remote.deliver(month).files
    with deployment.s3.holding(first) as one, deployment.s3.holding(second) as other:
        asked = deployment.ask(api.source(remote.url, org))
        assert one.reached.wait(30)
        assert other.reached.wait(30)
        remote.deliver(restated)

    superseded, report = deployment.follow(asked)

    assert (superseded.state, superseded.version_id) == (RunState.SUPERSEDED, ASSEMBLY_A.version_id)
    assert (report.state, report.version_id) == (RunState.PUBLISHED, "b")
    assert totals(org) == totals_of(restated.rows)  # type: ignore[arg-type]  # they are a list
    assert 412 in {each.status for each in deployment.s3.passed if remote.prefix in each.path}


def test_ac6_a_month_that_was_restated_half_a_year_late_is_found_by_metadata_and_shown(
    deployment: Deployment, org: str, remote: RemoteFolder, command: Command
) -> None:
    months = [
        Month(f"2025-{month:02}", rows=usage("1", period=f"2025-{month:02}"), overwrite=True) for month in range(1, 7)
    ]
    deliveries = [remote.deliver(each) for each in months]
    source = api.source(remote.url, org)
    deployment.ingest(source)
    restated = replace(months[0], rows=usage("1", "2.5", bill_invoice_id="42"), version_id="restated")
    remote.deliver(restated)
    before = [reads(deployment, each) for each in deliveries]

    reports = deployment.ingest(source)

    after = [reads(deployment, each) for each in deliveries]
    [changed] = [each for each in reports if each.state is RunState.PUBLISHED]
    assert (changed.billing_period, changed.final) == ("2025-01", True)
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 0, 0, 0, 0, 0]
    [month] = json.loads(command("history", "2025-01", "--org", org, "--json").out)["months"]
    assert [(each["version_id"], each["cost"]) for each in month["versions"]] == [
        ("restated", "3.5"),
        (months[0].version_id, "1"),
    ]
    [diff] = json.loads(command("diff", "2025-01", "--org", org, "--json").out)["diffs"]
    [group] = diff["groups"]
    assert (group["service"], group["rows"]["change"], group["cost"]["change"]) == ("AmazonEC2", 1, "2.5")


def test_ac19_a_payer_that_moved_to_exports_is_not_counted_twice(
    deployment: Deployment, org: str, remote: RemoteFolder, command: Command
) -> None:
    exports = replace(remote, prefix=f"{remote.prefix}-exports")
    remote.deliver(ASSEMBLY_A)
    exports.deliver(replace(ASSEMBLY_A, layout=Layout.EXPORT))
    deployment.ingest(api.source(remote.url, org, "legacy"))

    ended = command("ingest", "--url", exports.url, "--org", org, "--name", "exports")

    assert ended.code == Exit.EVERY_RUN_FAILED
    assert ["'legacy'" in error and "would count the month twice" in error for error in ended.errors] == [True]
    assert totals(org) == totals_of(OLD)
