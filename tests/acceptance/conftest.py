"""A place of its own for every acceptance test: an org, a folder of the S3 server's bucket; and the command."""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.buckets import RemoteFolder
from tests.acceptance.commands import Command, Ended
from tests.servers.deployment import Deployment
from tests.servers.seaweed import Seaweed
from worker.cli import main


@pytest.fixture
def org() -> str:
    """An org that nothing was published for."""
    return f"org-{random.getrandbits(48):012x}"


@pytest.fixture
def remote(seaweed: Seaweed, tmp_path: Path) -> RemoteFolder:
    """A folder of the bucket that nothing was delivered to."""
    return RemoteFolder(seaweed, tmp_path / "as-delivered", f"{random.getrandbits(48):012x}")


@pytest.fixture
def command(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """`Deployment.cli`, but in this process: its engines are loaded already."""

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["offgridflow", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        return Ended(ended.value.code, said.out, said.err)

    before = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, before)
