"""Report files written by hand, where it is the spelling that counts."""

from __future__ import annotations

import io
import zipfile

from worker.adapters.sample_columns import line_item

ROW = line_item("2024-01")
HEADER = ",".join(ROW)


def line(**cells: str) -> str:
    """An ordinary row, as CSV; cells that need quotes bring them."""
    return ",".join((ROW | cells).values())


def csv_of(*lines: str, header: str = HEADER, end: str = "\n") -> bytes:
    return "".join(f"{each}{end}" for each in (header, *lines)).encode()


def zip_of(*members: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as packed:
        for number, member in enumerate(members):
            packed.writestr(f"member {number}", member)
    return archive.getvalue()
