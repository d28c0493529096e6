// What the latent map shows: from the space's table and what is selected, the points for the graphics card, and what lies over them.
// Legend: a *row* is an instance's place in the table; what a pointer is on is a row, or "p3" for the line's point 3.

import { FORMS, reached } from "./forms.js";
import { symbolOf, SYMBOLS } from "./latent_map_names.js";
import { FAINT, HOLLOW } from "./latent_map_points.js";
import { axesOf, FLAT, SOLID, spanOf } from "./latent_map_runs.js";
import { circle, flag, quantities, stroke, walls } from "./latent_map_scene.js";

const LARGEST = 9,
  SMALLEST = 4; // diameters of points in pixels: as many are, as small they are
const MANY = 2000; // up to so many points are as large as they can be

/** Points and scene of the map; see LatentMap for its fields. */
export class Picture {
  // this.table: see latent_map_table.js; this.view, this.data, this.selection, this.hidden, this.only, this.root: see LatentMap

  tokens() {
    const style = getComputedStyle(this.root);
    const read = (name) => style.getPropertyValue(`--st-${name}`).trim();
    const list = (name) => read(name).split(",").map((colour) => colour.trim());
    return {
      text: read("text-color"),
      grey: read("gray-color"),
      border: read("border-color"),
      back: read("background-color"),
      accent: read("primary-color"),
      font: style.fontFamily,
      names: list("chart-categorical-colors"),
      stops: list("chart-sequential-colors"),
    };
  }

  // The same value while what it is made of is the same.
  kept(name, of, make) {
    this.made ??= {};
    const had = this.made[name];
    if (had && had.of.length === of.length && had.of.every((each, i) => each === of[i])) return had.value;
    this.made[name] = { of, value: make() };
    return this.made[name].value;
  }

  // `now` is what is drawn of `view`: what a person chose, once its columns are here.

  by(view = this.now) {
    // the column that points are coloured by
    return this.data.screen.colours[view.colour];
  }

  form(column) {
    return FORMS[column.form];
  }

  // The columns that a view needs: [of numbers, of names].
  needed(view) {
    const by = this.by(view),
      named = this.form(by).names,
      numbers = [...this.axes(view), ...this.flatAxes(view), ...(named ? [] : [by.name]), ...this.only.keys()];
    return [[...new Set(numbers)], named ? ["architecture", by.name] : ["architecture"]];
  }

  axes(view = this.now) {
    // the columns that the picture's axes are
    return view.dims === "3" ? SOLID : this.flatAxes(view);
  }

  flatAxes(view = this.now) {
    return axesOf(view, this.data.properties);
  }

  get isSolid() {
    return this.now.dims === "3";
  }

  get eye() {
    return this.isSolid ? this.solid : this.flat;
  }

  get flatIsMap() {
    // a line of decoded networks has a place in UMAP's picture alone
    return this.flatAxes().every((name) => FLAT.includes(name));
  }

  range() {
    // of the colour scale; a network that LSO found was not trained for any length
    const by = this.by(),
      { range } = this.form(by),
      values = this.table.columns.get(by.name);
    return this.kept("range", [values, by], () => (range && values ? range(reached(values)) : [0, 1]));
  }

  lineRange() {
    // of the line's own colours
    const { whole, range } = this.form(this.data.screen.walked);
    return whole ?? range(reached(this.line().values));
  }

  line() {
    // the decoded points, if they belong to the anchors on the screen
    const { line } = this.data,
      { a, b } = this.view;
    return line && line.a === a && line.b === b && (this.isSolid || this.flatIsMap) ? line : null;
  }

  near() {
    const { neighbours } = this.data;
    return neighbours && neighbours.of === this.view.instance ? neighbours : null;
  }

  span(name) {
    const values = this.table.columns.get(name);
    return this.kept(`span ${name}`, [values], () => spanOf(values));
  }

  home() {
    // what is shown at first: fixed, so that flags and rings do not move the points
    const [across, up] = this.flatAxes(),
      [bottom, top] = this.span(up);
    return [...this.span(across), bottom, top + 0.06 * (top - bottom)]; // room for the flag of the topmost point
  }

  // ---- points

