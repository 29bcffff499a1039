"""What the README says is what the code does."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from typer.testing import CliRunner

from worker import api
from worker.cli.commands import app
from worker.cli.exits import Exit
from worker.domain.source import CARBON, CUR
from worker.source_config import SourceConfig

HOUSE = Path(__file__).parents[2]
README = (HOUSE / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_page_it_links_to_exists_and_every_page_is_linked_to() -> None:
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)\)", README))

    assert linked == {page.name for page in (HOUSE / "docs").glob("*.md")}


def test_it_fits_on_two_screens() -> None:
    assert len(README.splitlines()) <= 140


def test_every_command_it_shows_exists() -> None:
    shown = set(re.findall(r"^offgridflow (\w+)", "\n".join(blocks("sh")), re.MULTILINE))

    listed = CliRunner().invoke(app, ["--help"]).output

    assert shown
    assert all(re.search(rf"^\s+{verb}\s", listed, re.MULTILINE) for verb in shown)


def test_its_python_is_short_and_uses_what_the_api_exports() -> None:
    [example] = blocks("python")

    imported = [
        name.name
        for node in ast.walk(ast.parse(example))
        if isinstance(node, ast.ImportFrom) and node.module == "worker.api"
        for name in node.names
    ]

    assert len(example.splitlines()) < 15
    assert imported
    assert all(hasattr(api, name) for name in imported)


def test_its_source_is_a_valid_one() -> None:
    [example] = blocks("toml")

    [configured] = tomllib.loads(example)["source"]

    assert [each.kind for each in SourceConfig.model_validate(configured).sources()] == [CUR, CARBON]


def test_its_exit_codes_are_the_commands() -> None:
    said = {int(code) for code in re.findall(r"\b(\d+) (?:no run|every run|usage|some failed|interrupted)", README)}

    assert said == set(map(int, Exit))
