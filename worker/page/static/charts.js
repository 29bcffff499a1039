// Every chart draws the table that it names: one unit, a bar or a stack of bars for each month.
"use strict";
(() => {
  const probe = document.createElement("span");
  const drawn = new Map();

  const color = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };

  const seriesOf = (table) => {
    const heads = [...table.tHead.rows[0].cells].slice(1);
    const rows = [...table.tBodies[0].rows];
    return {
      labels: rows.map((row) => row.cells[0].textContent),
      datasets: heads.flatMap((head, at) =>
        "total" in head.dataset
          ? []
          : [{
              label: head.textContent,
              data: rows.map((row) => row.cells[at + 1].dataset.value ?? null).map((text) => text === null ? null : Number(text)),
              backgroundColor: color(`series-${(at % 8) + 1}`),
              borderColor: color("paper"),
              borderWidth: 1,
            }],
      ),
    };
  };

  const draw = (canvas) => {
    drawn.get(canvas)?.destroy();
    const stacked = canvas.dataset.kind === "stacked";
    const axis = { stacked, grid: { color: color("line") }, ticks: { color: color("muted") }, border: { color: color("line") } };
    drawn.set(canvas, new Chart(canvas, {
      type: "bar",
      data: seriesOf(document.getElementById(canvas.dataset.table)),
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        scales: { x: { ...axis, grid: { display: false } }, y: { ...axis, beginAtZero: true } },
        plugins: { legend: { position: "bottom", labels: { color: color("ink"), boxWidth: 12 } } },
      },
    }));
  };

  document.addEventListener("DOMContentLoaded", () => {
    probe.hidden = true;
    document.body.append(probe);
    const canvases = [...document.querySelectorAll("canvas[data-table]")];
    canvases.forEach(draw);
    document.documentElement.addEventListener("themechange", () => canvases.forEach(draw));
  });
})();
