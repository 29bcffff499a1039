"""Debian's chromium, and a visitor's window in it. No browser is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

WIDE, PHONE = (1400, 900), (390, 844)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium. In CI it has to be there."""
    chromium = shutil.which("chromium")
    if chromium is None:
        message = "chromium is not installed"
        if os.environ.get("CI") == "true":  # noqa: TID251 (not a setting of ours)
            pytest.fail(message)
        pytest.skip(message)
    sandbox = [] if os.getuid() else ["--no-sandbox"]  # chromium has none for root
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        yield running
        running.close()


@dataclass
class Visit:
    """A browser's window, and what a visitor never sees: complaints, and whatever was asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._complain)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"{request.url}: {request.failure}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _complain(self, message: ConsoleMessage) -> None:
        self.complaints.append(message.text)


@contextmanager
def visit(browser: Browser, size: tuple[int, int] = WIDE, theme: str = "light") -> Iterator[Visit]:
    width, height = size
    with browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme) as context:  # type: ignore[arg-type]
        yield Visit(context.new_page())
