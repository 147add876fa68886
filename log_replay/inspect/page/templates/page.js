"use strict";
const charts = JSON.parse(document.getElementById("charts").textContent);
const narrow = () => document.documentElement.clientWidth < 640;
const config = () => ({
  background: null,
  font: getComputedStyle(document.body).fontFamily,
  view: { stroke: null },
  axis: {
    labelColor: "var(--muted)", gridColor: "var(--line)", domainColor: "var(--line)", tickColor: "var(--line)",
    labelFontSize: 12, labelLimit: 400, labelOverlap: true,
  },
  axisX: { grid: true }, axisY: { grid: true },
});

// Charts: drawn again when the width of the page changes between narrow and wide.
async function draw(plot) {
  const chart = charts[plot.dataset.chart];
  const options = { actions: false, renderer: "svg", ast: true, config: config(), tooltip: { disableDefaultStyle: true } };
  // The ends of names differ: on a narrow page, their beginnings are left out.
  const names = chart.spec.encoding?.y?.axis;
  const longest = narrow() ? 20 : 48;
  if (names) names.labelExpr = `length(datum.label) > ${longest} ? '…' + slice(datum.label, -${longest - 1}) : datum.label`;
  const result = await vegaEmbed(plot, chart.spec, options);
  plot.querySelector("svg").setAttribute("aria-hidden", "true");
  plot.view = result.view;
}

function select(plot, index) {
  const { points } = charts[plot.dataset.chart];
  const at = Math.min(Math.max(index, 0), points.length - 1);
  plot.dataset.at = at;
  plot.setAttribute("aria-valuenow", at + 1);
  plot.setAttribute("aria-valuetext", points[at]);
  plot.nextElementSibling.textContent = points[at];
  plot.view.signal("cursor", at).run();
}

function leave(plot) {
  delete plot.dataset.at;
  plot.view.signal("cursor", -1).run();
}

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

function onKey(event) {
  const plot = event.currentTarget;
  if (event.key === "Escape") return leave(plot);
  const step = STEPS[event.key];
  if (step === undefined) return undefined;
  event.preventDefault();
  return select(plot, plot.dataset.at === undefined ? (step === Infinity ? step : 0) : Number(plot.dataset.at) + step);
}

const plots = [...document.querySelectorAll(".plot")];
for (const plot of plots) {
  plot.addEventListener("keydown", onKey);
  plot.addEventListener("blur", () => leave(plot));
}
const drawn = Promise.all(plots.map(draw));
let wasNarrow = narrow();
addEventListener("resize", () => {
  if (narrow() !== wasNarrow) {
    wasNarrow = narrow();
    plots.forEach(draw);
  }
});

// Tables: a head sorts the rows by its column.
function value(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
}

function sort(head) {
  const body = head.closest("table").tBodies[0];
  const column = head.cellIndex;
  const isNumber = head.classList.contains("number");
  const up = head.ariaSort ? head.ariaSort === "descending" : !isNumber;
  const sign = up ? 1 : -1;
  const compare = (a, b) => (isNumber ? a - b : a.localeCompare(b, "en", { numeric: true }));
  const rows = [...body.rows].sort((a, b) => sign * compare(value(a, column), value(b, column)));
  for (const other of head.parentNode.cells) other.ariaSort = null;
  head.ariaSort = up ? "ascending" : "descending";
  body.append(...rows);
}

for (const head of document.querySelectorAll("th")) head.querySelector("button").addEventListener("click", () => sort(head));

// Light and dark: as the system says, until the button is used.
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
});

document.getElementById("copy")?.addEventListener("click", async (event) => {
  const button = event.currentTarget;
  try {
    await navigator.clipboard.writeText(document.getElementById("next").textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(document.getElementById("next"));
    button.textContent = "Selected";
  }
});
drawn.then(() => document.body.classList.add("drawn"));
