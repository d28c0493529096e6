// Of a zoo's own columns on the latent map: a property along an axis, a range of one that is shown, and runs, whose checkpoints are
// steps of one training, as lines that are played over their steps.

import { reached } from "./forms.js";

// The columns of UMAP's own axes, flat and solid.
/** @type {string[]} */
export const FLAT = ["x2", "y2"];
/** @type {string[]} */
export const SOLID = ["x3", "y3", "z3"];
const FRAMES = 120,
  FRAME_MS = 50; // of a run that is played

/**
 * The columns of the table that the flat picture's axes are.
 *
 * @param {{across?: string, up?: string}} view @param {string[]} properties  Columns that an axis can be. @returns {string[]}
 */
export function axesOf(view, properties) {
  return [view.across, view.up].map((name, i) => (properties.includes(name) ? name : FLAT[i]));
}

/**
 * Lowest and highest value of a column, with some room; unknown values are none.
 *
 * @param {Float32Array} values @returns {number[]}
 */
export function spanOf(values) {
  const [low, high] = reached(values),
    room = 0.08 * (high - low) || 1;
  return [low - room, high + room];
}

/**
 * Whether a row lies within every range that a person set.
 *
 * @param {Map<string, number[]>} ranges @param {Map<string, Float32Array>} columns @param {number} row @returns {boolean}
 */
export function within(ranges, columns, row) {
  for (const [name, [low, high]] of ranges) {
    const value = columns.get(name)?.[row];
    if (!(value >= Math.fround(low) && value <= Math.fround(high))) return false;
  }
  return true;
}

/** The runs of a space's zoo: rows of each in the order of their steps. */
export class Runs {
  /** @param {string[]} columns @returns {boolean}  Whether a table with these columns has runs. */
  static among(columns) {
    return columns.includes("run") && columns.includes("step");
  }

  /** @param {import("./latent_map_table.js").Names} [run] @param {Float32Array} [step] @param {Map<string, Float32Array>} [columns] */
  constructor(run, step, columns) {
    const found = new Map();
    this.run = run;
    run?.codes.forEach((code, row) => {
      if (run.names[code] === undefined || run.names[code] === "other" || Number.isNaN(step[row])) return;
      found.has(code) ? found.get(code).push(row) : found.set(code, [row]);
    });
    this.of = new Map([...found].filter(([, rows]) => rows.length > 1));
    for (const rows of this.of.values()) rows.sort((one, other) => step[one] - step[other]);
    this.steps = [...new Set([...this.of.values()].flat().map((row) => step[row]))].sort((one, other) => one - other);
    Object.assign(this, { stepOf: step, columns });
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
    const columns = names.map((name) => this.columns.get(name)),
      at = this.stepOf,
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

  /** @param {number} row @returns {number[] | null}  The rows of its run. */
  ofRow(row) {
    return this.of.get(this.run?.codes[row]) ?? null;
  }

  /** @returns {Uint32Array}  Pairs of rows that a line joins, of the runs that are shown. */
  lines() {
    return Uint32Array.from(this.shown.flatMap((rows) => rows.slice(1).flatMap((row, i) => [rows[i], row])));
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
