"""The results as Markdown, as JSON and as a drawing."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.contest import OURS, SAME, Result
from bench.figures import MEBI, Figures, bars
from bench.plot import growth
from bench.workers import Run

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- begin: make bench -->\n", "<!-- end: make bench -->\n"
LIBRARIES = ("polars", "pyarrow", "duckdb", "pandas", "isal", "pyiceberg", "celery")
VERSIONS = """
import importlib.metadata, sys
print(*(f"{name} {importlib.metadata.version(name)}" for name in sys.argv[1:]), sep=", ", end="")
"""
RATES = ("rows/s", "MB/s")


def write(figures: Figures, peers: Path, command: str) -> None:
    """docs/benchmarks.md between its marks, and beside it the figures as JSON and the drawing.

    ``peers`` is the Python of the peers: what it has is named. One lock gives our own the same versions.
    """
    machine = _machine(peers)
    page = DOCS / "benchmarks.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    about = f"{machine}, by `{command}`.\n\n"
    page.write_text(f"{before}{BEGIN}{about}{markdown(figures)}{END}{after}", encoding="utf-8")
    document = {"about": machine, "command": command, **asdict(figures)}
    (DOCS / "benchmarks.json").write_text(json.dumps(document, indent=1, default=_plain) + "\n", encoding="utf-8")
    (DOCS / "benchmarks.svg").write_text(growth(figures.growth), encoding="utf-8")


def _plain(value: object) -> str:
    """A path without the machine's folders; every other value as it is written."""
    return value.name if isinstance(value, Path) else str(value)


def _machine(peers: Path) -> str:
    today = datetime.now(UTC).date()  # noqa: TID251 (a page of a book, not of a run)
    cores = len(os.sched_getaffinity(0))
    versions = subprocess.run([peers, "-c", VERSIONS, *LIBRARIES], stdout=subprocess.PIPE, text=True, check=True).stdout
    return f"{today}, {cores} cores ({_processor()}), CPython {platform.python_version()}, {versions}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def markdown(figures: Figures) -> str:
    """All tables."""
    sections = (
        ("The bars", _bars(figures)),
        ("A legacy report against its peers", _against(figures.main)),
        ("Slower peers, on a tenth of the rows", _against(figures.slow)),
        *((f"The same rows as {each[OURS].report.shape}", _against(each)) for each in figures.exports),
        ("Through the queue", _through_the_queue(figures)),
        ("When nothing has changed", _polling(figures)),
        ("Growth", _growth(figures)),
    )
    return "".join(f"## {title}\n\n{''.join(line + chr(10) for line in lines)}\n" for title, lines in sections)


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _head(*names: str) -> Iterator[str]:
    yield _row(names)
    yield _row(["-", *["-:"] * (len(names) - 1)])


def _bars(figures: Figures) -> Iterator[str]:
    yield from _head("", "measured", "bar", "holds", "aim")
    for bar in bars(figures):
        sign, holds = "≥" if bar.is_floor else "≤", "yes" if bar.holds else "**no**"
        wanted = (f"{sign} {each:g}{bar.unit}" for each in (bar.now, bar.aim))
        now, aim = wanted
        yield _row([bar.name, f"{bar.measured:.3g}{bar.unit}", now, holds, aim])


def _against(results: Mapping[str, Result]) -> Iterator[str]:
    """Medians."""
    ours = results[OURS]
    yield f"{ours.report.rows:,} rows, {ours.report.path.stat().st_size / 1e6:,.0f} MB as delivered."
    if SAME in results:
        yield "All but the floor wrote the same rows with the same exact sums of usage and cost."
    yield ""
    yield from _head("", "wall s", "CPU s", "peak MiB", *RATES, "our CPU ÷ theirs")
    for name, result in results.items():
        ratio = "" if name == OURS else f"{ours.cpu / result.cpu:.2f}"
        yield _row(
            [name, f"{result.wall:.2f}", f"{result.cpu:.2f}", f"{result.memory / MEBI:,.0f}", *_rates(result), ratio]
        )


def _rates(result: Result) -> tuple[str, str]:
    size = result.report.path.stat().st_size
    return f"{result.report.rows / result.wall:,.0f}", f"{size / 1e6 / result.wall:,.1f}"


def _through_the_queue(figures: Figures) -> Iterator[str]:
    queue = figures.queue
    yield "`offgridflow ingest` of a month of 8 legacy files, embedded: broker, supervisor and workers are counted."
    yield "*Times* is the median of each round's; a part of a run happens once, to plan, to load libraries, to publish."
    yield ""
    yield from _head("rows, workers", "run s", "times", "whole command s", "CPU s", "peak MiB", "rows/s")
    for month in queue.months:
        yield _run("1", month.one, "")
        yield _run("2", month.two, f"{month.speedup:.2f}")
    yield ""
    yield f"A tiny file takes {queue.ms_a_file:.1f} ms in the queue, and {queue.ms_a_file_in_a_loop:.1f} ms converted in a loop."


def _run(workers: str, run: Run, times: str) -> str:
    taken = run.taken
    figures = (f"{taken.wall:.2f}", f"{taken.cpu:.2f}", f"{taken.memory / MEBI:,.0f}")
    rate = f"{run.rows / run.seconds:,.0f}"
    return _row([f"{run.rows:,}, {workers}", f"{run.seconds:.2f}", times, *figures, rate])


def _polling(figures: Figures) -> Iterator[str]:
    polling = figures.polling
    yield "`offgridflow ingest` of a source that is published and has not changed. Most of it is to start and end broker and workers."
    yield ""
    yield from _head("", "whole command s", "CPU s")
    for name, taken in ((f"{polling.months} months", polling.every), ("1 month", polling.one)):
        yield _row([name, f"{taken.wall:.2f}", f"{taken.cpu:.2f}"])


def _growth(figures: Figures) -> Iterator[str]:
    yield "![Time and memory by rows](benchmarks.svg)"
    yield ""
    yield from _head("rows", "wall s", "CPU s", "CPU s per 1M rows", "peak MiB")
    for result in figures.growth:
        each = result.cpu / result.report.rows * 1e6
        yield _row(
            [
                f"{result.report.rows:,}",
                f"{result.wall:.2f}",
                f"{result.cpu:.2f}",
                f"{each:.2f}",
                f"{result.memory / MEBI:,.0f}",
            ]
        )
