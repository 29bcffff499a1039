"""This process as a user's, with a home of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this process and those that it starts keep everything; nothing else is configured, a broker neither."""
    home = tmp_path / "home"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFGRIDFLOW_HOME", str(home))
    monkeypatch.delenv("OFFGRIDFLOW_BROKER_URL", raising=False)
    _forget()
    yield home
    _forget()


def _forget() -> None:
    """Whatever a function of ours keeps, of its settings too, it forgets."""
    ours = [module for name, module in sys.modules.items() if name.startswith("worker.")]
    for function in (each for module in ours for each in vars(module).values() if hasattr(each, "cache_clear")):
        function.cache_clear()
