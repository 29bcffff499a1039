"""`history`, `diff`, `forget` and `vacuum`, as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.fakes.lakehouse import Lakehouse, activities_of, job_of, lakehouse
from tests.fakes.plans import ACME, plan_of
from tests.servers.valkey import free_port
from worker import bootstrap
from worker.adapters.system_clock import SystemClock
from worker.cli.commands import app
from worker.domain.errors import BadRequestError, IngestError, NotFoundError, TransientError
from worker.domain.plan import RunPlan
from worker.months import vacuum

SCRIPTS = Path(sysconfig.get_path("scripts"))
MONTH = timedelta(days=30)
OTHERS = replace(ACME, org_id="org-9")


@pytest.fixture
def lake(home: Path) -> Iterator[Lakehouse]:
    """Two versions of January: EC2 grows by an hour and a dime, and another org's source of the same name."""
    with lakehouse(home) as opened:
        publish(opened, plan_of("a.csv"), "run-1", ("1", "0.1"))
        publish(opened, plan_of("b.csv", manifest_etag="m2"), "run-2", ("2", "0.2"))
        publish(opened, plan_of("x.csv", source=OTHERS), "run-9", ("1", "1"))
        yield opened


def publish(lake: Lakehouse, plan: RunPlan, run_id: str, amount: tuple[str, str]) -> None:
    rows = activities_of(amount, service_code=["AmazonEC2"], unit=["Hrs"], currency=["USD"])
    named = replace(plan, version_id=f"delivery-of-{run_id}")
    lake.publish(named, lake.ingest(plan, rows), run_id, SystemClock().now())


