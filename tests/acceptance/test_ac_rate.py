"""Acceptance criterion 16: one bucket for all workers, never above its rate, and none of it wasted."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

from limits.storage import storage_from_string

from worker.adapters.token_bucket import TokenBucketLimiter
from worker.adapters.token_bucket_storage import TokenBucket

PROCESSES = 8
BUCKET = "s3:shared"


class Load(NamedTuple):
    """What each process does: so many threads take tokens, until the time is over or so many were taken."""

    capacity: int
    rate: float
    threads: int = 1
    seconds: float = float("inf")
    calls: float = float("inf")

    def most(self, seconds: float) -> float:
        """What the bucket may give in so many seconds."""
        return self.capacity + self.rate * seconds


class Grant(NamedTuple):
    """A token, by the earliest and the latest moment at which it can have been due."""

    earliest: float
    latest: float


def take(url: str, load: Load, together: Barrier, queue: Queue[list[Grant]]) -> None:
    """One process: take tokens together with the others, and report them."""
    families = {"s3": TokenBucket(load.capacity, load.rate)}
    limiter = TokenBucketLimiter(storage_from_string(f"tb+{url}"), families)
    limiter.available(BUCKET)  # is connected now

    def one_after_another(_thread: int) -> list[Grant]:
        taken: list[Grant] = []
        while (asked := time.monotonic()) < deadline and len(taken) < load.calls:
            waited = limiter.acquire(BUCKET)
            taken.append(Grant(asked + waited, time.monotonic()))
        return taken

    with ThreadPoolExecutor(load.threads) as pool:
        together.wait()
        deadline = time.monotonic() + load.seconds
        queue.put([grant for taken in pool.map(one_after_another, range(load.threads)) for grant in taken])


def granted(url: str, load: Load) -> list[Grant]:
    """What eight processes got, in the order in which it was due."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # imported once, not eight times
    together, queue = context.Barrier(PROCESSES, timeout=20), context.Queue()
    arguments = (url, load, together, queue)
    processes = [context.Process(target=take, args=arguments, daemon=True) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    grants = sorted(grant for _ in processes for grant in queue.get(timeout=60))
    for process in processes:
        process.join()
    return grants


def excess(grants: list[Grant], load: Load) -> float:
    """By how much the worst of all intervals was above what the bucket may give in it."""
    return max(
        number - load.most(latest - first.earliest)
        for start, first in enumerate(grants)
        for number, latest in enumerate(accumulate((grant.latest for grant in grants[start:]), max), start=1)
    )


def test_ac16_eight_processes_never_exceed_one_bucket_and_use_all_of_it(clean_valkey_url: str) -> None:
    load = Load(capacity=100, rate=5.0, seconds=20.0)

    grants = granted(clean_valkey_url, load)

    assert excess(grants, load) <= 0
    in_time = sum(grant.earliest - grants[0].earliest <= load.seconds for grant in grants)
    assert in_time >= 0.99 * load.most(load.seconds)


def test_ac16_three_hundred_waiting_calls_end_when_the_bucket_allows(clean_valkey_url: str) -> None:
    load = Load(capacity=20, rate=40.0, threads=38, calls=1)
    calls = PROCESSES * load.threads

    grants = granted(clean_valkey_url, load)

    assert len(grants) == calls >= 300
    assert excess(grants, load) <= 0
    ideal = (calls - load.capacity) / load.rate
    assert max(grant.latest for grant in grants) - grants[0].earliest <= 1.05 * ideal
