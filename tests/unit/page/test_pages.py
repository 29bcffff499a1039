from __future__ import annotations

import posixpath
import time
from dataclasses import replace

import pytest

from tests.fakes.every_cell import every_cell, records
from tests.fakes.plans import report_of
from tests.unit.page.dom import Node, parsed
from tests.unit.page.known import LINKS, SCRIPT, Known, everything, large, page, site
from worker.domain.errors import ErrorClass, Failure
from worker.page import paths
from worker.page.facts import Dimension
from worker.page.grid import look_of
from worker.page.site import ASSETS

EVERY_PAGE = tuple(site(everything()).pages)
LOSSY = next(record for record in records() if record.balance.rejected.rows)


def at(path: str, known: Known | None = None) -> Node:
    return parsed(page(known or everything(), path))


def rows(document: Node) -> list[str]:
    return [row.text for row in document.all("tr")]


def test_every_month_that_is_not_plain_says_why_and_what_to_do_without_a_click() -> None:
    seen = every_cell()

    tasks = rows(at(paths.GRID).all("table")[0])

    for each in seen.months:
        if each.is_plain:
            continue
        about = (look_of(each).word, each.source_name, each.kind, each.period or "every month")
        said = (each.why, *each.warnings, each.next_step)
        assert any(all(word in row for word in (*about, *said)) for row in tasks), each


def test_every_cell_says_how_it_stands_by_word_icon_and_colour() -> None:
    seen = every_cell()

    cells = {link.get("href"): cell for cell in at(paths.GRID).all("table")[1].all("td") for link in cell.all("a")}

    for each in seen.months:
        if each.period:
            cell, look = cells[paths.standing_path(each)], look_of(each)
            assert cell.text.startswith(look.word.partition(",")[0])
            assert ("warnings" in cell.text) is bool(each.warnings)
            assert cell.get("class") == look.tone
            assert [use.get("href") for use in cell.all("use")] == [f"#{look.icon}"]


def test_what_keeps_it_going_is_there_and_without_a_broker_why_it_is_not() -> None:
    [with_it, without] = at(paths.GRID), at(paths.GRID, large())

    assert any(row.startswith("files 12 2024-12-05 10:00 none") for row in rows(with_it))
    assert "org-123/ acme usage 2024-12-05 11:00 2024-12-05 07:00 1 2024-12-05 11:00 2024-12-05 13:00" in rows(with_it)
    assert "no broker" in without.text


def hostile() -> Known:
    """Facts that would be markup, wherever text can come from."""
    known = everything()
    failure = Failure(ErrorClass.AUTH, SCRIPT, SCRIPT, SCRIPT, SCRIPT)
    known.runs = (replace(report_of("run-comp"), warnings=(SCRIPT,), errors=(failure,), version_id=SCRIPT),)
    months = tuple(replace(each, why=SCRIPT, next_step=SCRIPT, warnings=(SCRIPT,)) for each in known.overview.months)
    known.overview = replace(known.overview, months=months)
    return known


@pytest.mark.parametrize(
    "path",
    [
        paths.GRID,
        paths.run_path("run-comp"),
        paths.month_path(LOSSY.slot),
        paths.figures_path("org-123", Dimension.SERVICE),
    ],
)
def test_whatever_the_facts_say_is_text(path: str) -> None:
    document = at(path, hostile())

    scripts = document.all("script")
    assert {script.get("src").rpartition("/")[2] for script in scripts} <= ASSETS.keys()
    assert not any(script.text for script in scripts)
    assert SCRIPT in document.all("main")[0].text


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_a_page_has_what_readers_of_the_screen_go_by(path: str) -> None:
    document = at(path)

    [html] = document.all("html")
    assert html.get("lang") == "en"
    assert document.all("title")[0].text.endswith("· OffGridFlow ingest")
    assert [len(document.all(tag)) for tag in ("h1", "main", "header", "footer")] == [1, 1, 1, 1]
    assert all(nav.get("aria-label") for nav in document.all("nav"))
    assert all(table.all("caption") for table in document.all("table"))
    assert all(head.get("scope") for head in document.all("th"))
    assert all(canvas.get("aria-label") for canvas in document.all("canvas"))
    for each in document:
        if each.get("role") == "group":
            assert (each.get("tabindex"), bool(each.get("aria-label"))) == ("0", True)


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_ids_are_unique_and_what_points_to_one_finds_it(path: str) -> None:
    document = at(path)

    ids = [each.get("id") for each in document if each.get("id")]
    assert len(ids) == len(set(ids))
    pointing = [each.get("href")[1:] for each in document if each.get("href").startswith("#")]
    named = [each.get(name) for each in document for name in ("aria-labelledby", "data-table") if each.get(name)]
    assert {*pointing, *named} <= set(ids)
    assert "main" in pointing


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_every_link_leads_somewhere_and_none_out_but_to_the_tools_that_were_named(path: str) -> None:
    document, pages = at(path), {*EVERY_PAGE, *(f"static/{name}" for name in ASSETS)}

    links = [each.get(name) for each in document for name in ("href", "src") if each.get(name)]
    out = {link for link in links if "://" in link}
    inside = {posixpath.normpath(posixpath.join(posixpath.dirname(path), link)) for link in links if link[0] != "#"}
    assert {link.partition("?")[0] for link in out} <= {LINKS.flower, LINKS.trace.partition("?")[0]}
    assert {link for link in inside if ":/" not in link} <= pages


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_no_style_and_no_script_is_in_line(path: str) -> None:
    document = at(path)

    assert document.all("style") == []
    assert [
        each for each in document if any(name == "style" or name.startswith("on") for name in each.attributes)
    ] == []


def test_three_years_of_twenty_streams_and_a_thousand_runs_take_less_than_two_seconds() -> None:
    known = large()
    page(known)  # the templates are compiled once
    started = time.perf_counter()

    for path in (paths.GRID, paths.RUNS):
        page(known, path)

    assert time.perf_counter() - started < 2
