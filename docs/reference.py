"""Writes docs/settings.md and docs/commands.md from what they are about; `make docs` runs it, and a test holds them to it."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from worker.cli.commands import app
from worker.settings import settings_table

SETTINGS = """# Settings

Made by `make docs` from `worker/settings.py`. A setting is a variable of the environment; a name that is not here is an error.
What the sources are is in `offgridflow.toml`: [configure.md](configure.md).

"""
COMMANDS = """<!-- Made by `make docs` from the command's own help. -->

"""


def pages() -> dict[str, str]:
    """Each page's text by its name."""
    command = typer.main.get_command(app)
    said = get_docs_for_click(obj=command, ctx=typer.Context(command), name="offgridflow")
    return {"settings.md": f"{SETTINGS}{settings_table()}\n", "commands.md": f"{COMMANDS}{said.strip()}\n"}


if __name__ == "__main__":
    for name, text in pages().items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8")
