"""`status` in words and as JSON, of a source with one month in every state."""

from __future__ import annotations

import json

import pytest

from tests.fakes.every_cell import NOW, STATES, every_cell
from worker.cli.status_document import status_document
from worker.cli.status_tables import show_status
from worker.services.overview import overview

WHY = {
    "restated": "AWS restated the month after it was final",
    "late": "not final, and nothing newer for 48 hours",
    "unwatched": "not final, and nobody has looked for 48 hours",
    "provisional": "AWS has not closed the bill",
    "not_delivered": "AWS has not delivered a manifest",
    "running": "a run is in flight",
    "failed": "s3://cur-bucket/cur/: no (AccessDenied)",
    "failed over a version": "s3://cur-bucket/cur/: no (AccessDenied)",
    "with warnings": "3 rows rejected (2 negative_usage, 1 bad_number)",
    "older converter": "older converter: `ingest --reconvert` reads it again",
    "newer delivery": "a newer delivery (v9) is not published",
}


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that people see."""
    show_status(every_cell())
    return capsys.readouterr().out.splitlines()


def test_every_month_that_is_not_plain_says_why_and_what_to_do(shown: list[str]) -> None:
    usage = [line for line in shown if line.startswith("org-123/acme usage ")]

    for state, why in WHY.items():
        [line] = [line for line in usage if f"  {STATES[state]}  " in line]
        assert why in line
        assert line.rstrip().rpartition("  ")[2]
    assert not [line for line in usage if STATES["complete"] in line]


def test_the_grid_has_a_line_for_each_year_of_usage_and_of_emissions(shown: list[str]) -> None:
    grid = [line.split() for line in shown if line.split()[1:2] in (["usage"], ["emissions"])]

    assert [line[1:] for line in grid if line[2].isdecimal()] == [
        ["usage", "2023", *["·"] * 11, "ok!", "10"],
        ["usage", "2024", "ok", "new", "ok!", "ok!", "FAIL", "FAIL", "run", "none", "late", "late", "open", "·", "77"],
        ["emissions", "2024", "ok", *["·"] * 9, "none", "·", "10"],
    ]


def test_a_source_that_was_never_ingested_is_there(shown: list[str]) -> None:
    assert [line for line in shown if "newcomer" in line and "never ingested" in line]


def test_queues_say_who_serves_them_and_buckets_who_waits(shown: list[str]) -> None:
    text = "\n".join(" ".join(line.split()) for line in shown)

    assert "control 0 - control@host" in text
    assert "files 12 2024-12-05 10:00 none" in text
    assert "s3:0123456789abcdef -2.0 0.6 100 5" in text


def test_freshness_says_how_far_a_source_is_behind_and_when_its_turn_is(shown: list[str]) -> None:
    text = "\n".join(" ".join(line.split()) for line in shown)

    assert "acme usage 2024-12-05 11:00 2024-12-05 07:00 1 2024-12-05 11:00 2024-12-05 13:00" in text
    assert "acme emissions 2024-12-05 11:00 2024-11-25 12:00 0 - not scheduled" in text


def test_json_has_the_same_content() -> None:
    document = json.loads(json.dumps(status_document(every_cell())))

    months = {(each["kind"], each["billing_period"]): each for each in document["months"]}
    assert months["usage", STATES["complete"]]["plain"]
    assert [each["billing_period"] for each in document["months"] if not (each["why"] or each["warnings"])] == [
        "2024-01",
        "2024-01",
    ]
    assert all(each["plain"] or each["next_step"] for each in document["months"])
    assert months["usage", STATES["newer delivery"]]["seen_version_id"] == "v9"
    assert document["workers"] == [{"name": "control@host", "queues": ["control"]}]
    assert [(each["name"], each["waiting"]) for each in document["queues"]] == [("control", 0), ("files", 12)]
    assert [each["next_run"] for each in document["schedules"]] == ["2024-12-05T13:00:00+00:00"]
    assert document["beat"]
    assert document["limits"][0]["wait_seconds"] == 0.6


def test_without_a_broker_it_says_what_is_not_known() -> None:
    document = status_document(overview(NOW, every_cell().months, None, "no broker"))

    assert (document["workers"], document["queues"], document["unknown"]) == ([], [], "no broker")


def test_nothing_in_a_table_is_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    cell = replace(every_cell().months[0], why="[red]a tag[/nothing]", version_id="[bold]")

    show_status(overview(NOW, [cell], None))

    assert "[red]a tag[/nothing]" in capsys.readouterr().out
