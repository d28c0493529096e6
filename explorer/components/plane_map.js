// One heat map of the plane through three networks: A, B and C at the corners of an equilateral triangle, a cell for each network.

import { colourTable, paintBytes } from "./colours.js";
import { FORMS } from "./forms.js";

/** @type {string}  A map of what lives where, beside those of accuracy. */
export const ARCHITECTURE = "architecture";
/** @type {number}  Cells of a side. */
export const SIDE = 21;
/** @type {number[]}  Coarse to fine, so that the whole is seen soon: the coarsest is one question (AT_ONCE). */
export const STRIDES = [8, 4, 2, 1];
/** @type {number}  Of the triangle, whose sides are 1. */
export const HEIGHT = Math.sqrt(3) / 2;
const LEAST_NAMED = 8; // cells of an architecture from which on its name stands in them
const LOW_X = -0.25,
  LOW_Y = HEIGHT / 2 - 0.75, // the square is 1.5 wide and centred on the triangle
  WIDTH = 1.5,
  CELL = WIDTH / SIDE;
const TRIANGLE = { x: [0, 1, 0.5, 0], y: [0, 0, HEIGHT, 0] };
const centre = (at, low) => low + (at + 0.5) * CELL;
const XS = Array.from({ length: SIDE }, (_, at) => centre(at, LOW_X));
const YS = Array.from({ length: SIDE }, (_, at) => centre(at, LOW_Y));

/** @typedef {{column: number, row: number, u: number, v: number}} Cell */

/**
 * @typedef {object} Scale  (plane.py) What a map's colours mean.
 * @property {string} label @property {string} form  Of FORMS. @property {number} low @property {number} high
 * @property {string} ticks  d3-format of a value beside a scale. @property {[number, number, number]} lines  First, last, step.
 * @property {[string, string]} columns  Of a CSV: the value, and on how much it was measured.
 */

/**
 * Where A + u (B - A) + v (C - A) is drawn.
 *
 * @param {number} u @param {number} v @returns {{x: number, y: number}}
 */
export const placeOf = (u, v) => ({ x: u + v / 2, y: v * HEIGHT });

/**
 * The cells that a stride adds to those of the coarser ones.
 *
 * @param {number} stride @returns {Cell[]}
 */
export function cells(stride) {
  const coarser = STRIDES.filter((each) => each > stride);
  const found = [];
  for (let row = 0; row < SIDE; row += stride)
    for (let column = 0; column < SIDE; column += stride) {
      if (coarser.some((each) => row % each === 0 && column % each === 0)) continue;
      const v = YS[row] / HEIGHT;
      found.push({ column, row, u: Number((XS[column] - v / 2).toFixed(4)), v: Number(v.toFixed(4)) });
    }
  return found;
}

/** A heat map, its live figure, and the thumb on it. */
export class PlaneMap {
  /**
   * @param {string} name @param {string} path
   * @param {{architectures: import("./class_ids.js").Architecture[], scale: Scale}} data
   * @param {boolean} first  Whether its thumb takes the keyboard.
   */
  constructor(name, path, data, first) {
    Object.assign(this, { name, path, architectures: data.architectures, scale: data.scale, found: new Map() });
    const make = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
    this.element = make("figure", "pl-panel");
    Object.assign(this.element.dataset, { path, testid: `plane-${path}`, points: 0 });
    const caption = (this.caption = make("figcaption", ""));
    this.value = make("span", "pl-value", "–");
    this.value.dataset.testid = `plane-${path}-accuracy`;
    this.note = make("span", "pl-note ip-quiet");
    caption.append(make("b", "", name), this.value, this.note);
    const square = make("div", "pl-square");
    this.plot = make("div", "pl-plot");
    this.early = make("canvas", "pl-early");
    this.over = make("div", "pl-over");
    this.thumb = make("div", "pl-thumb");
    if (first) {
      const about = { role: "slider", tabindex: 0, "aria-label": "place in the plane", "aria-valuemin": -4, "aria-valuemax": 4 };
      for (const [attribute, value] of Object.entries(about)) this.thumb.setAttribute(attribute, String(value));
    } else this.thumb.setAttribute("aria-hidden", "true");
    square.append(this.early, this.plot, this.over, this.thumb);
    this.least = make("div", "pl-least ip-quiet");
    this.least.dataset.testid = `plane-${path}-least`;
    if (path === ARCHITECTURE)
      data.architectures.forEach(({ family, id }) => {
        const key = make("span", "pl-key", family);
        key.title = id;
        this.least.append(key);
      });
    this.element.append(caption, square, this.least);
    this.observer = new ResizeObserver(() => this.drawn && window.Plotly.Plots.resize(this.plot));
    this.observer.observe(square);
  }

