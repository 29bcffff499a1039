"""The least that can be done with a file: unpack it, and look at each byte once."""

from __future__ import annotations

import sys

from isal import igzip

NOWHERE = b"\0"
"""To search for what is not there is the fastest look at every byte that Python has."""

if __name__ == "__main__":
    with igzip.open(sys.argv[1], "rb") as text:
        while chunk := text.read(1 << 20):
            chunk.find(NOWHERE)
