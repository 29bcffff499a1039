"""Damaged input never hurts: it is read and balances, or is refused with a classified error, soon and in little memory.

Two thousand inputs by default; ``DAMAGED_INPUTS=10000`` in the environment asks for more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import pytest

from tests.acceptance.processes import needs_proc
from tests.property.damage import Verdict
from tests.property.mutations import KINDS

INPUTS = int(os.environ.get("DAMAGED_INPUTS", "2000"))  # noqa: TID251 (a test's own switch is no setting)
ROOT = Path(__file__).parents[2]
MEMORY = 500 * 2**20
"""Bytes, all libraries included; they alone are 180 MB."""


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    """What became of every input. A program that ends early is started again behind the input that ended it."""
    found: list[Verdict] = []
    while len(found) < INPUTS:
        found += _read_on(len(found))
    return found


def _read_on(first: int) -> Iterator[Verdict]:
    program = [sys.executable, "-W", "error", "-m", "tests.property.damage", str(first), str(INPUTS)]
    environment = {"PATH": os.defpath, "POLARS_MAX_THREADS": "1"}
    ended = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    lines = ended.stdout.splitlines()
    yield from (Verdict(**json.loads(line)) for line in lines if line.startswith("{"))
    if ended.returncode:
        assert lines, ended.stderr
        yield Verdict(int(lines[-1]), "", "crash", f"exit {ended.returncode}: {ended.stderr[-2000:]}", 0)


def test_every_input_is_read_or_refused(verdicts: list[Verdict]) -> None:
    others = [each for each in verdicts if each.end not in {"read", "refused"}]

    assert others == []


@needs_proc
def test_memory_stays_bounded(verdicts: list[Verdict]) -> None:
    assert max(each.memory for each in verdicts) < MEMORY


def test_the_damage_is_neither_too_small_nor_too_great(verdicts: list[Verdict]) -> None:
    ends = {
        kind: {each.end for each in some}
        for kind, some in groupby(sorted(verdicts, key=attrgetter("kind")), attrgetter("kind"))
    }

    assert ends == {kind: {"read", "refused"} for kind in KINDS}
