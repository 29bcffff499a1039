"""Servers that the tests start themselves."""

from __future__ import annotations

pytest_plugins = [
    "tests.servers.valkey",
    "tests.servers.seaweed",
    "tests.servers.postgres",
    "tests.servers.sqs",
    "tests.servers.aws_account",
    "tests.servers.deployment",
    "tests.servers.otlp",
    "tests.servers.chromium",
    "tests.contracts.ledger_bench",
]


def pytest_make_parametrize_id(val: object) -> str | None:
    """No bytes in a test's name: what is packed has the time in it, and two processes must come to the same names."""
    if not isinstance(val, bytes) or (val.isascii() and val.decode().isprintable()):
        return None
    return f"{len(val)} bytes"
