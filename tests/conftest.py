"""Servers that the tests start themselves."""

from __future__ import annotations

pytest_plugins = [
    "tests.servers.valkey",
    "tests.servers.seaweed",
    "tests.servers.deployment",
    "tests.contracts.ledger_bench",
]