  // Beside the figures of the network here, how it looks.
  show(look) {
    this.look = look;
    if (!look) return;
    Object.assign(look.element, { className: "pl-look" });
    look.element.dataset.testid = `plane-${this.path}-look`;
    this.caption.classList.add("pl-looks");
    this.caption.append(look.element);
  }

  // (u, v) under a pointer.
  under(event) {
    const box = this.over.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    const x = LOW_X + WIDTH * within((event.clientX - box.left) / box.width);
    const v = (LOW_Y + WIDTH * within(1 - (event.clientY - box.top) / box.height)) / HEIGHT;
    return [x - v / 2, v];
  }

  move(u, v) {
    const { x, y } = placeOf(u, v);
    this.thumb.style.left = `${(100 * (x - LOW_X)) / WIDTH}%`;
    this.thumb.style.top = `${100 * (1 - (y - LOW_Y) / WIDTH)}%`;
    if (this.thumb.tabIndex === 0) {
      this.thumb.setAttribute("aria-valuenow", String(u));
      this.thumb.setAttribute("aria-valuetext", `${(1 - u - v).toFixed(2)} A, ${u.toFixed(2)} B, ${v.toFixed(2)} C`);
    }
  }

  // Measured points of cells.
  add(these, { points }) {
    these.forEach(({ column, row }, at) => this.found.set(row * SIDE + column, points[at]));
    this.element.dataset.points = String(this.found.size);
    const inside = [...this.found.values()].filter(({ u, v, value }) => value !== null && u >= 0 && v >= 0 && u + v <= 1);
    if (this.path === ARCHITECTURE || !inside.length) return;
    const values = inside.map(({ value }) => value).sort((one, other) => one - other);
    const say = FORMS[this.scale.form].write;
    this.element.dataset.least = String(values[0]);
    this.least.textContent = `triangle: lowest ${say(values[0])}, median ${say(values[values.length >> 1])}`;
  }

  // Values by row and column; a cell that is not there yet has its coarser neighbour's.
  grid(valueOf) {
    const at = (row, column) => {
      for (const stride of [...STRIDES].reverse()) {
        const point = this.found.get((row - (row % stride)) * SIDE + column - (column % stride));
        if (point) return valueOf(point);
      }
      return null;
    };
    return YS.map((_, row) => XS.map((_, column) => at(row, column)));
  }

  // Plotly's traces on the axes of that number ("" for the first).
  traces(root, axis = "") {
    const style = getComputedStyle(root);
    const stops = (name) => style.getPropertyValue(`--st-chart-${name}-colors`).split(",").map((stop) => stop.trim());
    const on = { x: XS, y: YS, xaxis: `x${axis}`, yaxis: `y${axis}`, hoverinfo: "skip", showscale: false };
    const ink = style.getPropertyValue("--st-text-color").trim(),
      ground = style.getPropertyValue("--st-background-color").trim(); // far from both ends of either theme's scale
    const triangle = {
      ...TRIANGLE,
      xaxis: on.xaxis,
      yaxis: on.yaxis,
      type: "scatter",
      mode: "lines+markers+text",
      text: ["A", "B", "C", ""],
      textposition: ["bottom left", "bottom right", "top center", "top center"],
      textfont: { color: ink, size: 15, weight: 700, shadow: `0 0 3px ${ground}, 0 0 3px ${ground}, 0 0 3px ${ground}` },
      line: { color: this.path === ARCHITECTURE ? ink : ground, width: 1 },
      marker: { size: 9, color: ground, line: { color: ink, width: 2 } },
      hoverinfo: "skip",
      showlegend: false,
    };
    if (this.path === ARCHITECTURE) {
      const palette = stops("categorical"),
        count = this.architectures.length;
      const scale = this.architectures.flatMap((_, at) => [
        [at / count, palette[at % palette.length]],
        [(at + 1) / count, palette[at % palette.length]],
      ]);
      const z = this.grid(({ architecture }) => this.architectures.findIndex(({ id }) => id === architecture));
      const heat = { ...on, type: "heatmap", z, zmin: -0.5, zmax: count - 0.5, colorscale: scale };
      return [heat, triangle, { ...this.names(z), xaxis: on.xaxis, yaxis: on.yaxis, textfont: { ...triangle.textfont, size: 13 } }];
    }
    const colours = stops("sequential");
    const scale = colours.map((colour, at) => [at / (colours.length - 1), colour]);
    const z = this.grid(({ value }) => value);
    const { low, high, lines, ticks } = this.scale;
    const heat = { ...on, type: "heatmap", z, zmin: low, zmax: high, colorscale: scale };
    if (this.found.size < SIDE * SIDE || z[0][0] === null) return [heat, triangle];
    const [start, end, size] = lines;
    const levels = { start, end, size, showlabels: true, labelformat: ticks, labelfont: { color: ground, size: 11 } };
    const contours = { coloring: "none", ...levels };
    return [heat, { ...on, type: "contour", z, contours, line: { color: ground, width: 0.8 } }, triangle];
  }

