"""Reads damaged inputs, one after the other, and says on standard output what became of each.

A program of its own, so that a crash ends it and not the tests, and is seen: the last input that was announced did it.
``python -m tests.property.damage FIRST END`` reads the inputs of these numbers.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.acceptance.processes import peak_memory
from tests.property.conversion import Packed, convert
from tests.property.mutations import damaged_input
from worker.domain.errors import IngestError
from worker.domain.manifest import parse_manifest

SECONDS = 10
"""An input that takes longer hangs: the kernel's alarm ends the program, also inside a library."""

LIMIT = 50_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one input: it was read, refused with a classified error, or neither. ``memory`` is the peak so far, in bytes."""

    number: int
    kind: str
    end: str
    detail: str
    memory: int


def judged(number: int, folder: Path) -> Verdict:
    """Read the input of this number."""
    kind, made = damaged_input(number)
    try:
        if isinstance(made, Packed):
            converted = convert(made, folder, limit=LIMIT)
            converted.balance.check(kind)
            end, detail = "read", f"{converted.balance.read.rows} rows"
        else:
            end, detail = "read", f"{len(parse_manifest(made, 'Manifest.json', None, 'etag').files)} files"
    except IngestError as error:
        end, detail = "refused", f"{error.error_class}: {error.code}"
    except BaseException as error:  # noqa: BLE001 (a panic of a library in Rust is no Exception)
        end, detail = "unforeseen", f"{type(error).__name__}: {error}"[:500]
    memory = peak_memory(os.getpid()) if sys.platform == "linux" else 0
    return Verdict(number, kind, end, detail, memory)


def main(first: int, end: int) -> None:
    """Announce each input, read it, say what became of it."""
    with TemporaryDirectory() as folder:
        for number in range(first, end):
            _say(number)
            signal.alarm(SECONDS)
            _say(json.dumps(asdict(judged(number, Path(folder)))))
    signal.alarm(0)


def _say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
