// Of a zoo's own columns on the latent map: a property along an axis, a range of one that is shown, and runs, whose checkpoints are
// steps of one training, as lines that are played over their steps.

import { reached } from "./forms.js";

const FLAT = ["x2", "y2"]; // UMAP's own
const FRAMES = 120,
  FRAME_MS = 50; // of a run that is played

/**
 * The columns of the table that the flat picture's axes are.
 *
 * @param {{across?: string, up?: string}} view @param {Record<string, any[]>} table @returns {string[]}
 */
export function axesOf(view, table) {
  return [view.across, view.up].map((name, i) => (name && table[name] ? name : FLAT[i]));
}

/**
 * Lowest and highest value of a column, with some room; unknown values are none.
 *
 * @param {any[]} values @returns {number[]}
 */
export function spanOf(values) {
  const [low, high] = reached(values),
    room = 0.08 * (high - low) || 1;
  return [low - room, high + room];
}

/**
 * How an axis is drawn that is a property; of UMAP's own nothing is.
 *
 * @param {string} name @param {Record<string, any>} bare @param {Record<string, string>} look @returns {Record<string, any>}
 */
export function axis(name, bare, look) {
  if (FLAT.includes(name)) return bare;
  return { showgrid: true, zeroline: false, gridcolor: look.border, title: { text: name, standoff: 8 } };
}

/**
 * Whether a row lies within every range that a person set.
 *
 * @param {Map<string, number[]>} ranges @param {Record<string, any[]>} table @param {number} row @returns {boolean}
 */
export function within(ranges, table, row) {
  for (const [name, [low, high]] of ranges) {
    const value = table[name]?.[row];
    if (value == null || value < low || value > high) return false;
  }
  return true;
}

/** The runs of a space's zoo: rows of each in the order of their steps. */
export class Runs {
  /** @param {Record<string, any[]>} table */
  constructor(table) {
    const { run, step } = table,
      found = new Map();
    (run ?? []).forEach((name, row) => {
      if (name == null || step?.[row] == null) return;
      found.has(name) ? found.get(name).push(row) : found.set(name, [row]);
    });
    this.of = new Map([...found].filter(([, rows]) => rows.length > 1));
    for (const rows of this.of.values()) rows.sort((one, other) => step[one] - step[other]);
    this.steps = [...new Set([...this.of.values()].flat().map((row) => step[row]))].sort((one, other) => one - other);
    this.table = table;
    /** Whether a row is shown: a run is, where one of its rows is. @type {(row: number) => boolean} */
    this.keep = () => true;
  }

  /** @returns {number[][]}  Rows of the runs that are shown. */
  get shown() {
    return [...this.of.values()].filter((rows) => rows.some(this.keep));
  }

  /** @returns {number} */
  get count() {
    return this.of.size;
  }

  /**
   * The step at a share of the way through all steps, which lie evenly: between two of them a step in between.
   *
   * @param {number} share  0 to 1. @returns {number}
   */
  step(share) {
    const place = share * (this.steps.length - 1),
      low = Math.min(Math.floor(place), this.steps.length - 2);
    return this.steps[low] + (place - low) * (this.steps[low + 1] - this.steps[low]);
  }

  /**
   * Where each run is at a step: on its line between the checkpoints around it, at its ends before and after.
   *
   * @param {string[]} names  Of the columns that are axes. @param {number} step @returns {number[][]}  A list for each axis.
   */
  at(names, step) {
    const columns = names.map((name) => this.table[name]),
      at = this.table.step,
      found = names.map(() => []);
    for (const rows of this.shown) {
      let next = rows.findIndex((row) => at[row] >= step);
      if (next < 0) next = rows.length - 1;
      const to = rows[next],
        from = rows[Math.max(0, next - 1)];
      const share = at[to] > at[from] ? Math.min(1, Math.max(0, (step - at[from]) / (at[to] - at[from]))) : 1;
      columns.forEach((column, i) => found[i].push(column[from] + share * (column[to] - column[from])));
    }
    return found;
  }

  /**
   * The traces of the runs that are shown: all of them faintly, that of an instance strongly, and where they are at a step.
   *
   * @param {string[]} names  Columns that are axes. @param {boolean} all @param {number | undefined} here  The row that is selected.
   * @param {number | null} share  Of the way through the steps; null: not played. @param {Record<string, any>} look
   * @returns {Record<string, any>[]}  The last is what moves, where there is one.
   */
  traces(names, all, here, share, look) {
    const type = names.length === 3 ? "scatter3d" : "scatter",
      quiet = { type, hoverinfo: "skip", showlegend: false, ...(names.length === 3 ? {} : { unselected: { marker: { opacity: 1 } } }) };
    const at = (name, row) => (row === null ? null : this.table[name][row]);
    const along = (rows) => Object.fromEntries(names.map((name, i) => ["xyz"[i], rows.map((row) => at(name, row))]));
    const found = [];
    if (all)
      found.push({
        ...quiet,
        ...along(this.shown.flatMap((rows) => [...rows, null])),
        mode: "lines",
        opacity: 0.45,
        line: { color: look.grey, width: 1 },
      });
    const own = here === undefined ? undefined : this.of.get(this.table.run?.[here]);
    if (own)
      found.push({ ...quiet, ...along(own), mode: "lines", line: { color: look.text, width: names.length === 3 ? 5 : 2.5 } });
    if (all && share !== null)
      found.push({
        ...quiet,
        ...Object.fromEntries(this.at(names, this.step(share)).map((values, i) => ["xyz"[i], values])),
        mode: "markers",
        marker: { symbol: "circle", color: look.accent, size: names.length === 3 ? 6 : 10, line: { width: 1.5, color: look.text } },
      });
    return found;
  }
}

/** Plays a share from where it is to 1. */
export class Player {
  /** @param {(share: number, ended: boolean) => void} show */
  constructor(show) {
    this.show = show;
    this.timer = null;
  }

  get playing() {
    return this.timer !== null;
  }

  /** @param {number} from */
  play(from) {
    let share = from >= 1 ? 0 : from;
    this.stop();
    this.timer = setInterval(() => {
      share = Math.min(1, share + 1 / FRAMES);
      if (share >= 1) this.stop();
      this.show(share, share >= 1);
    }, FRAME_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
  }
}
