"""What the pages about the table say is what the table is; their Python runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.fakes.lakehouse import activities_of, lakehouse
from tests.fakes.plans import plan_of
from worker import reading
from worker.cli.commands import app
from worker.domain.schema import activity_schema
from worker.settings import settings

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("first-hour.md", "reading-the-table.md", "columns.md", "figures.md")
TYPES = {
    "text": pl.String(),
    "instant, UTC": pl.Datetime("us", "UTC"),
    "decimal(38,18)": pl.Decimal(38, 18),
    "integer": pl.Int64(),
    "map of text to text": pl.Map(pl.String(), pl.String()),
}


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def examples(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page(name), re.DOTALL)


@pytest.fixture
def catalog_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A catalog with two hours of compute in January, which this process is set up to read."""
    plan = plan_of("a.csv")
    rows = activities_of(("1.5", "1"), ("0.5", "1"), unit=["hours"] * 2, category=["cloud_compute"] * 2)
    with lakehouse(tmp_path) as lake:
        lake.publish(plan, lake.ingest(plan, rows))
    monkeypatch.setenv("OFFGRIDFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")  # polars recommends a package of its own, loudly
    forgotten = (settings, reading.warehouse, reading.tables, reading.reading_table)
    for each in forgotten:
        each.cache_clear()
    yield f"sqlite:///{tmp_path}/catalog.db"
    for each in forgotten:
        each.cache_clear()


def test_every_column_is_explained_in_the_table_s_order_with_its_type() -> None:
    explained = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page("columns.md"), re.MULTILINE)

    assert {name: TYPES[kind] for name, kind in explained} == activity_schema()
    assert [name for name, _ in explained] == list(activity_schema())


@pytest.mark.parametrize("at", range(3))
def test_every_example_of_reading_runs_and_finds_the_two_hours(catalog_uri: str, at: int) -> None:
    names: dict[str, Any] = {"CATALOG_URI": catalog_uri}

    exec(examples("reading-the-table.md")[at], names)  # the page's own code

    found = names["compute"]
    rows = found.rows() if isinstance(found, pl.DataFrame) else found.fetchall()
    assert [(unit, float(quantity)) for unit, quantity in rows] == [("hours", 2.0)]


def test_columns_of_the_external_table_are_ours() -> None:
    [created] = re.findall(r"CREATE EXTERNAL TABLE activities \((.*?)\n\)", page("reading-the-table.md"), re.DOTALL)

    named = re.findall(r"(\w+) (?:string|timestamp|decimal\(38,18\)|map<string,string>)", created)

    assert len(named) == created.replace("(38,18)", "").replace("<string,string>", "").count(",") + 1
    assert set(named) <= activity_schema().keys()


@pytest.mark.parametrize("name", PAGES)
def test_every_command_and_page_that_is_named_is_there(name: str) -> None:
    verbs = set(
        re.findall(
            r"offgridflow ([a-z]+)\b", "\n".join(re.findall(r"`[^`]+`|^offgridflow .*$", page(name), re.MULTILINE))
        )
    )
    links = re.findall(r"\]\(([\w-]+\.md)\)", page(name))

    known = {(command.name or command.callback.__name__) for command in app.registered_commands if command.callback}
    assert verbs <= known
    assert [link for link in links if not (DOCS / link).is_file()] == []


def test_exclusions_and_warnings_have_the_code_s_own_words() -> None:
    code = "\n".join(
        (DOCS.parent / "worker" / "domain" / f"{name}.py").read_text() for name in ("line_items", "meaning")
    )

    assert all(f'"{word}"' in code for word in ("OtherAccount", "SplitLineItem", "DedicatedHostInstance"))
    assert all(f'"{word}"' in code for word in ("OnDemand", "Reserved", "SavingsPlan", "Spot"))
