"""The broker's access control list as docker-compose.yml has it; that it is the one of docs/secure.md, a unit test says."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
ADMIN = "admin"
"""A user, and its password, that the list does not have: it may look behind the guard."""


def write_users(file: Path, password: str) -> Path:
    """Write the list for `aclfile`: our user has this password, `ADMIN` may do everything."""
    users: str = yaml.safe_load(COMPOSE.read_text())["configs"]["users"]["content"]
    ours = re.sub(r"\$\{VALKEY_PASSWORD.*?\}", password, users)
    file.write_text(f"{ours}user {ADMIN} on >{ADMIN} ~* &* +@all\n")
    return file
