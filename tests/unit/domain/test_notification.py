from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.notifications import MANIFEST_KEY, TEST_EVENT, by_sns, of_eventbridge, of_s3
from tests.fakes.plans import ACME, JANUARY
from worker.domain.notification import Notification, asked_for, parse_notification
from worker.domain.source import CARBON, Source
from worker.domain.trigger import Trigger

CARBON_KEY = "cur/em/metadata/carbon_model_version=v3.0.0/usage_period=2024-01/em-Manifest.json"


def asked(message: object, *sources: Source) -> tuple[Trigger, ...]:
    return asked_for(parse_notification(json.dumps(message)), sources or (ACME,))


@pytest.mark.parametrize("message", [of_s3(), of_eventbridge(), by_sns(of_s3()), by_sns(of_eventbridge())])
def test_a_manifest_asks_for_its_month_of_its_source_however_it_is_announced(message: dict[str, object]) -> None:
    [trigger] = asked(message)

    assert (trigger.sources, trigger.start, trigger.end) == ((ACME,), JANUARY, JANUARY.next())


def test_a_key_is_decoded_where_s3_encodes_it_and_nowhere_else() -> None:
    odd = "cur/a+b c/metadata/BILLING_PERIOD=2024-01/2024-01-02T03:04:05Z-1%25/x-Manifest.json"

    keys = {
        written.stored.key
        for message in (of_s3(odd), of_eventbridge(odd))
        for written in parse_notification(json.dumps(message)).objects
    }

    assert keys == {odd}


def test_a_copy_and_the_second_manifest_of_a_delivery_ask_for_the_same() -> None:
    in_its_folder = MANIFEST_KEY.replace("acme-M", "2024-02-03T11:59:00.000Z-1234/acme-M")

    ids = {
        trigger.trigger_id
        for message in (of_s3(), of_s3(), of_eventbridge(), of_s3(in_its_folder, at="2024-02-03T12:00:59.000Z"))
        for trigger in asked(message)
    }

    assert len(ids) == 1


@pytest.mark.parametrize("other", [of_s3(etag="e2"), of_s3(at="2024-02-03T12:01:00.000Z")])
def test_another_manifest_or_the_same_one_later_asks_anew(other: dict[str, object]) -> None:
    [first], [second] = asked(of_s3()), asked(other)

    assert first.trigger_id != second.trigger_id


def test_every_source_that_the_manifest_belongs_to_is_asked_for_once() -> None:
    twin = replace(ACME, name="twin", report="acme")
    both = {"Records": [*of_s3()["Records"], *of_s3()["Records"]]}  # type: ignore[misc]

    found = asked(both, ACME, twin)

    assert [trigger.sources for trigger in found] == [(ACME,), (twin,)]
    assert len({trigger.trigger_id for trigger in found}) == 2


def test_a_manifest_whose_key_spells_no_month_asks_for_all_months() -> None:
    [trigger] = asked(of_s3("cur/acme/Manifest.json"))

    assert (trigger.start, trigger.end) == (None, None)


@pytest.mark.parametrize(
    "source",
    [
        replace(ACME, url="s3://other-bucket/cur/"),
        replace(ACME, url="s3://cur-bucket/else/"),
        replace(ACME, url="file:///cur-bucket/cur/"),
        replace(ACME, report="another"),
        replace(ACME, kind=CARBON),
    ],
)
def test_a_manifest_of_nobody_asks_for_nothing(source: Source) -> None:
    assert asked(of_s3(), source) == ()


@pytest.mark.parametrize(
    "message",
    [
        of_s3("cur/acme/data/BILLING_PERIOD=2024-01/acme-00001.csv.gz"),
        of_s3("cur/acme/20240101-20240201/acme-RedshiftManifest.json"),
        of_s3(event="ObjectRemoved:Delete"),
        of_eventbridge() | {"detail-type": "Object Deleted"},
        of_s3(CARBON_KEY),
    ],
)
def test_what_is_no_new_manifest_asks_for_nothing_and_is_no_junk(message: dict[str, object]) -> None:
    assert asked(message) == ()
    assert parse_notification(json.dumps(message)).junk == ""


def test_estimates_that_are_delivered_are_asked_for_too() -> None:
    estimates = replace(ACME, kind=CARBON)

    [trigger] = asked(of_s3(CARBON_KEY), ACME, estimates)

    assert trigger.sources == (estimates,)


def test_s3_testing_the_queue_is_told_from_junk() -> None:
    tested, junk = (parse_notification(json.dumps(each)) for each in (TEST_EVENT, {"hello": "world"}))

    assert tested.junk != junk.junk
    assert "" not in (tested.junk, junk.junk)


NOTIFICATION = st.sampled_from([of_s3(), of_eventbridge(), by_sns(of_s3())])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Records", "s3", "object", "key", "Type", "Message", "detail-type", "detail", "time"]),
            inner,
        )
    ),
)


@given(JUNK)
def test_json_that_says_nothing_is_junk(value: object) -> None:
    assert parse_notification(json.dumps(value)).objects == ()


@given(NOTIFICATION, st.data())
def test_a_notification_with_anything_in_one_place_is_read_or_junk(
    message: dict[str, object], data: st.DataObject
) -> None:
    body = json.dumps(message)
    at = data.draw(st.integers(0, len(body)))
    spoiled = (
        body[:at] + data.draw(st.text(max_size=3) | st.sampled_from(["\\ud800", "{", "null", "1e999"])) + body[at + 1 :]
    )

    found = parse_notification(spoiled)

    assert isinstance(asked_for(found, [ACME]), tuple)


@pytest.mark.parametrize(
    "body",
    ["", "manifest", "[" * 200_000, json.dumps(of_s3(etag="\ud800"))],
)
def test_text_that_says_nothing_is_junk(body: str) -> None:
    assert parse_notification(body).junk


def test_nothing_is_no_notification() -> None:
    assert parse_notification("null") == Notification(junk="it is no notification of S3")
