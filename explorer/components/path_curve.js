// Accuracy over gamma along each path, as it fills in: Plotly for lines, bands, hover and zoom; the thumb's position is an
// element above the chart, which a drag moves without Plotly.

import { saveCsv } from "./csv.js";
import { shareRange } from "./forms.js";
import { loadPlotly, picks } from "./plotly.js";

// From the back to the front, as they are drawn.
const PATHS = {
  weights: { name: "weights mixed", dash: "5px,4px" },
  aligned: { name: "weights mixed after alignment", dash: "2px,3px" },
  embedding: { name: "decoded", dash: "solid" },
};

/** @typedef {{gamma: number, accuracy: number, low: number, high: number, architecture: string}} Point  Of the op "curve". */
export class PathCurve {
  /**
   * @param {HTMLElement} element @param {(error: Error) => void} onError
   * @param {(gamma: number, timeStamp: number) => void} onPick  Told of a click.
   */
  constructor(element, onError, onPick) {
    this.element = element;
    this.plot = element.querySelector(".ip-plot");
    this.line = element.querySelector(".ip-here");
    this.dots = Object.fromEntries(Object.keys(PATHS).map((path) => [path, element.querySelector(`.ip-dot-${path}`)]));
    this.onError = onError;
    this.here = { gamma: 0.5 };
    this.listening = new AbortController();
    const on = (button, handler) => button.addEventListener("click", handler, { signal: this.listening.signal });
    for (const button of element.querySelectorAll("[data-save]")) on(button, () => this.save(button.dataset.save));
    on(element.querySelector("[data-zoom-out]"), () => this.wide());
    picks(this.plot, this.listening.signal, (gamma, event) => onPick(gamma, event.timeStamp));
    this.observer = new ResizeObserver(() => this.drawn && this.Plotly.Plots.resize(this.plot));
    this.observer.observe(this.plot);
  }

  // Start again, for other anchors.
  reset(name, architectures = []) {
    this.name = name;
    this.architectures = architectures;
    this.on = { n: 0 };
    this.points = Object.fromEntries(Object.keys(PATHS).map((path) => [path, new Map()]));
    this.here = { gamma: this.here.gamma };
    this.move(this.here.gamma);
    this.element.classList.add("empty");
    this.element.dataset.points = 0;
    if (this.drawn) this.wide();
  }

  // One path starts again.
  forget(path) {
    this.points[path].clear();
    delete this.here[path];
    this.move(this.here.gamma);
  }

  /**
   * @param {string} path
   * @param {Point[]} points
   * @param {{path: string, n: number, dtype: string}} on  The path as the server calls it, images of each point, and the type they were
   *   answered in.
   */
  add(path, points, { path: walked, n, dtype }) {
    this.on = { n, dtype };
    for (const point of points) this.points[path].set(point.gamma, { ...point, walked });
    this.element.dataset.points = Object.values(this.points).reduce((sum, points) => sum + points.size, 0);
  }

  async draw() {
    try {
      this.Plotly ??= await loadPlotly();
    } catch (error) {
      return this.onError(error);
    }
    if (this.listening.signal.aborted) return;
    const style = getComputedStyle(this.element);
    const token = (name) => style.getPropertyValue(`--st-${name}`).trim();
    this.ink = token("text-color");
    this.palette = token("chart-categorical-colors")
      .split(",")
      .map((colour) => colour.trim());
    const colours = Object.fromEntries(Object.keys(PATHS).map((path) => [path, style.getPropertyValue(`--ip-${path}`).trim()]));
    await this.Plotly.react(this.plot, this.traces(colours), layout(token, style.fontFamily, this.range()), {
      displayModeBar: false,
      responsive: false,
      doubleClick: "reset",
    });
    if (!this.drawn) this.plot.on("plotly_afterplot", () => this.move(this.here.gamma));
    this.drawn = true;
    this.element.classList.toggle("empty", !this.points.embedding.size);
    this.move(this.here.gamma);
  }

  traces(colours) {
    const sorted = (path) => [...this.points[path].values()].sort((one, other) => one.gamma - other.gamma);
    const bands = [];
    const lines = [];
    for (const [path, { name, dash }] of Object.entries(PATHS)) {
      const points = sorted(path);
      const back = [...points].reverse();
      bands.push({
        x: [...points, ...back].map((point) => point.gamma),
        y: [...points.map((point) => point.low), ...back.map((point) => point.high)],
        fill: "toself",
        fillcolor: colours[path] + "33",
        line: { width: 0 },
        mode: "lines",
        hoverinfo: "skip",
        showlegend: false,
      });
      lines.push({
        x: points.map((point) => point.gamma),
        y: points.map((point) => point.value),
        customdata: points.map((point) => [point.low, point.high]),
        name,
        mode: "lines",
        line: { color: colours[path], width: path === "embedding" ? 2.5 : 2, dash },
        hovertemplate: "%{y:.1%} <span style='opacity:.7'>(%{customdata[0]:.1%} to %{customdata[1]:.1%})</span>",
      });
    }
    return [...bands, ...lines, ...this.markers(sorted("embedding"))];
  }

