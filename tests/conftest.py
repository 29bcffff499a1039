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
