"""``python -m bench``: everything in one run, twenty minutes on two cores; `make bench` also writes docs/benchmarks.md.

The inputs are kept below ``--folder`` (2.5 GB for a million rows) and used again; what is measured leaves nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

from bench import inputs, pages
from bench.contest import CSV, DUCKDB, FLOOR, OURS, PANDAS, PLAIN, SAME, contest
from bench.figures import Figures, Polling, Publishing, Queue, Scaling
from bench.measuring import measured
from bench.workers import Run, ingest, poll

SCALES = (0.1, 1, 3)
MONTH_SCALES = (1, 3)
PARTS = 10_000
TINY_ROUNDS = 3
"""How many times as many rounds a tiny file has: its share is the small difference of two figures, and each swings by more."""


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and write the pages if asked to."""
    asked = _asked(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    figures = _figures(asked)
    sys.stdout.write(pages.markdown(figures))
    if asked.write:
        ten = " TEN=1" if asked.ten else ""
        pages.write(figures, asked.peers, f"make bench ROWS={asked.rows} ROUNDS={asked.rounds}{ten}")


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="of the main input; growth is shown up to three times as many"
    )
    parser.add_argument("--rounds", type=int, default=3, help="in which each program takes its turn once")
    parser.add_argument("--ten", action="store_true", help="show growth up to ten times as many rows")
    parser.add_argument(
        "--peers", type=Path, default=Path(sys.executable), help="a Python that has pandas and numpy, too"
    )
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="where the inputs are kept")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and what belongs to it")
    return parser.parse_args(arguments)


def _figures(asked: argparse.Namespace) -> Figures:
    folder, rows, rounds = asked.folder.resolve(), asked.rows, asked.rounds
    against = partial(contest, peers=asked.peers.absolute())
    main, small = inputs.legacy(folder, rows), inputs.legacy(folder, rows // 10)
    exports = (inputs.export(folder, rows), inputs.parquet(folder, rows))
    scales = [inputs.legacy(folder, int(rows * scale)) for scale in (*SCALES, *([10] if asked.ten else []))]
    return Figures(
        main=against(main, (FLOOR, OURS, PLAIN, SAME, DUCKDB), rounds=rounds),
        slow=against(small, (OURS, PANDAS, CSV)),
        exports=tuple(against(report, (OURS, PLAIN, SAME, DUCKDB), rounds=rounds) for report in exports),
        growth=tuple(against(report, (OURS,))[OURS] for report in scales),
        queue=_queue(folder, rows, rounds),
        polling=_polling(folder),
        publishing=_publishing(folder),
    )


def _queue(folder: Path, rows: int, rounds: int) -> Queue:
    months = [inputs.month(folder, inputs.FILES, rows * scale // inputs.FILES) for scale in MONTH_SCALES]
    tiny, single = (inputs.month(folder, files, inputs.TINY_ROWS) for files in (inputs.TINY_FILES, 1))
    files, reports = inputs.TINY_FILES, sorted(tiny.rglob("*.csv.gz"))
    tinies = [
        (ingest(tiny, 1), ingest(single, 1), float(_alone("bench.ours", *reports))) for _ in range(TINY_ROUNDS * rounds)
    ]
    return Queue(
        months=tuple(_scaling(month, rounds) for month in months),
        ms_a_file=median(1000 * (many.seconds - one.seconds) / (files - 1) for many, one, _ in tinies),
        ms_a_file_in_a_loop=median(1000 * loop / files for *_, loop in tinies),
    )


def _scaling(month: Path, rounds: int) -> Scaling:
    runs = [(ingest(month, 1), ingest(month, 2)) for _ in range(rounds)]
    return Scaling(
        one=_median([run for run, _ in runs]),
        two=_median([run for _, run in runs]),
        speedup=median(one.seconds / two.seconds for one, two in runs),
    )


def _median(runs: Sequence[Run]) -> Run:
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def _polling(folder: Path) -> Polling:
    months = inputs.MONTHS
    every, one = (poll(inputs.history(folder, count)) for count in (months, 1))
    return Polling(months, every, one)


def _publishing(folder: Path) -> Publishing:
    report = inputs.legacy(folder, inputs.TINY_ROWS)
    said = [json.loads(_alone("bench.publishing", PARTS, report.path)) for _ in range(2)]
    return Publishing(
        parts=PARTS,
        first=median(each["first"]["wall"] for each in said),
        changed=median(each["changed"]["wall"] for each in said),
    )


def _alone(program: str, *arguments: object) -> str:
    """What a program of ours says, run in a folder of its own."""
    with inputs.empty_folder() as folder:
        return measured(["-m", program, *map(str, arguments), str(folder)]).said


if __name__ == "__main__":
    main(sys.argv[1:])
