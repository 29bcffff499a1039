"""The converter and its peers on the same file, in turns; all must come to the same rows and the same sums."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median

import polars as pl

from bench.inputs import Report, empty_folder
from bench.measuring import Taken, measured

FLOOR, OURS, PLAIN, SAME, DUCKDB, PANDAS, CSV = (
    "floor", "ours", "polars, plain", "polars, same work", "DuckDB, same work", "pandas in chunks", "Python's csv"
)  # fmt: skip
PROGRAMS = {
    FLOOR: "bench.peers.floor",
    OURS: "bench.ours",
    PLAIN: "bench.peers.polars_plain",
    SAME: "bench.peers.polars_same",
    DUCKDB: "bench.peers.duckdb_script",
    PANDAS: "bench.peers.pandas_chunks",
    CSV: "bench.peers.python_csv",
}

Came = tuple[int, Decimal, Decimal]
"""Activities, and the sums of their usage and cost."""


@dataclass(frozen=True, slots=True)
class Result:
    """The medians of what one program took for one report; the highest of its peaks. ``came`` is None of the floor."""

    name: str
    report: Report
    wall: float
    cpu: float
    memory: int
    came: Came | None


def contest(report: Report, names: Iterable[str], peers: Path, rounds: int = 1) -> Mapping[str, Result]:
    """Each program so often, one after the other, round by round; ``peers`` is the Python of all but ours.

    AssertionError when two come to different sums.
    """
    names, taken, came = tuple(names), defaultdict[str, list[Taken]](list), dict[str, Came | None]()
    for _ in range(rounds):
        for name in names:
            with empty_folder() as folder:
                out = folder if name == OURS else folder / "part.parquet"
                python = sys.executable if name == OURS else peers
                taken[name].append(measured(["-m", PROGRAMS[name], report.path, out], python=python))
                came[name] = _came(folder) if name != FLOOR else None
    assert len({each for each in came.values() if each}) <= 1, f"they differ: {came}"  # noqa: S101 (a benchmark's own check)
    return {name: _result(name, report, taken[name], came[name]) for name in names}


def _result(name: str, report: Report, taken: Sequence[Taken], came: Came | None) -> Result:
    return Result(
        name,
        report,
        wall=median(each.wall for each in taken),
        cpu=median(each.cpu for each in taken),
        memory=max(each.memory for each in taken),
        came=came,
    )


def _came(folder: Path) -> Came:
    parts = [path for path in folder.rglob("*.parquet") if not path.name.endswith(".rejections.parquet")]
    sums = pl.scan_parquet(parts, glob=False).select(pl.len(), pl.col("quantity", "cost").sum())
    rows, usage, cost = sums.collect().row(0)
    return rows, usage, cost
