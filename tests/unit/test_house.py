"""What the files around the code promise each other."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

HOUSE = Path(__file__).parents[2]

APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""SHA-256 of the licence text as the Apache Software Foundation publishes it."""


def text(name: str) -> str:
    return (HOUSE / name).read_text(encoding="utf-8")


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))


def test_make_does_what_the_readme_says_and_helps_by_default() -> None:
    named = re.findall(r"(?:^\s*|`|&& )make ([a-z]+)", text("README.md"), re.MULTILINE)

    assert make_targets() >= {"help", "demo", "test", "lint", "format", "clean", *named}
    assert ".DEFAULT_GOAL := help" in text("Makefile")


def test_ci_runs_what_people_run() -> None:
    script = HOUSE / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert set(re.findall(r"^run make (\w+)", script.read_text(), re.MULTILINE)) >= {"lint", "test"}


def test_the_licence_is_apache_2() -> None:
    assert hashlib.sha256((HOUSE / "LICENSE").read_bytes()).hexdigest() == APACHE_2
    assert 'license = "Apache-2.0"' in text("pyproject.toml")
