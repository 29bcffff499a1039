"""The contrast of what meets on the page, by WCAG 2.2's formula, in the light and in the dark."""

from __future__ import annotations

import re
from itertools import product

import pytest

from worker.page.site import asset

CSS = asset("page.css").decode()
NAMED = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", CSS)
THEMES = {
    "light": {name: light for name, light, _ in NAMED},
    "dark": {name: dark for name, _, dark in NAMED},
}
PAPERS = ("paper", "shade")
TONES = ("good", "wait", "look", "bad")
TEXT = [
    *product(("ink", "muted", "link", "brand"), PAPERS),
    *((f"{tone}-ink", tone) for tone in TONES),
    *((f"{tone}-ink", paper) for tone in TONES for paper in PAPERS),
]
SERIES = [name for name, *_ in NAMED if name.startswith("series-")]


def luminance(color: str) -> float:
    """How light it is, from 0 to 1."""
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "paper"), TEXT)
def test_text_can_be_read(theme: str, ink: str, paper: str) -> None:
    colors = THEMES[theme]

    assert contrast(colors[ink], colors[paper]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("series", SERIES)
def test_a_bar_stands_out(theme: str, series: str) -> None:
    colors = THEMES[theme]

    assert contrast(colors[series], colors["paper"]) >= 3


def test_every_colour_has_a_name_and_is_among_those() -> None:
    rules = CSS.partition("\n}\n")[2]

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?!\w*[\s,{])|rgb|hsl", rules) == []
    used = set(re.findall(r"var\(--([\w-]+)\)", CSS))
    assert used <= {name for name, *_ in NAMED}
    assert len(SERIES) == 8
