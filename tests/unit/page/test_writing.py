from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.page.known import everything, site
from worker.domain.errors import BadRequestError
from worker.page.site import ASSETS, asset
from worker.page.writing import write


def test_every_page_and_every_asset_is_a_file(tmp_path: Path) -> None:
    made = site(everything())

    written = write(made, tmp_path / "site")

    files = {path.relative_to(tmp_path / "site").as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {*made.pages, *(f"static/{name}" for name in ASSETS)}
    assert written == len(made.pages)


def test_it_is_written_over_what_is_there_and_leaves_the_rest(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")

    write(site(everything()), tmp_path)

    assert "Months" in (tmp_path / "index.html").read_text()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(BadRequestError, match="taken"):
        write(site(everything()), tmp_path / "taken")


def test_the_charting_library_comes_with_its_licence_and_asks_for_no_map() -> None:
    notice = asset("NOTICE").decode()

    assert "chart.umd.min.js" in notice
    assert "The MIT License (MIT)" in notice
    assert b"sourceMappingURL" not in asset("chart.umd.min.js")
