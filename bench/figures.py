"""What one run of the benchmark found, and how it stands to what is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.contest import FLOOR, OURS, PLAIN, SAME, Result
from bench.measuring import Taken
from bench.workers import Run

MEBI = 2**20
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Scaling:
    """The same month by one worker and by two.

    ``speedup`` is that of two workers in one round, right after the one: between rounds the machine may change.
    """

    one: Run
    two: Run
    speedup: float


@dataclass(frozen=True, slots=True)
class Queue:
    """How months scale, the largest last, and what a tiny file takes in the queue and in a loop."""

    months: tuple[Scaling, ...]
    ms_a_file: float
    ms_a_file_in_a_loop: float


@dataclass(frozen=True, slots=True)
class Polling:
    """What a command took that found so many months unchanged, and one that found one."""

    months: int
    every: Taken
    one: Taken


@dataclass(frozen=True, slots=True)
class Publishing:
    """Seconds to publish so many parts for the first time, and again with one of them changed."""

    parts: int
    first: float
    changed: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything. ``main`` and ``exports`` are of the same rows, ``slow`` of a tenth of them."""

    main: Mapping[str, Result]
    slow: Mapping[str, Result]
    exports: tuple[Mapping[str, Result], ...]
    growth: tuple[Result, ...]
    queue: Queue
    polling: Polling
    publishing: Publishing


@dataclass(frozen=True, slots=True)
class Bar:
    """Something measured, what it must be now, and what it is to become; ``is_floor`` when more is better."""

    name: str
    measured: float
    now: float
    aim: float
    unit: str = ""
    is_floor: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is what it must be now."""
        return self.measured >= self.now if self.is_floor else self.measured <= self.now


def bars(figures: Figures) -> Iterator[Bar]:
    """Every bar that this run measures."""
    ours, queue, publishing = figures.main[OURS], figures.queue, figures.publishing
    peak = max(result.memory for result in (*figures.growth, *(each[OURS] for each in figures.exports)))
    yield Bar("CPU, converter against the same work in polars", ours.cpu / figures.main[SAME].cpu, 0.95, 0.5, TIMES)
    yield Bar("CPU, converter against a plain polars script", ours.cpu / figures.main[PLAIN].cpu, 1.6, 0.8, TIMES)
    yield Bar("CPU, converter against the floor", ours.cpu / figures.main[FLOOR].cpu, 9, 4, TIMES)
    yield Bar("peak memory of the converter, at any size and of any shape", peak / MEBI, 512, 256, " MiB")
    largest = queue.months[-1]
    yield Bar(
        f"two workers against one, 8 files, {largest.one.rows:,} rows", largest.speedup, 1.8, 1.95, TIMES, is_floor=True
    )
    yield Bar("the queue's share of a tiny file", queue.ms_a_file - queue.ms_a_file_in_a_loop, 10, 4, " ms")
    yield Bar(f"publishing {publishing.parts:,} parts the first time", publishing.first, 3, 2, " s")
    yield Bar(f"publishing one changed part of {publishing.parts:,}", publishing.changed, 3, 0.5, " s")