  // In a space of several architectures: each point in the colour and with the marker of the architecture that was decoded there,
  // stars at the gammas of eq. 12, rings at the anchors (fig. 5 of the paper).
  markers(points) {
    const count = this.architectures.length;
    if (count < 2) return [];
    const at = (gamma) => points.filter((point) => Math.abs(point.gamma - gamma) < 1e-9);
    const stars = Array.from({ length: count - 2 }, (_, i) => at((i + 1) / (count - 1))).flat();
    const named = this.architectures.map(({ id, family, parameters }, i) => {
      const mine = points.filter((point) => point.architecture === id);
      return {
        x: mine.map((point) => point.gamma),
        y: mine.map((point) => point.value),
        name: `${family}, ${parameters.toLocaleString("en")}`,
        mode: "markers",
        hoverinfo: "skip",
        marker: {
          color: this.palette[i % this.palette.length],
          symbol: ARCHITECTURE_MARKERS[i % ARCHITECTURE_MARKERS.length],
          size: 8,
        },
      };
    });
    const extra = [
      [stars, "star", 17],
      [[...at(0), ...at(1)], "circle-open", 17],
    ].map(([some, symbol, size]) => ({
      x: some.map((point) => point.gamma),
      y: some.map((point) => point.value),
      mode: "markers",
      hoverinfo: "skip",
      showlegend: false,
      marker: {
        symbol,
        size,
        color: some.map((point) => this.palette[this.architectures.findIndex((each) => each.id === point.architecture)]),
        line: { width: symbol === "star" ? 1 : 2, color: this.ink },
      },
    }));
    return [...named, ...extra];
  }

  // The thumb's position: cheap, for every frame of a drag. A path's dot shows only while its figure is of this gamma.
  move(gamma) {
    if (gamma !== this.here.gamma) this.here = { gamma };
    if (!this.drawn) return;
    const { xaxis, yaxis } = this.plot._fullLayout;
    const x = xaxis.l2p(gamma);
    const inside = x >= -1 && x <= xaxis._length + 1;
    Object.assign(this.line.style, {
      height: `${yaxis._length}px`,
      transform: `translate(${xaxis._offset + x}px,${yaxis._offset}px)`,
      visibility: inside ? "visible" : "hidden",
    });
    for (const [path, dot] of Object.entries(this.dots)) {
      const y = path in this.here ? yaxis.l2p(this.here[path]) : -9;
      const seen = inside && y >= -1 && y <= yaxis._length + 1;
      dot.style.cssText = `transform:translate(${xaxis._offset + x}px,${yaxis._offset + y}px);visibility:${seen ? "visible" : "hidden"}`;
    }
  }

  // A measured figure at a gamma; forgotten where the thumb has moved on.
  measured(path, gamma, value) {
    if (gamma !== this.here.gamma && path === "embedding") this.here = { gamma };
    if (gamma !== this.here.gamma) return;
    this.here[path] = value;
    this.move(gamma);
  }

  wide() {
    this.Plotly?.relayout(this.plot, { "xaxis.range": [...GAMMA_RANGE], "yaxis.range": this.range() });
  }

  range() {
    return shareRange(Object.values(this.points).flatMap((points) => [...points.values()].map((point) => point.low)));
  }

  save(format) {
    if (!this.drawn) return;
    if (format !== "csv")
      return this.Plotly.downloadImage(this.plot, { format, width: 900, height: 540, scale: 2, filename: this.name });
    const rows = Object.values(this.points).flatMap((points) =>
      [...points.values()]
        .sort((one, other) => one.gamma - other.gamma)
        .map((p) => [p.walked, p.gamma, p.value, p.low, p.high, this.on.n, this.on.dtype, p.architecture]),
    );
    saveCsv([["path", "gamma", "accuracy", "low_95", "high_95", "images", "dtype", "architecture"], ...rows], this.name);
  }

  close() {
    this.listening.abort();
    this.observer.disconnect();
    if (this.drawn) this.Plotly.purge(this.plot);
  }
}

const ARCHITECTURE_MARKERS = ["circle", "diamond", "square", "cross", "x"]; // as on the map
const GAMMA_RANGE = [-0.01, 1.01];

function layout(token, family, range) {
  const text = token("text-color");
  const grid = token("border-color");
  const axis = { gridcolor: grid, zeroline: false, linecolor: grid, tickfont: { color: text }, fixedrange: false };
  return {
    uirevision: "keep", // a person's zoom survives new points
    margin: { l: 52, r: 14, t: 26, b: 40 },
    paper_bgcolor: token("background-color"),
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family, size: 12, color: text },
    hovermode: "x unified",
    hoverlabel: { bgcolor: token("secondary-background-color"), bordercolor: grid, font: { color: text, family } },
    legend: {
      orientation: "h",
      x: 0,
      xanchor: "left",
      y: 1.01,
      yanchor: "bottom",
      bgcolor: "rgba(0,0,0,0)",
      traceorder: "reversed",
      itemclick: false,
      itemdoubleclick: false,
    },
    xaxis: {
      ...axis,
      range: [...GAMMA_RANGE],
      nticks: 7,
      title: { text: "gamma (0 = A, 1 = B)", standoff: 6 },
      hoverformat: ".3~f",
      unifiedhovertitle: { text: "gamma %{x}" },
    },
    yaxis: { ...axis, range, tickformat: ".0%", title: { text: "test accuracy", standoff: 4 } },
    dragmode: "zoom",
  };
}
