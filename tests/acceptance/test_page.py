"""The page as people meet it: served by the command, written as files, and looked at in Debian's chromium.

The screenshots are in pytest's temporary folder, below `screenshots`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page

from tests.fakes.lakehouse import Lakehouse, activities_of, lakehouse, rejections_of
from tests.fakes.plans import ACME, NOON, failure_of, plan_of, planned, report_of
from tests.servers.chromium import PHONE, WIDE, visit
from tests.servers.deployment import SCRIPTS
from tests.unit.page.known import LINKS, Known, everything, large, site
from worker.adapters.run_reports import WarehouseRunReports
from worker.domain.outcome import RunState
from worker.page.facts import Dimension
from worker.page.paths import GRID, RUNS, figures_path, month_path, run_path
from worker.page.serving import PageServer

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

FIGURES = figures_path(ACME.org_id, Dimension.CATEGORY)
PAGES = (GRID, RUNS, FIGURES, run_path("run-comp"), run_path("run-fail"), "months/org-123/acme/aws_cur/2024-04.html")
"""One of each kind, and a run that failed."""
SECRET = "canary-of-the-page"
FOCUSABLE = "a[href], button:not([hidden]), summary, [tabindex='0']"
BLANK = "canvas => !canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"


@contextmanager
def served(known: Known) -> Iterator[str]:
    """The URL of the pages about these facts."""
    with PageServer(0, lambda: site(known)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(everything()) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a command: a month that was published, restated, and then failed."""
    folder = tmp_path_factory.mktemp("home")
    with lakehouse(folder) as lake:
        _publish(lake, "a.csv", "1.5", hours=0)
        _publish(lake, "b.csv", "2.5", hours=1)
        failed = replace(
            report_of("run-3", RunState.FAILED), at=NOON + timedelta(hours=2), errors=(failure_of(planned("c.csv")),)
        )
        WarehouseRunReports(lake.warehouse).keep(failed)
    return folder


def _publish(lake: Lakehouse, key: str, usage: str, *, hours: int) -> None:
    plan = plan_of(key, manifest_etag=key)
    rows = activities_of((usage, "0.25"), service_code=["AmazonEC2"], category=["<script>"], unit=["hours"])
    lake.publish(
        plan, lake.ingest(plan, rows, rejections_of("bad_number")), f"run-{hours + 1}", NOON + timedelta(hours=hours)
    )


