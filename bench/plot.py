"""Growth as a drawing: CPU time and peak memory by rows, in SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.contest import Result

WIDTH, HEIGHT, MARGIN = 360, 220, 48
STYLE = "font: 12px system-ui, sans-serif; fill: #444"


def growth(results: Sequence[Result]) -> str:
    """Two panels side by side, each from zero."""
    panels = (
        _panel(results, "CPU s", lambda result: result.cpu, 0),
        _panel(results, "peak MiB", lambda result: result.memory / 2**20, WIDTH),
    )
    lines = "\n".join(line for panel in panels for line in panel)
    size = f'viewBox="0 0 {2 * WIDTH} {HEIGHT}" width="{2 * WIDTH}" height="{HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{STYLE}">\n<rect width="100%" height="100%" fill="#fff"/>\n{lines}\n</svg>\n'


def _panel(results: Sequence[Result], title: str, figure: Callable[[Result], float], left: int) -> Iterator[str]:
    most_rows, most = max(result.report.rows for result in results), max(map(figure, results))
    x0, y0 = left + MARGIN, HEIGHT - MARGIN
    across, up = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    points = [(x0 + across * result.report.rows / most_rows, y0 - up * figure(result) / most) for result in results]
    yield f'<text x="{x0}" y="{MARGIN - 20}" font-weight="bold">{title}</text>'
    yield f'<path d="M{x0} {MARGIN}V{y0}H{x0 + across}" fill="none" stroke="#bbb"/>'
    yield f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" fill="none" stroke="#0a7d55" stroke-width="2"/>'
    for result, (x, y) in zip(results, points, strict=True):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#0a7d55"/>'
        yield f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{figure(result):,.0f}</text>'
        yield f'<text x="{x:.1f}" y="{y0 + 16}" text-anchor="middle">{result.report.rows / 1e6:g}M</text>'