  /** A place of the map as the graphics card has it, three numbers. */
  lifted(x, y, z) {
    return this.isSolid ? this.solid.lift(x, y, z) : [x, y, 0];
  }

  places() {
    const columns = this.axes().map((name) => this.table.columns.get(name));
    return this.kept("places", columns, () => {
      const places = new Float32Array(3 * this.table.total);
      for (let row = 0; row < this.table.total; row++) places.set(this.lifted(...columns.map((column) => column[row])), 3 * row);
      return places;
    });
  }

  tones() {
    const by = this.by(),
      [low, high] = this.range(),
      { log, names } = this.form(by),
      named = names && this.table.named.get(by.name),
      values = this.table.columns.get(by.name);
    return this.kept("tones", [named ?? values, low, high], () => {
      const scale = 255 / (high - low || 1);
      const tone = (value) => Math.max(0, Math.min(255, Math.round(((log ? Math.log10(value) : value) - low) * scale)));
      if (named) return Int16Array.from(named.codes, (code) => (code < 256 ? code : -1));
      return Int16Array.from(values, (value) => (Number.isNaN(value) ? -1 : tone(value)));
    });
  }

  marks() {
    const { table, selection } = this,
      by = this.by(),
      { codes } = table.named.get(table.several || !this.form(by).names ? "architecture" : by.name),
      hollow = table.columns.get("hollow"),
      chosen = this.chosen();
    return this.kept("marks", [codes, hollow, selection, table.several, by], () => {
      const plain = !table.several && !this.form(by).names;
      return Uint8Array.from(codes, (code, row) => {
        const symbol = plain || code > 255 ? 0 : code % SYMBOLS.length;
        return symbol + (hollow?.[row] ? HOLLOW : 0) + (chosen.size && !chosen.has(row) ? FAINT : 0);
      });
    });
  }

  chosen() {
    return this.kept("chosen", [this.selection], () => new Set(this.selection));
  }

  // Rows of what is shown, in the order in which it is drawn: a shuffle's, the selected ones last.
  order() {
    const { table } = this,
      columns = this.axes().map((name) => table.columns.get(name)),
      by = this.by(),
      named = this.form(by).names && table.named.get(by.name);
    return this.kept("order", [...columns, named, this.filters, this.selection], () => {
      const hidden = new Set(named ? named.names.flatMap((name, code) => (this.hidden.has(name) ? [code] : [])) : []);
      const placed = (row) => columns.every((column) => !Number.isNaN(column[row])),
        listed = (row) => !named || (named.codes[row] < 256 && !hidden.has(named.codes[row]));
      const shown = (row) => placed(row) && listed(row) && this.within(row);
      const rows = shuffled(table.total).filter(shown),
        chosen = this.chosen();
      if (!chosen.size) return rows;
      return Uint32Array.from([...rows.filter((row) => !chosen.has(row)), ...rows.filter((row) => chosen.has(row))]);
    });
  }

  palette(look) {
    const { names } = this.form(this.by()),
      colours = names ? look.names : look.stops;
    return this.kept("palette", [names, colours.join()], () => {
      const bytes = new Uint8Array(4 * 256);
      for (let at = 0; at < 256; at++) bytes.set([...(names ? rgb(colours[at % colours.length]) : mixed(colours, at / 255)), 255], 4 * at);
      return bytes;
    });
  }

  drawing(look) {
    const many = Math.max(0, Math.log10(this.table.total / MANY)),
      unit = (colour) => rgb(colour).map((part) => part / 255);
    return {
      places: this.places(),
      tones: this.tones(),
      marks: this.marks(),
      palette: this.palette(look),
      order: this.order(),
      lines: this.running ? this.kept("lines", [this.runs, this.filters], () => this.runs.lines()) : NONE,
      movers: this.movers(),
      size: (this.isSolid ? 0.75 : 1) * Math.max(SMALLEST, LARGEST - 2.6 * many),
      edge: this.isSolid || many > 0.5 ? 0 : 0.8,
      ...{ grey: unit(look.grey), back: unit(look.back), accent: unit(look.accent), text: unit(look.text) },
    };
  }

