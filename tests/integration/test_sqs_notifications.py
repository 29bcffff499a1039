"""Notifications on a real queue: twice, late, in no order, or none at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.notifications import MANIFEST_KEY, TEST_EVENT, by_sns, of_eventbridge, of_s3
from tests.fakes.plans import ACME
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.world import FakeWorld
from tests.servers.seaweed import Keys
from tests.servers.sqs import Queue
from tests.servers.valkey import free_port
from tests.waiting import until
from worker.adapters.sqs_notifications import SqsNotifications
from worker.domain.errors import IngestError, NotFoundError, TransientError
from worker.domain.trigger import Trigger
from worker.services.take_notifications import take_notifications

FEBRUARY = MANIFEST_KEY.replace("2024-01", "2024-02")


@pytest.fixture(autouse=True)
def _short_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.adapters.sqs_notifications.POLL_SECONDS", 1)


class Asked:
    """Keeps triggers as the ledger does; ``before`` is called with each that is asked for."""

    def __init__(self, world: FakeWorld, before: Callable[[Trigger], None] = lambda _trigger: None) -> None:
        self.triggers = world.ledger.triggers
        self.telemetry = FakeTelemetry()
        self.times = 0
        self._before = before

    @property
    def months(self) -> list[str]:
        return sorted(str(trigger.start) for trigger in self.triggers.known.values())

    def take(self, queue: Queue) -> bool:
        """Take what is there; whether that was all."""
        take_notifications(SqsNotifications(queue.url), lambda: (ACME,), self._ask, self.telemetry)
        return not queue.left

    def _ask(self, trigger: Trigger) -> None:
        self._before(trigger)
        self.times += 1
        self.triggers.open(trigger)


@pytest.fixture
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return Asked(FakeWorld(tmp_path_factory.mktemp("spool")))


def test_every_month_is_asked_for_once_whatever_comes_twice_and_in_which_order(queue: Queue, asked: Asked) -> None:
    january, february = of_s3(), of_eventbridge(FEBRUARY, etag="e2")
    queue.send(february, january, by_sns(january), february, january)

    until(lambda: asked.take(queue))

    assert asked.months == ["2024-01", "2024-02"]
    assert asked.times == 5


def test_what_asks_for_nothing_is_said_and_deleted(queue: Queue, asked: Asked) -> None:
    queue.send(
        "not JSON", TEST_EVENT, of_s3("cur/acme/data/acme-00001.csv.gz"), of_s3(bucket="another"), {"Records": 1}
    )

    until(lambda: asked.take(queue))

    ignored = asked.telemetry.of("notification.ignored")
    assert asked.months == []
    assert len(ignored) == 5
    assert all(fields.keys() == {"message_id", "why"} for fields in ignored)


def test_a_crash_between_the_trigger_and_the_deletion_opens_no_second_one(
    queue: Queue, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.send(of_s3())
    with monkeypatch.context() as crash:
        crash.setattr(SqsNotifications, "delete", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            asked.take(queue)
    left = queue.left

    until(lambda: asked.take(queue))

    assert left == 1
    assert asked.times == 2
    assert asked.months == ["2024-01"]


def test_a_message_stays_until_its_trigger_is_kept(queue: Queue, tmp_path_factory: pytest.TempPathFactory) -> None:
    outages = [TransientError("the broker is away")]

    def away(_trigger: Trigger) -> None:
        if outages:
            raise outages.pop()

    asked = Asked(FakeWorld(tmp_path_factory.mktemp("spool")), away)
    queue.send(of_s3())
    with pytest.raises(TransientError):
        asked.take(queue)

    until(lambda: asked.take(queue))

    assert asked.months == ["2024-01"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("{server}/123456789012/nobodys", NotFoundError),
        ("{nobody}/123456789012/deliveries", TransientError),
    ],
)
def test_a_queue_that_does_not_answer_is_an_error_of_ours(queue: Queue, url: str, expected: type[IngestError]) -> None:
    server = queue.url.rpartition("/")[0].rpartition("/")[0]

    with pytest.raises(expected) as refused:
        SqsNotifications(url.format(server=server, nobody=f"http://127.0.0.1:{free_port()}")).receive()

    assert refused.value.remedy


def test_the_queues_region_is_the_one_that_its_url_names(monkeypatch: pytest.MonkeyPatch) -> None:
    Keys("ANYBODY00000000000", "no-secret").sign_in(monkeypatch)

    client = SqsNotifications("https://sqs.eu-west-3.amazonaws.com/123456789012/deliveries")._client

    assert (client.meta.region_name, client.meta.endpoint_url) == ("eu-west-3", "https://sqs.eu-west-3.amazonaws.com")


def _interrupt(*_arguments: object) -> None:
    raise KeyboardInterrupt