  // Each architecture's name, in the cell of its own that is nearest to their middle and away from the corners': a map is read without
  // its colours.
  names(z) {
    const named = this.architectures.flatMap(({ family }, code) => {
      const all = z.flatMap((cells, row) => cells.flatMap((each, column) => (each === code ? [{ x: XS[column], y: YS[row] }] : [])));
      const own = all.filter(({ x, y }) => !TRIANGLE.x.some((at, i) => Math.abs(x - at) < 0.28 && Math.abs(y - TRIANGLE.y[i]) < 0.12));
      if (own.length < LEAST_NAMED) return [];
      const mean = (axis) => own.reduce((sum, cell) => sum + cell[axis], 0) / own.length,
        [x, y] = [mean("x"), mean("y")];
      const away = (cell) => Math.hypot(cell.x - x, cell.y - y);
      return [{ ...own.reduce((best, cell) => (away(cell) < away(best) ? cell : best)), family }];
    });
    const column = (name) => named.map((each) => each[name]);
    return { type: "scatter", mode: "text", x: column("x"), y: column("y"), text: column("family"), hoverinfo: "skip", showlegend: false };
  }

  // The values so far, at once: the first picture does not wait until Plotly is loaded.
  sketch(root) {
    if (this.drawn || this.path === ARCHITECTURE) return;
    const { low, high } = this.scale,
      table = colourTable(root, "--st-chart-sequential-colors"),
      cells = this.grid(({ value }) => value).reverse().flat(),
      tones = cells.map((value) => Math.round((255 * (Math.min(high, Math.max(low, value ?? low)) - low)) / (high - low)));
    paintBytes(this.early, Uint8Array.from(tones), SIDE, SIDE, table);
  }

  draw(Plotly, root) {
    this.drawn = true;
    const palette = getComputedStyle(root).getPropertyValue("--st-chart-categorical-colors").split(",");
    this.least.querySelectorAll(".pl-key").forEach((key, at) => key.style.setProperty("--pl-colour", palette[at % palette.length].trim()));
    return Plotly.react(this.plot, this.traces(root), squareLayout(root), { staticPlot: true, responsive: false });
  }

  // For a CSV.
  rows(corners, { n, dtype }) {
    return [...this.found.values()].map(({ u, v, value, low, high, to, architecture }) => {
      return [this.path, ...corners, u, v, value, low, high, ...(to ?? [null, null, null]), n, dtype, architecture];
    });
  }

  close() {
    clearTimeout(this.drawing);
    this.observer.disconnect();
    this.look?.close();
    if (this.drawn) window.Plotly.purge(this.plot);
  }
}

function squareLayout(root) {
  const bare = { visible: false, fixedrange: true };
  return {
    margin: { l: 0, r: 0, t: 0, b: 0 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(root).fontFamily, size: 12 },
    xaxis: { ...bare, range: [LOW_X, LOW_X + WIDTH] },
    yaxis: { ...bare, range: [LOW_Y, LOW_Y + WIDTH] },
    showlegend: false,
  };
}

/**
 * All maps side by side, with their names, one colour bar and what was measured: what is saved as a file.
 *
 * @param {PlaneMap[]} maps @param {Element} root @param {string} words @returns {{data: object[], layout: object}}
 */
export function savedFigure(maps, root, words) {
  const style = getComputedStyle(root);
  const ink = style.getPropertyValue("--st-text-color").trim();
  const gap = 0.02,
    share = (1 - gap * (maps.length - 1)) / maps.length;
  const whole = { ...squareLayout(root), paper_bgcolor: style.getPropertyValue("--st-background-color").trim(), annotations: [] };
  Object.assign(whole, { margin: { l: 20, r: 90, t: 70, b: 50 }, font: { ...whole.font, color: ink } });
  const note = (text, x, y, yanchor, size = 12) =>
    whole.annotations.push({ text, x, y, yanchor, xanchor: "left", xref: "paper", yref: "paper", showarrow: false, font: { size } });
  const { label, ticks } = maps[0].scale;
  const colorbar = { title: { text: label, side: "right" }, tickformat: ticks, thickness: 14 };
  const data = maps.flatMap((map, at) => {
    const axis = at ? String(at + 1) : "",
      left = at * (share + gap);
    whole[`xaxis${axis}`] = { ...whole.xaxis, domain: [left, left + share], anchor: `y${axis}` };
    whole[`yaxis${axis}`] = { ...whole.yaxis, anchor: `x${axis}`, scaleanchor: `x${axis}` };
    note(map.name, left, 1.02, "bottom");
    const [heat, ...rest] = map.traces(root, axis);
    return [at ? heat : { ...heat, showscale: true, colorbar }, ...rest];
  });
  note(words, 0, -0.03, "top", 11);
  return { data, layout: whole };
}
