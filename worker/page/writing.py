"""The page as files: to be looked at where nothing runs, or to be kept."""

from __future__ import annotations

from pathlib import Path

from worker.domain.errors import BadRequestError
from worker.page.site import ASSETS, Site, asset


def write(site: Site, folder: Path) -> int:
    """Write every page below the folder, over what is there, and return how many. Links are relative: the folder can move."""
    pages = site.pages
    try:
        for path, page in pages.items():
            _put(folder / path, page().encode())
        for name in ASSETS:
            _put(folder / "static" / name, asset(name))
    except OSError as error:
        raise BadRequestError(
            f"{folder}: {error.strerror}", "unwritable", "name a folder that can be written"
        ) from error
    return len(pages)


def _put(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