  // Where the runs are at the step that is played.
  movers() {
    if (!this.running || this.share === null || !this.runs.count) return NONE;
    const columns = this.runs.at(this.axes(), this.runs.step(this.share));
    return Float32Array.from(columns[0].flatMap((_, i) => this.lifted(...columns.map((column) => column[i]))));
  }

  /** A point's colour, "#rrggbb" or "rgb(...)". */
  colour(row, look) {
    const tone = this.tones()[row];
    return tone < 0 ? look.grey : `rgb(${this.palette(look).subarray(4 * tone, 4 * tone + 3).join()})`;
  }

  /** A point's symbol in words: "diamond-open" is hollow. */
  symbol(row) {
    const mark = this.marks()[row];
    return symbolOf(mark & 7, "architecture", false) + (mark & HOLLOW ? "-open" : "");
  }

  /** Where a row lies on the stage; null where it is not known or cannot be seen. */
  at(row) {
    if (row === undefined) return null;
    const place = this.axes().map((name) => this.table.columns.get(name)[row]);
    return place.some(Number.isNaN) ? null : this.eye.project(...place);
  }

  // ---- what lies under and over the points

  scene(look) {
    const axes = this.isSolid ? { under: walls(this.solid, look), over: [] } : this.flatIsMap ? { under: [], over: [] } : this.scales(look);
    const { under, over } = axes,
      here = this.table.rows.get(this.view.instance),
      rows = (this.near()?.ids ?? []).map((id) => this.table.rows.get(id));
    const near = here === undefined ? [] : rows.map((row) => this.at(row)).filter(Boolean),
      middle = this.at(here);
    if (middle) under.push({ d: near.map((at) => stroke([middle, at])).join(""), stroke: look.grey, opacity: 0.8 });
    const own = here === undefined ? null : this.runs.ofRow(here);
    if (own) over.unshift({ d: stroke(own.map((row) => this.at(row))), stroke: look.text, width: 2.5, part: "run" });
    over.unshift({ d: near.map(([x, y]) => circle(x, y, 6.5)).join(""), stroke: look.grey, width: 2, part: "near" });
    if (middle) over.unshift({ d: circle(...middle.slice(0, 2), 8.5), stroke: look.text, width: 2, part: "here" });
    over.push(...this.walked(look));
    for (const name of ["a", "b"]) {
      const at = this.at(this.table.rows.get(this.view[name]));
      if (at) over.push(...flag(at, name.toUpperCase(), look));
    }
    return { under, over };
  }

  scales(look) {
    const titles = this.flatAxes().map((name) => (FLAT.includes(name) ? "" : name));
    return quantities(this.flat, titles, look);
  }

  walkedAt() {
    // the line's points on the stage
    const line = this.line();
    return line ? (this.isSolid ? line.xyz : line.xy).map((place) => this.eye.project(...place)) : [];
  }

  walked(look) {
    const line = this.line(),
      places = this.walkedAt();
    if (!line) return [];
    const [low, high] = this.lineRange(),
      ink = (value) => (value == null ? look.text : `rgb(${mixed(look.stops, (value - low) / (high - low || 1)).join()})`);
    const found = [{ d: stroke(places), stroke: look.text, width: 2, part: "line" }];
    places.forEach((at, i) => {
      if (!at) return;
      const colour = ink(line.values[i]),
        d = circle(at[0], at[1], 5);
      found.push(line.outside?.[i]?.hollow ? { d, stroke: colour, width: 2 } : { d, fill: colour, stroke: look.text, width: 1.5 });
    });
    return found;
  }
}

const NONE = new Float32Array(0);

// All rows in an order that a seed gives: the same each time.
function shuffled(count) {
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  let seed = 1;
  for (let at = count - 1; at > 0; at--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((seed / 4294967296) * (at + 1));
    [rows[at], rows[other]] = [rows[other], rows[at]];
  }
  return rows;
}

// "#rrggbb" as numbers.
function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// A colour of a scale, at a share of its way.
function mixed(stops, share) {
  const place = Math.max(0, Math.min(1, share)) * (stops.length - 1),
    low = Math.min(Math.floor(place), stops.length - 2),
    [from, to] = [rgb(stops[low]), rgb(stops[low + 1])];
  return from.map((part, i) => Math.round(part + (to[i] - part) * (place - low)));
}
