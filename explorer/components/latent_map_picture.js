// What the latent map draws: Plotly traces and layout from the space's table and what is selected.
// Points and thumbnails are fetched once per space.
// Legend: a *row* is an instance's place in the table; customdata is a row, or "p3" for the line's point 3.

import { FORMS, reached } from "./forms.js";
import { fetchFrame, fetchJson } from "./frames.js";
import { nameOf, namesIn, symbolOf } from "./latent_map_names.js";
import { axesOf, axis, spanOf } from "./latent_map_runs.js";
import { newlySeen } from "./seen.js";

const HOLLOW = { circle: "circle-open", diamond: "diamond-open", square: "square-open", cross: "cross-open", x: "x-open" };

/**
 * @typedef {object} Points
 * @property {Record<string, any[]>} table @property {number} count  Columns by name; the zoo's rows.
 * @property {any} prep
 * @property {any} [thumbnails] @property {Map<string, any>} [sheet]
 */

/**
 * @param {string} id
 * @param {"thumbnails" | "sheet"} pictures  Small PReps, or the targets as the task draws them.
 * @returns {Promise<Points>}
 */
export async function fetchSpace(id, pictures) {
  const base = `api/spaces/${encodeURIComponent(id)}`;
  const space = await fetchJson(base);
  const { header, array } = await fetchFrame(`${base}/${pictures}`);
  const found = { table: space.instances, prep: space.prep, count: space.instances.id.length };
  if (pictures === "thumbnails") return { ...found, thumbnails: { ...header.thumbnails, pixels: array("thumbnails") } };
  const sheet = new Map();
  for (const { webp, ids, columns, side } of header.sheets) {
    const image = await createImageBitmap(new Blob([array(webp)], { type: "image/webp" }));
    ids.forEach((id, at) => sheet.set(id, { image, side, x: (at % columns) * side, y: Math.floor(at / columns) * side }));
  }
  return { ...found, sheet };
}

/**
 * The table with a row for each placed shape behind those of the zoo.
 *
 * @param {Points} points @param {Record<string, any>[]} placed @returns {Points}
 */
export function withPlaced(points, placed) {
  const table = Object.fromEntries(Object.entries(points.table).map(([name, column]) => [name, column.slice(0, points.count)]));
  if (placed.length) table.name = table.id.map(() => null);
  for (const each of placed) for (const [name, column] of Object.entries(table)) column.push(each[name] ?? null);
  return { ...points, table };
}

/** Traces and layout of the map; see LatentMap for its fields. */
export class Picture {
  // this.points: table and thumbnails; this.rows: id -> row; this.view, this.data, this.selection, this.hidden, this.root: see LatentMap

  tokens() {
    const style = getComputedStyle(this.root);
    const read = (name) => style.getPropertyValue(`--st-${name}`).trim();
    const stops = read("chart-sequential-colors").split(",");
    return {
      text: read("text-color"),
      grey: read("gray-color"),
      border: read("border-color"),
      back: read("background-color"),
      accent: read("primary-color"),
      font: style.fontFamily,
      names: read("chart-categorical-colors").split(","),
      stops,
      scale: stops.map((colour, i) => [i / (stops.length - 1), colour.trim()]),
    };
  }

  groups(look) {
    // one trace per marker: architectures by marker always, by colour too when asked; splits likewise
    const { table } = this.points,
      by = this.by();
    const architectures = [...new Set(table.architecture)];
    const categories = this.form(by).names ? namesIn(table, by.name) : [null];
    const groups = [];
    for (const [c, category] of categories.entries())
      for (const [s, architecture] of architectures.entries()) {
        if (this.hidden.has(category)) continue;
        const rows = table.id
          .map((_, row) => row)
          .filter((row) => table.architecture[row] === architecture && (category === null || nameOf(table[by.name][row]) === category))
          .filter((row) => this.within(row));
        const symbol = symbolOf(architectures.length === 1 ? c : s, table, "architecture");
        groups.push({
          rows,
          symbol,
          category,
          colour: category === null ? this.values(by, rows) : look.names[c % look.names.length].trim(),
        });
      }
    return groups;
  }

  symbols(rows, symbol, solid) {
    // hollow: outside of the zoo, or not known to the space
    const { hollow } = this.points.table,
      open = solid && ["cross", "x"].includes(symbol) ? HOLLOW.circle : HOLLOW[symbol]; // in 3D there is no other
    return rows.some((row) => hollow?.[row]) ? rows.map((row) => (hollow[row] ? open : symbol)) : symbol;
  }

  values(by, rows) {
    const { log } = this.form(by),
      column = this.points.table[by.name];
    return rows.map((row) => (log && column[row] !== null ? Math.log10(column[row]) : column[row]));
  }

  by() {
    // the column that points are coloured by
    return this.data.screen.colours[this.view.colour];
  }

  form(column) {
    return FORMS[column.form];
  }

