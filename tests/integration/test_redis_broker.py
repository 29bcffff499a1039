from __future__ import annotations

import socket
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.fakes.plans import outcome_of, plan_of, report_of
from tests.servers.valkey import free_port, running_valkey
from worker.adapters import redis_keys as keys
from worker.adapters.redis_broker import Broker
from worker.adapters.redis_keys import RunKeys
from worker.adapters.redis_leases import RedisFileLeases
from worker.adapters.redis_ledger import RedisRunLedger
from worker.adapters.redis_repairer import RedisRepairer
from worker.domain.errors import AuthError, TransientError, UnknownError
from worker.domain.outcome import RunState


def test_a_broker_that_is_away_is_a_transient_error_without_the_password() -> None:
    broker = Broker.connect(f"redis://:s3cret@127.0.0.1:{free_port()}/0")

    with pytest.raises(TransientError) as caught:
        broker.read(("GET", "any"))

    assert "127.0.0.1" in caught.value.message
    assert caught.value.remedy
    assert "s3cret" not in repr(caught.value)


def test_a_broker_that_does_not_answer_in_time_is_a_transient_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host, port = mute.getsockname()
        broker = Broker(Redis(host, port, socket_timeout=0.1, retry=Retry(NoBackoff(), 0)))

        with pytest.raises(TransientError):
            broker.read(("GET", "any"))
        broker.close()


def test_a_wrong_password_is_an_auth_error_without_the_password(tmp_path: Path) -> None:
    with running_valkey(tmp_path / "data", "--requirepass", "right") as url:
        broker = Broker.connect(url.replace("redis://", "redis://:s3cret@"))

        with pytest.raises(AuthError) as caught:
            broker.read(("GET", "any"))
        broker.close()

    assert "s3cret" not in repr(caught.value)


def test_a_full_broker_is_a_transient_error(tmp_path: Path) -> None:
    with running_valkey(tmp_path / "data", "--maxmemory", "1mb", "--maxmemory-policy", "noeviction") as url:
        ledger = RedisRunLedger(broker := Broker.connect(url))

        with pytest.raises(TransientError) as caught:
            ledger.open(plan_of("a.csv"), "t1")
        broker.close()

    assert "memory" in caught.value.message


def test_an_answer_nobody_foresaw_is_an_unknown_error(clean_valkey_url: str) -> None:
    broker = Broker.connect(clean_valkey_url)

    with pytest.raises(UnknownError) as caught:
        broker.read(("INCR", "a", "b", "c"))
    broker.close()

    assert "INCR" in caught.value.message.upper()


def test_a_broker_that_came_back_is_used_at_once(tmp_path: Path) -> None:
    port = free_port()
    with running_valkey(tmp_path / "first", port=port) as url:
        ledger = RedisRunLedger(broker := Broker.connect(url))
        ledger.open(plan_of("a.csv"), "t1")

    with running_valkey(tmp_path / "second", port=port):
        run_id, is_new = ledger.open(plan_of("a.csv"), "t1")
    broker.close()

    assert is_new
    assert run_id.endswith("-1")


@pytest.mark.parametrize(
    ("state", "files_seconds"),
    [(RunState.FAILED, keys.CLOSED_SECONDS), (RunState.PUBLISHED, keys.PUBLISHED_SECONDS)],
)
def test_what_is_kept_of_a_run_goes_together_and_later_once_it_is_closed(
    clean_valkey_url: str, state: RunState, files_seconds: int
) -> None:
    broker = Broker.connect(clean_valkey_url)
    ledger, leases = RedisRunLedger(broker, deadline_seconds=600), RedisFileLeases(broker)
    plan = plan_of("a.csv", "b.csv", "c.csv")
    run_id, _ = ledger.open(plan, "t1")
    done, lost, open_file = plan.files
    leases.record(run_id, outcome_of(done))
    leases.lose(run_id, lost.digest)
    leases.claim(run_id, open_file.digest, "worker-1")
    run = RunKeys.of(run_id)
    every = [getattr(run, kind) for kind in RunKeys.__dataclass_fields__]

    running = broker.read(*(("TTL", key) for key in every))
    ledger.close(run_id, report_of(run_id, state))
    about_files = (key for key in every if key not in (run.run, run.leases, run.holders))
    closed, *files = broker.read(*(("TTL", key) for key in (run.run, *about_files)))
    left = broker.read(("EXISTS", run.leases, run.holders), ("ZCARD", keys.ACTIVE_RUNS))
    broker.close()

    assert max(running) - min(running) <= 2
    assert max(running) <= 600 + keys.RUNNING_MARGIN_SECONDS
    assert keys.CLOSED_SECONDS - 60 < closed <= keys.CLOSED_SECONDS
    assert files_seconds - 60 < min(files) <= max(files) <= files_seconds
    assert left == [0, 0]


def test_a_run_that_redis_forgot_is_looked_at_no_more(clean_valkey_url: str) -> None:
    broker = Broker.connect(clean_valkey_url)
    run_id, _ = RedisRunLedger(broker).open(plan_of("a.csv"), "t1")
    with Redis.from_url(clean_valkey_url) as other:
        other.delete(RunKeys.of(run_id).run)

    found = RedisRepairer(broker).inspect(files_queue_is_empty=True)
    [active] = broker.read(("ZCARD", keys.ACTIVE_RUNS))
    broker.close()

    assert (found, active) == ((), 0)


def test_runs_older_than_what_is_kept_of_them_leave_the_index(clean_valkey_url: str) -> None:
    broker = Broker.connect(clean_valkey_url)
    with Redis.from_url(clean_valkey_url) as other:
        other.zadd(keys.RECENT_RUNS, {"of-last-year-1": 1_600_000_000})

    before = RedisRunLedger(broker).recent(10)
    run_id, _ = RedisRunLedger(broker).open(plan_of("a.csv"), "t1")
    [kept] = broker.read(("ZRANGE", keys.RECENT_RUNS, 0, -1))
    broker.close()

    assert before == ()
    assert kept == [run_id]