def environment(home: Path, **settings: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": os.defpath, "OFFGRIDFLOW_HOME": str(home), **settings}


@pytest.fixture(scope="module")
def written(home: Path) -> Path:
    """What the command writes, without a broker."""
    command = (SCRIPTS / "offgridflow", "page", "--out", "site")
    subprocess.run(command, cwd=home, env=environment(home), check=True, capture_output=True, timeout=60)
    return home / "site"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_can_be_looked_at_in_every_light_and_on_a_phone(
    browser: Browser, url: str, tmp_path: Path, size: tuple[int, int], theme: str
) -> None:
    with visit(browser, size, theme) as seen:
        for path in PAGES:
            seen.page.goto(url + path)
            shot = tmp_path / "screenshots" / f"{path.replace('/', '-')}.png"
            seen.page.screenshot(path=shot, full_page=True)

            assert seen.page.evaluate("document.documentElement.scrollWidth") <= size[0], path

        assert seen.complaints == []
        assert [each for each in seen.asked if not each.startswith(url)] == []


@pytest.mark.parametrize(
    "path", [GRID, RUNS, FIGURES, run_path("run-fail"), "months/org-123/acme/aws_cur/2024-04.html"]
)
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_keyboard_reaches_all_of_it(browser: Browser, url: str, path: str, size: tuple[int, int]) -> None:
    with visit(browser, size) as seen:
        seen.page.goto(url + path)
        there = seen.page.eval_on_selector_all(
            FOCUSABLE, "all => all.filter(each => each.checkVisibility()).map((each, at) => (each.dataset.at = at))"
        )

        reached = []
        for _ in there:
            seen.page.keyboard.press("Tab")
            reached.append(seen.page.evaluate("document.activeElement.dataset.at"))

    assert reached == [str(at) for at in there]


def test_the_first_stop_skips_to_the_content(browser: Browser, url: str) -> None:
    with visit(browser) as seen:
        seen.page.goto(url)
        seen.page.keyboard.press("Tab")
        assert seen.page.locator(":focus").inner_text() == "Skip to the content"

        seen.page.keyboard.press("Enter")
        seen.page.keyboard.press("Tab")

        assert seen.page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_theme_is_the_system_s_until_one_is_chosen_and_only_that_is_kept(browser: Browser, url: str) -> None:
    with visit(browser, theme="dark") as seen:
        seen.page.goto(url + FIGURES)
        colors = [_background(seen.page)]
        for _ in range(2):
            seen.page.get_by_role("button", name="Theme").click()
            colors.append(_background(seen.page))
        seen.page.get_by_role("button", name="Theme: dark").click()
        seen.page.get_by_role("button", name="Theme: system").click()
        seen.page.goto(url)

        dark, light, chosen = colors
        assert (dark, light) == (chosen, _background(seen.page))
        assert dark != light
        assert seen.page.evaluate("({...localStorage})") == {"theme": "light"}
        assert seen.complaints == []


def _background(page: Page) -> str:
    color: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return color


def test_every_chart_is_drawn_also_what_is_opened_later(browser: Browser, url: str) -> None:
    with visit(browser) as seen:
        seen.page.goto(url + FIGURES)
        for closed in seen.page.locator("details:not([open]) summary").all():
            closed.click()
        seen.page.wait_for_function("[...document.querySelectorAll('canvas')].every(canvas => canvas.height > 100)")

        blank = [canvas.evaluate(BLANK) for canvas in seen.page.locator("canvas").all()]

    assert blank == [False] * 4


def test_three_years_of_twenty_streams_and_a_thousand_runs_are_there_within_two_seconds(browser: Browser) -> None:
    with served(large()) as running, visit(browser) as seen:
        for path in (GRID, RUNS):
            assert min(_seconds(seen.page, running + path) for _ in range(5)) < 2, path  # others use this machine too


def _seconds(page: Page, url: str) -> float:
    started = time.perf_counter()
    page.goto(url)
    return time.perf_counter() - started


def test_the_head_and_the_sources_stay_in_sight_when_the_grid_is_scrolled(browser: Browser) -> None:
    with served(large()) as running, visit(browser) as seen:
        seen.page.goto(running)
        region = seen.page.get_by_role("group", name="Every source by month")
        region.scroll_into_view_if_needed()

        region.evaluate("region => region.scrollTo(1500, 400)")

        box = region.bounding_box()
        head, row = (region.locator(each).last.bounding_box() for each in ("thead th.corner", "tbody th"))
        assert box
        assert head
        assert row
        assert abs(head["y"] - box["y"]) < 5, (head, box)
        assert abs(head["x"] - box["x"]) < 5
        assert abs(row["x"] - box["x"]) < 5


def test_the_files_say_what_is_published_and_work_where_nothing_runs(browser: Browser, written: Path) -> None:
    with visit(browser) as seen:
        seen.page.goto((written / GRID).as_uri())
        assert "grant s3:GetObject" in seen.page.locator("main").inner_text()

        seen.page.locator(".grid td a").click()
        month = seen.page.locator("main").inner_text()
        seen.page.get_by_role("link", name="run-2").click()
        run = seen.page.locator("main").inner_text()
        seen.page.get_by_role("link", name="Figures").click()

        assert seen.page.locator("#cost-1 thead th").nth(1).inner_text() == "<script>"
        assert "What AWS restated" in month
        assert "+1" in month
        assert "bad_number: 1" in month
        assert "It balances, to the last digit." in run
        assert seen.complaints == []
        assert [each for each in seen.asked if not each.startswith(written.as_uri())] == []


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as it serves, and where."""
    with subprocess.Popen(
        [SCRIPTS / "offgridflow", "page"],
        cwd=home,
        env=environment(home, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        try:
            assert command.stdout
            yield command, command.stdout.readline().strip()
        finally:
            command.kill()


def test_the_command_serves_until_it_is_told_to_stop_and_asks_for_the_password(home: Path) -> None:
    with serving(home, OFFGRIDFLOW_PAGE_PASSWORD=SECRET, OFFGRIDFLOW_FLOWER_URL=LINKS.flower) as (command, url):
        with pytest.raises(HTTPError, match="401"):
            urlopen(url, timeout=20)
        known = Request(url + month_path(plan_of("a.csv").slot))
        known.add_header("Authorization", f"Basic {b64encode(f'offgridflow:{SECRET}'.encode()).decode()}")
        with urlopen(known, timeout=20) as answer:
            shown = answer.read().decode()

        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=20)

    assert url.startswith("http://127.0.0.1:")
    assert "What AWS restated" in shown
    assert LINKS.flower in shown
    assert command.returncode == 0
    assert SECRET not in shown + out + err
