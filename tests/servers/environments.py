"""What the processes of a deployment know: a machine on which nothing else is configured."""

from __future__ import annotations

import os
from pathlib import Path

from tests.servers.seaweed import Keys, Seaweed

WRONG = Keys("OWNER0000000000000", "no-secret-of-the-owner")
"""A key that S3 knows, with another's secret; the profile ``wrong`` has it."""


def environment_in(folder: Path, broker: str, s3: str, seaweed: Seaweed) -> dict[str, str]:
    """All variables that they have. The limiter is wide open: it has tests of its own."""
    profiles = {"default": seaweed.owner, "wrong": WRONG}
    (folder / "credentials").write_text("".join(_profile(name, keys) for name, keys in profiles.items()))
    return {
        "HOME": str(folder),
        "PATH": os.defpath,
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "POLARS_MAX_THREADS": "1",
        "REMAP_SIGTERM": "SIGQUIT",
        "OFFGRIDFLOW_BROKER_URL": broker,
        "OFFGRIDFLOW_CONFIG": str(folder / "offgridflow.toml"),
        "OFFGRIDFLOW_HOME": str(folder / "home"),
        "OFFGRIDFLOW_SPOOL_DIR": str(folder / "spool"),
        "OFFGRIDFLOW_S3_ENDPOINT_URL": s3,
        "OFFGRIDFLOW_RATE_LIMIT_CAPACITY": "1000",
        "OFFGRIDFLOW_RATE_LIMIT_PER_SEC": "1000",
        "OFFGRIDFLOW_STALE_SECONDS": "10",
    }


def _profile(name: str, keys: Keys) -> str:
    return f"[{name}]\naws_access_key_id = {keys.access_key}\naws_secret_access_key = {keys.secret_key}\n"
