"""What a broker says of itself."""

from __future__ import annotations

from collections.abc import Iterator

from worker.adapters.redis_broker import Broker
from worker.domain.diagnosis import Finding, Verdict, ok, warn

CHECK = "broker"
OLDEST_MAJOR = 7
"""Of Redis, as of Valkey: what we test on."""

NO_EVICTION = "noeviction"


def examine_broker(broker: Broker) -> Iterator[Finding]:
    """Whether it answers, keeps what it is given, and is one that we know. Raises what it raises when it does not answer."""
    server, persistence, memory = broker.read(("INFO", "server"), ("INFO", "persistence"), ("INFO", "memory"))
    name, version = _version(server)
    if int(version.partition(".")[0]) < OLDEST_MAJOR:
        remedy = f"upgrade it: we know {OLDEST_MAJOR}.0 and newer"
        yield warn(CHECK, f"{name} {version} answers, but is old", remedy)
    else:
        yield ok(CHECK, f"{name} {version} answers")
    if not int(persistence.get("aof_enabled", 0)):
        said = "its append-only file is off: what it holds is lost when it restarts, and runs in flight end late"
        yield warn(CHECK, said, "set appendonly yes")
    policy = memory.get("maxmemory_policy", NO_EVICTION)
    if policy != NO_EVICTION:
        said = f"its maxmemory-policy is {policy}: when memory is short it forgets messages and runs in silence"
        yield Finding(CHECK, Verdict.FAIL, said, f"set maxmemory-policy {NO_EVICTION}")


def _version(server: dict[str, str]) -> tuple[str, str]:
    """Valkey says which Redis it stands for, too."""
    if "valkey_version" in server:
        return "Valkey", str(server["valkey_version"])
    return "Redis", str(server["redis_version"])
