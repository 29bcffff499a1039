"""Acceptance criterion 15, the queue's half: what thousands of files weigh as messages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from worker.settings import environment_for

FILES = 2_000
"""A fifth of what the criterion names, with a fifth of the Redis it allows: sending takes about 4 ms a file."""

MESSAGE_BYTES = 2048
REDIS_BYTES = 100_000_000 * FILES // 10_000
SENDER_KIBIBYTES = 300 * 1024

SEND = """
import sys
from redis import Redis
from tasks.sending import send
from worker.services.dispatch import Dispatch
send(Dispatch("0123456789abcdef-1", tuple(f"{n:064x}" for n in range(int(sys.argv[1])))))
print(len(Redis.from_url(sys.argv[2]).pubsub_channels("celery-task-meta-*")))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read from /proc")
def test_ac15_a_run_of_many_files_is_small_in_messages_memory_and_redis(clean_valkey_url: str, tmp_path: Path) -> None:
    with Redis.from_url(clean_valkey_url) as redis:
        before = redis.info("memory")["used_memory"]

        sent = subprocess.run(
            [sys.executable, "-c", SEND, str(FILES), clean_valkey_url],
            cwd=tmp_path,
            env=environment_for(clean_valkey_url),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )

        messages = redis.lrange("files", 0, -1)
        grown = redis.info("memory")["used_memory"] - before
    assert len(messages) == FILES
    assert max(map(len, messages)) <= MESSAGE_BYTES
    assert grown < REDIS_BYTES
    subscriptions, peak = map(int, sent.stdout.split())
    assert subscriptions == 0  # nobody ever ends one
    assert peak < SENDER_KIBIBYTES