  range() {
    // of the colour scale; a network that LSO found was not trained for any length
    const by = this.by(),
      { range } = this.form(by);
    return range ? range(reached(this.points.table[by.name])) : [0, 1];
  }

  lineRange() {
    // of the line's own colours
    const { whole, range } = this.form(this.data.screen.walked);
    return whole ?? range(reached(this.line().values));
  }

  at(rows, solid) {
    const { table } = this.points,
      places = this.axes(solid).map((name, i) => ["xyz"[i], rows.map((row) => table[name][row])]);
    return { type: solid ? "scatter3d" : "scatter", ...Object.fromEntries(places) };
  }

  axes(solid) {
    // the columns that the picture's axes are
    return solid ? ["x3", "y3", "z3"] : axesOf(this.view, this.points.table);
  }

  get flatIsMap() {
    // a line of decoded networks has a place in UMAP's picture alone
    return this.axes(false).every((name) => ["x2", "y2"].includes(name));
  }

  line() {
    // the decoded points, if they belong to the anchors on the screen
    const { line } = this.data,
      { a, b } = this.view;
    return line && line.a === a && line.b === b && (this.view.dims === "3" || this.flatIsMap) ? line : null;
  }

  near() {
    const { neighbours } = this.data;
    return neighbours && neighbours.of === this.view.instance ? neighbours : null;
  }

  traces(solid, look) {
    const [cmin, cmax] = this.range(),
      traces = [],
      here = this.rows.get(this.view.instance);
    const unfaded = solid ? {} : { unselected: { marker: { opacity: 1 } } }; // a selection fades instances only
    const plain = { hoverinfo: "none", showlegend: false, ...unfaded };
    const near = this.near(),
      spokes = here === undefined || !near ? [] : near.ids.flatMap((id) => [here, this.rows.get(id), here]);
    traces.push({
      ...plain,
      ...this.at(spokes, solid),
      mode: "lines",
      hoverinfo: "skip",
      line: { color: look.grey, width: solid ? 2 : 1 },
      opacity: 0.8,
    });
    const chosen = new Set(this.selection);
    for (const { rows, symbol, colour, category } of this.groups(look)) {
      const faint = rows.map((row) => !chosen.size || chosen.has(row));
      traces.push({
        ...plain,
        ...this.at(rows, solid),
        mode: "markers",
        customdata: rows,
        name: category ?? undefined,
        selectedpoints: !solid && chosen.size ? rows.flatMap((row, i) => (chosen.has(row) ? [i] : [])) : undefined,
        unselected: solid ? undefined : { marker: { opacity: 0.18 } },
        marker: {
          symbol: this.symbols(rows, symbol, solid),
          color:
            solid && chosen.size
              ? rows.map((row, i) => (faint[i] ? this.shade(colour, i, look, cmin, cmax) : look.border))
              : colour,
          colorscale: look.scale,
          cmin,
          cmax,
          size: solid ? 5 : 9,
          line: { width: rows.map((row) => (this.points.table.hollow?.[row] ? 2 : solid ? 0 : 0.8)), color: look.back },
        },
      });
    }
    const ring = [...(near?.ids ?? []).map((id) => this.rows.get(id)), ...(here === undefined ? [] : [here])];
    const rings = solid
      ? { symbol: "circle-open", size: 9 }
      : { symbol: "circle-open", size: ring.map((row) => (row === here ? 17 : 13)) };
    traces.push({
      ...plain,
      ...this.at(ring, solid),
      mode: "markers",
      hoverinfo: "skip",
      marker: {
        ...rings,
        color: ring.map((row) => (row === here ? look.text : look.grey)),
        line: { width: 2, color: solid ? look.text : undefined },
      },
    });
    traces.push(...this.runs.traces(this.axes(solid), this.running, here, null, look));
    const line = this.line();
    const ends = [this.rows.get(this.view.a), this.rows.get(this.view.b)];
    if (line) {
      const where = solid ? line.xyz : line.xy,
        axes = solid ? ["x", "y", "z"] : ["x", "y"],
        [low, high] = this.lineRange();
      const ground = this.at(ends, solid),
        type = ground.type;
      const leads = { type },
        points = { type };
      axes.forEach((axis, i) => {
        points[axis] = where.map((point) => point[i]);
        leads[axis] = [ground[axis][0], where[0][i], null, where.at(-1)[i], ground[axis][1]];
      });
      traces.push({
        ...plain,
        ...leads,
        mode: "lines",
        hoverinfo: "skip",
        line: { color: look.text, width: solid ? 3 : 1.5, dash: "dot" },
      });
      traces.push({
        ...plain,
        ...points,
        mode: "lines+markers",
        customdata: where.map((_, i) => `p${i}`),
        line: { color: look.text, width: solid ? 4 : 2 },
        marker: {
          color: line.values.map((value) => value ?? look.text),
          colorscale: look.scale,
          cmin: low,
          cmax: high,
          size: solid ? 7 : 10,
          symbol: where.map((_, i) => (line.outside?.[i]?.hollow ? "circle-open" : "circle")),
          line: { width: 1.5, color: look.text },
        },
      });
    }
    if (this.running && this.share !== null) traces.push(this.runs.traces(this.axes(solid), true, undefined, this.share, look).at(-1));
    return traces;
  }

