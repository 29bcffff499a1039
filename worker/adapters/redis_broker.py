"""The connection to the Redis or Valkey server that runs in flight are kept in, and the scripts that run there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from redis import Redis, exceptions
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from worker.domain.errors import AuthError, TransientError, UnknownError

SCRIPTS = Path(__file__).with_name("lua")

REPLY_SECONDS = 10.0
"""The slowest step opens a run of 10,000 files: four megabytes sent, some 50 ms in the server."""

CONNECT_SECONDS = 5.0
HEALTH_CHECK_SECONDS = 25

REFUSALS = (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError)
OUTAGES = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,  # a replica, for as long as a failover takes
)

Argument = str | bytes | float


class Broker:
    """Runs scripts, and reads; a foreign error becomes ours here and nowhere else.

    It retries nothing: the tasks' own retries do, and a step that reached the server before its reply was lost would
    count twice.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @classmethod
    def connect(cls, url: str) -> Broker:
        """A broker by its URL. Nothing is sent before the first call."""
        redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=REPLY_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            health_check_interval=HEALTH_CHECK_SECONDS,
            retry=Retry(NoBackoff(), 0),
            # A hosted service's extra: it costs a round trip and hides a dead connection from the pool.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        return cls(redis)

    def run(self, script: str, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """One decision: ``lua/{script}.lua``, atomic in the server, by the server's clock."""
        with self._translating():
            return self._redis.register_script(_text(script))(keys=keys, args=args)

    def read(self, *commands: tuple[Argument, ...]) -> list[Any]:
        """The replies to several reading commands, all of one instant."""
        pipeline: Any = self._redis.pipeline()
        with self._translating(), pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            replies: list[Any] = pipeline.execute()
        return replies

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """Foreign errors become ours: transient while the server is away or full, auth when it refuses us."""
        try:
            yield
        except REFUSALS as error:
            message = f"the broker at {self._address} refuses the credentials"
            remedy = "check the user and the password in the broker's URL"
            raise AuthError(message, type(error).__name__, remedy) from error
        except exceptions.OutOfMemoryError as error:
            message = f"the broker at {self._address} has no memory left"
            raise TransientError(message, type(error).__name__, "raise its maxmemory") from error
        except OUTAGES as error:
            message = f"the broker at {self._address} cannot be reached"
            remedy = "check that it runs, that the broker's URL names it, and that the network lets us through"
            raise TransientError(message, type(error).__name__, remedy) from error
        except exceptions.RedisError as error:
            raise UnknownError(f"the broker at {self._address} answered: {error}", type(error).__name__) from error

    @property
    def _address(self) -> str:
        # Never the URL: it may hold a password.
        pool = self._redis.connection_pool.connection_kwargs
        return str(pool.get("path") or f"{pool.get('host', 'localhost')}:{pool.get('port', 6379)}")


@cache
def _text(script: str) -> str:
    prelude, own = (SCRIPTS / f"{name}.lua" for name in ("prelude", script))
    return prelude.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")
