"""The reference of settings and commands is what `make docs` makes of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.reference import pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("name", "made"), pages().items(), ids=pages().keys())
def test_the_reference_is_made_from_the_code(name: str, made: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == made, "run make docs"
