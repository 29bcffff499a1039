"""What S3 says when AWS has delivered: which manifests a message of a queue announces, and what they ask for.

A message comes at least once, in no order, and from whoever may write to the queue. So what it asks for is named by what it
says, a second copy asks for the same again, and what is no notification is said to be none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from worker.domain.discovery import MANIFEST, StoredObject, find_manifests, is_of_report
from worker.domain.source import CARBON, Source, digest
from worker.domain.trigger import Trigger

NO_NOTIFICATION = "it is no notification of S3"
TEST_EVENT = "it is S3's test of the queue"


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """An object that was just written to a bucket. A notification's size is not to be trusted, nor needed: it is 0."""

    bucket: str
    stored: StoredObject


@dataclass(frozen=True, slots=True)
class Notification:
    """The objects that a message says were written; ``junk`` is why it says nothing of the kind, else empty."""

    objects: tuple[WrittenObject, ...] = ()
    junk: str = ""


def parse_notification(body: str) -> Notification:
    """A message's body: S3's own notification or EventBridge's, as they are or as SNS forwards them."""
    try:
        message = json.loads(body)
        if message.get("Type") == "Notification":
            message = json.loads(message["Message"])
        if message.get("Event") == "s3:TestEvent":
            return Notification(junk=TEST_EVENT)
        return Notification(tuple(_written(message)))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return Notification(junk=NO_NOTIFICATION)


def asked_for(notification: Notification, sources: Iterable[Source]) -> tuple[Trigger, ...]:
    """A trigger for each configured source and each month whose manifest is announced; no two have the same id."""
    known = tuple(sources)
    asked = (_asked(written, source) for written in notification.objects for source in known)
    return tuple({trigger.trigger_id: trigger for trigger in asked if trigger}.values())


def _written(message: Mapping[str, Any]) -> Iterator[WrittenObject]:
    if "Records" not in message:
        if message["detail-type"] == "Object Created":
            detail = message["detail"]
            yield _object(detail, detail["object"]["key"], detail["object"]["etag"], message["time"])
        return
    for record in message["Records"]:
        if record["eventName"].startswith("ObjectCreated:"):
            stored = record["s3"]["object"]
            # Only S3's own notifications encode the key, as a form would: `=` and `:` of our keys, and blanks as `+`.
            yield _object(record["s3"], unquote_plus(stored["key"]), stored["eTag"], record["eventTime"])


def _object(about: Mapping[str, Any], key: str, etag: str, at: str) -> WrittenObject:
    (key + etag).encode()  # JSON can spell text that is none, and no key or ETag of S3's
    return WrittenObject(str(about["bucket"]["name"]), StoredObject(key, etag, 0, datetime.fromisoformat(at)))


def _asked(written: WrittenObject, source: Source) -> Trigger | None:
    """What the object asks for if it is a manifest of the source: its month, or all months if its key spells none."""
    place, stored = source.location, written.stored
    if (place.scheme, place.bucket) != ("s3", written.bucket) or not stored.key.startswith(place.prefix):
        return None
    usage = find_manifests([stored])
    if source.kind == CARBON:
        is_other_export = not usage and MANIFEST.fullmatch(stored.key.rpartition("/")[2])
        return Trigger(_trigger_id(source, stored), sources=(source,)) if is_other_export else None
    if not any(is_of_report(each, source.report) for each in usage):
        return None
    [month] = (each.period for each in usage)
    return Trigger(_trigger_id(source, stored), sources=(source,), start=month, end=month and month.next())


def _trigger_id(source: Source, stored: StoredObject) -> str:
    """The same for all copies of a message, and for the two manifests, alike, that AWS writes of one delivery.

    The minute is in it, so that a manifest which comes back to what it once was asks again.
    """
    announced = digest(source.org_id, stored.etag, f"{stored.last_modified:%Y-%m-%dT%H:%M}")
    return f"sqs-{source.name}-{source.kind}-{announced[:16]}"
