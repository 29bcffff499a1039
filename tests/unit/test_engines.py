"""What `prepare_engines` makes of a process's memory."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FREED = """
import re
from worker.settings import prepare_engines

def held():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) >> 10

prepare_engines()
blocks = [b"x" * {size} for _ in range({count})]
behind = [b"x" * 1_000 for _ in range(1_000)]
before = held()
del blocks
print(before - held())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="looks at glibc's allocator, which this system has not")
@pytest.mark.parametrize(
    ("size", "count", "least", "most"), [(24 << 20, 4, 95, 97), (4 << 20, 24, 0, 2), (1 << 20, 96, 0, 2)]
)
def test_blocks_of_a_reports_size_go_back_to_the_kernel_and_smaller_ones_are_kept(
    size: int, count: int, least: int, most: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FREED.format(size=size, count=count)], capture_output=True, text=True, check=True
    )

    assert least <= int(ended.stdout) <= most
