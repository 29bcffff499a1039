"""A place of its own for every acceptance test: an org, a folder of the S3 server's bucket."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.acceptance.buckets import RemoteFolder
from tests.servers.seaweed import Seaweed


@pytest.fixture
def org() -> str:
    """An org that nothing was published for."""
    return f"org-{random.getrandbits(48):012x}"


@pytest.fixture
def remote(seaweed: Seaweed, tmp_path: Path) -> RemoteFolder:
    """A folder of the bucket that nothing was delivered to."""
    return RemoteFolder(seaweed, tmp_path / "as-delivered", f"{random.getrandbits(48):012x}")
