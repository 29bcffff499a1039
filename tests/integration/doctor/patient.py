"""Somebody who has something to ask the doctor, and how to read what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.acceptance.buckets import RemoteFolder
from worker.cli.commands import app
from worker.domain.errors import IngestError
from worker.settings import settings

SECRETS = ("owner-secret", "reader-secret", "wrong-secret", "carbon-secret", "tenant-8", "canary")
Finding = dict[str, Any]


class Patient:
    """Somebody who has one source configured, and asks the doctor about it."""

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch, remote: RemoteFolder) -> None:
        self.folder = folder
        self.environment = environment
        self.remote = remote

    def configure(self, source: str = "", place: str = "", **variables: str) -> None:
        """``source`` and ``place`` are more lines of the source, and of its ``[source.cur]``."""
        place = place or f'[source.cur]\nurl = "{self.remote.url}"'
        text = f'[[source]]\nname = "acme"\norg_id = "org-1"\n{source}\n{place}\n'
        (self.folder / "offgridflow.toml").write_text(text)
        for name, value in variables.items():
            self.environment.setenv(name, value)
        settings.cache_clear()

    def says(self, *arguments: str) -> tuple[int, list[Finding]]:
        """The exit code, and the findings, among which there is no secret."""
        ended = self.types("--json", *arguments)
        document = json.loads(ended.stdout)
        assert document["well"] == (ended.exit_code == 0)
        return ended.exit_code, document["findings"]

    def types(self, *arguments: str) -> Result:
        """What the command says; what it raises, `worker.cli.main` shows."""
        ended = CliRunner().invoke(app, ["doctor", *arguments])
        if isinstance(ended.exception, IngestError):
            raise ended.exception
        assert not [secret for secret in SECRETS if secret in f"{ended.output}{ended.exception!r}"]
        return ended

    def failure(self) -> Finding:
        """The only thing that failed."""
        code, findings = self.says()
        [failed] = [each for each in findings if each["verdict"] == "fail"]
        assert code == 1
        return failed


def verdicts(findings: list[Finding]) -> dict[str, str]:
    """By check; of several of a check, the last."""
    return {each["check"]: each["verdict"] for each in findings}