  shade(colour, i, look, cmin, cmax) {
    if (typeof colour === "string") return colour;
    return look.stops[
      Math.max(
        0,
        Math.min(look.stops.length - 1, Math.round(((colour[i] - cmin) / (cmax - cmin || 1)) * (look.stops.length - 1))),
      )
    ].trim();
  }

  proportions() {
    // of the 3D box: true to the data, its longest side fitting the view
    const sides = ["x3", "y3", "z3"].map(
      (name) => Math.max(...this.points.table[name]) - Math.min(...this.points.table[name]) || 1,
    );
    const [x, y, z] = sides.map((side) => (1.5 * side) / Math.max(...sides));
    return { x, y, z };
  }

  home() {
    // what is shown at first: fixed, so that flags and rings do not move the points
    const [across, up] = this.axes(false),
      [bottom, top] = this.span(up);
    return [...this.span(across), bottom, top + 0.06 * (top - bottom)]; // room for the flag of the topmost point
  }

  camera() {
    // of the solid picture: as a person turned it, also in the middle of a turn
    const scene = this.pictures[3]?._fullLayout?.scene?._scene;
    if (scene && this.turned) return scene.getCamera();
    const told = numbers(this.view.eye, 9),
      far = told && Math.hypot(told[0] - told[3], told[1] - told[4], told[2] - told[5]);
    const [ex, ey, ez, cx, cy, cz, ux, uy, uz] = far > 0.05 && far < 50 ? told : [1.35, 1.35, 0.9, 0, 0, 0, 0, 0, 1];
    return { eye: { x: ex, y: ey, z: ez }, center: { x: cx, y: cy, z: cz }, up: { x: ux, y: uy, z: uz } };
  }

  span(name) {
    return spanOf(this.points.table[name]);
  }

  flags(solid, look) {
    const { table } = this.points;
    return ["a", "b"].flatMap((name) => {
      const row = this.rows.get(this.view[name]);
      if (row === undefined) return [];
      const place = Object.fromEntries(this.axes(solid).map((column, i) => ["xyz"[i], table[column][row]]));
      if (Object.values(place).some((value) => value == null)) return [];
      return [
        {
          ...place,
          text: `<b>${name.toUpperCase()}</b>`,
          showarrow: true,
          arrowhead: 0,
          arrowwidth: 2,
          arrowcolor: look.text,
          standoff: solid ? 0 : 6,
          ax: 0,
          ay: -30,
          font: { color: look.back, size: 14 },
          bgcolor: look.text,
          borderpad: 4,
        },
      ];
    });
  }

  layout(solid, look) {
    // what is seen is given each time (see seen.js); a constant uirevision keeps the rest
    const bare = { showgrid: false, zeroline: false, showticklabels: false, ticks: "", title: { text: "" } };
    const wall = {
      ...bare,
      showgrid: true,
      gridcolor: look.border,
      showbackground: false,
      showspikes: false,
      showline: true,
      linecolor: look.border,
    };
    const flags = this.flags(solid, look);
    return {
      uirevision: this.space,
      selectionrevision: this.drawn,
      margin: solid || this.flatIsMap ? { l: 0, r: 0, t: 0, b: 0 } : { l: 64, r: 0, t: 40, b: 48 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: look.font, color: look.text },
      hovermode: "closest",
      hoverdistance: 14,
      showlegend: false,
      autosize: true,
      ...(solid
        ? {
            scene: {
              xaxis: wall,
              yaxis: wall,
              zaxis: wall,
              aspectmode: "manual",
              aspectratio: this.proportions(),
              camera: this.camera(),
              uirevision: newlySeen(),
              annotations: flags,
              dragmode: "orbit",
            },
          }
        : {
            ...this.seen.axes(...this.axes(false).map((name) => axis(name, bare, look))),
            annotations: flags,
            dragmode: this.drag,
            clickmode: "event",
            selections: [],
            newselection: { line: { color: look.accent, width: 2, dash: "dot" } },
          }),
    };
  }
}

/**
 * The numbers in "1_2.5_-3"; `spell` writes them.
 *
 * @param {unknown} text @param {number} count @returns {number[] | null}  null where there are not so many.
 */
export function numbers(text, count) {
  const values = String(text ?? "")
    .split("_")
    .map(Number);
  return values.length === count && values.every(Number.isFinite) ? values : null;
}

/** @param {number[]} values @returns {string} */
export function spell(values) {
  return values.map((value) => String(Number(value.toPrecision(7)))).join("_");
}

/** @param {string} tag @param {Record<string, any>} [attributes] @param {string} [text] @returns {HTMLElement} */
export function make(tag, attributes = {}, text) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}