def run(*arguments: str, answer: str = "") -> str:
    """What the command says on stdout; what it raises, `worker.cli.main` shows."""
    result = CliRunner().invoke(app, [*arguments], input=answer)
    if isinstance(result.exception, IngestError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def document(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return found


@pytest.mark.usefixtures("lake")
def test_history_lists_the_versions_of_every_source_newest_first() -> None:
    months = document("history", "2024-01")["months"]

    assert [(month["org_id"], [each["run_id"] for each in month["versions"]]) for month in months] == [
        ("org-123", ["run-2", "run-1"]),
        ("org-9", ["run-9"]),
    ]
    newest, replaced = months[0]["versions"]
    assert newest | {"published_at": ""} == {
        "version_id": "delivery-of-run-2",
        "run_id": "run-2",
        "published_at": "",
        "final": True,
        "current": True,
        "files": 1,
        "rows": 1,
        "usage_amount": "2",
        "cost": "0.2",
        "warnings": [],
    }
    assert not replaced["current"]
    assert months[0]["forgotten_at"] is None


@pytest.mark.usefixtures("lake")
def test_history_as_a_table() -> None:
    said = run("history", "2024-01", "--org", "org-123")

    assert [word in said for word in ("org-123/acme", "delivery-of-run-1", "run-2", "final")] == [True] * 4
    assert "org-9" not in said


@pytest.mark.usefixtures("home")
def test_a_month_without_history_is_no_error() -> None:
    assert document("history", "2024-01") == {"months": []}
    assert run("history", "2024-01") == ""


@pytest.mark.usefixtures("lake")
def test_diff_says_what_was_restated() -> None:
    [found] = document("diff", "2024-01", "--org", "org-123")["diffs"]

    assert (found["from"]["run_id"], found["to"]["run_id"]) == ("run-1", "run-2")
    assert found["files"] == {"added": ["b.csv"], "dropped": ["a.csv"], "kept": []}
    assert found["groups"] == [
        {
            "service": "AmazonEC2",
            "account": "a account_id",
            "region": "a region",
            "rows": {"from": 1, "to": 1, "change": 0},
            "usage": {"Hrs": {"from": "1", "to": "2", "change": "1"}},
            "cost": {"from": "0.1", "to": "0.2", "change": "0.1"},
            "currency": "USD",
        }
    ]


@pytest.mark.usefixtures("lake")
def test_diff_as_a_table_shows_only_figures_that_changed() -> None:
    said = run("diff", "2024-01", "--from", "run-1", "--to", "delivery-of-run-2")

    lines = [line.split() for line in said.splitlines() if "AmazonEC2" in line]
    assert [line[-3:] for line in lines] == [["1", "2", "+1"], ["0.1", "0.2", "+0.1"]]
    assert "1 file added, 1 dropped, 0 kept" in said


@pytest.mark.usefixtures("lake")
def test_diff_of_a_version_with_itself_finds_nothing() -> None:
    assert "nothing changed" in run("diff", "2024-01", "--from", "run-2")


@pytest.mark.usefixtures("lake")
def test_diff_of_an_unknown_version_names_those_that_there_are() -> None:
    with pytest.raises(NotFoundError) as error:
        run("diff", "2024-01", "--from", "run-7", "--org", "org-123")

    assert "run-2 (delivery-of-run-2), run-1 (delivery-of-run-1)" in error.value.remedy


def test_forget_asks_nobody_who_is_not_there(lake: Lakehouse) -> None:
    with pytest.raises(BadRequestError, match="nobody") as error:
        run("forget", "acme", "--org", "org-123")

    assert "--yes" in error.value.remedy
    assert len(lake.table.records()) == 2


def test_forget_unpublishes_what_was_named(lake: Lakehouse) -> None:
    done = document("forget", "acme", "--org", "org-123", "--period", "2024-01", "--yes")

    assert [(each["org_id"], each["run_id"]) for each in done["forgotten"]] == [("org-123", "run-2")]
    assert [record.slot.org_id for record in lake.table.records()] == ["org-9"]
    [month] = document("history", "2024-01", "--org", "org-123")["months"]
    assert month["forgotten_at"]
    assert [each["current"] for each in month["versions"]] == [False, False]
    assert "run-1" in run("history", "2024-01", "--org", "org-123")


@pytest.mark.parametrize(("answer", "code", "left"), [(b"y\n", 0, 1), (b"n\n", 1, 2)])
def test_forget_asks_on_a_terminal(lake: Lakehouse, answer: bytes, code: int, left: int) -> None:
    terminal, keyboard = os.openpty()
    os.write(terminal, answer)

    command = [str(SCRIPTS / "offgridflow"), "forget", "acme", "--org", "org-123"]
    done = subprocess.run(command, stdin=keyboard, capture_output=True, text=True, timeout=60, check=False)

    os.close(terminal)
    os.close(keyboard)
    assert "unpublish this month?" in done.stderr
    assert "delivery-of-run-2" in done.stdout
    assert (done.returncode, len(lake.table.records())) == (code, left)


@pytest.mark.usefixtures("lake")
def test_forget_needs_an_org_where_two_have_the_name() -> None:
    with pytest.raises(BadRequestError, match="org-123, org-9"):
        run("forget", "acme", "--yes")


@pytest.fixture
def broker(home: Path, clean_valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("OFFGRIDFLOW_BROKER_URL", clean_valkey_url)
    yield clean_valkey_url
    bootstrap.close_world()


def age(home: Path) -> None:
    long_ago = (SystemClock().now() - MONTH).timestamp()
    for path in home.rglob("*.parquet"):
        os.utime(path, (long_ago, long_ago))


@pytest.mark.usefixtures("broker")
def test_vacuum_says_what_it_would_delete_and_then_deletes_it(lake: Lakehouse) -> None:
    lake.write(job_of("orphan.csv"), activities_of(("1", "1")))
    age(lake.folder)

    would_be = document("vacuum", "--dry-run")
    before = lake.files()
    done = document("vacuum", "--older-than", "24h", "--org", "org-123")

    [org] = done["orgs"]
    assert would_be["dry_run"]
    assert would_be["orgs"][0] == org
    assert org["deleted"]["parts"]["files"] == 1
    assert len(before) - len(lake.files()) == 1


@pytest.mark.usefixtures("lake", "broker")
def test_vacuum_as_a_table() -> None:
    said = run("vacuum", "--dry-run")

    assert "would be deleted" in said
    assert [line.split()[:2] for line in said.splitlines() if "parts" in line] == [
        ["org-123", "parts"],
        ["org-9", "parts"],
    ]


@pytest.mark.usefixtures("lake")
def test_vacuum_refuses_without_the_ledger(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFGRIDFLOW_BROKER_URL", f"redis://127.0.0.1:{free_port()}/0")
    age(home)
    before = sorted(home.rglob("*"))

    with pytest.raises(TransientError, match="cannot be reached"):
        run("vacuum")

    assert [path for path in before if not path.exists()] == []


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize("limit", ["0d", "59m", "7", "week", "-1d"])
def test_a_limit_that_is_too_short_or_no_duration_is_refused(lake: Lakehouse, limit: str) -> None:
    with pytest.raises(BadRequestError):
        run("vacuum", f"--older-than={limit}")

    assert lake.files()


def test_python_asks_the_same(lake: Lakehouse, broker: str) -> None:
    [ours, theirs] = vacuum(broker, dry_run=True)

    assert (ours.org_id, theirs.org_id) == ("org-123", "org-9")
    assert lake.files()
