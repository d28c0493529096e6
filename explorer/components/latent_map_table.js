// What the map knows of a space's instances: columns of its table, which come as arrays when they are needed, and the whole row and the
// picture of an instance that somebody looks at. Behind the table's rows are those of what was placed and is not in it.

import { namesIn } from "./latent_map_names.js";

const MISSING = 0xffffffff; // the code of a name that is not known
const PICTURES = 300; // that are kept
const LATER_MS = 3000; // what is still worked out is asked for again after this long

/** @typedef {{codes: Uint32Array, names: string[]}} Names  A code a row, an index of `names`. */

/** The table of a space. */
export class Table {
  /**
   * @param {import("./live.js").Live} live @param {string} space @param {Record<string, any>[]} placed
   * @param {boolean} surfaces  Whether what is placed has pictures, too.
   */
  constructor(live, space, placed, surfaces) {
    Object.assign(this, { live, space, placed, surfaces, count: 0, total: 0, known: [] });
    this.columns = new Map(); // name -> Float32Array
    this.named = new Map(); // name -> Names
    this.rows = new Map(); // id -> row, of those that are known
    this.facts = new Map(); // row -> its whole row of the table
    this.pictures = new Map(); // row -> what was answered
    this.waiting = new Map(); // what is on its way -> its promise
    this.nobody = new Set(); // ids that are not in it
    /** Told when rows have come to mean other instances. */
    this.changed = () => {};
  }

  // ---- columns

  /** @param {string[]} numbers @param {string[]} names @returns {boolean}  Whether they are here. */
  has(numbers, names) {
    return numbers.every((name) => this.columns.has(name)) && names.every((name) => this.named.has(name));
  }

  /**
   * @param {string[]} numbers @param {string[]} names  Columns that are needed.
   * @returns {Promise<void>}  Rejects with the server's sentence.
   */
  async need(numbers, names) {
    const question = {
      numbers: numbers.filter((name) => !this.columns.has(name)),
      names: names.filter((name) => !this.named.has(name)),
    };
    if (question.numbers.length + question.names.length) await this.once(JSON.stringify(question), () => this.fetch(question));
  }

  once(key, ask) {
    if (!this.waiting.has(key)) this.waiting.set(key, ask().finally(() => this.waiting.delete(key)));
    return this.waiting.get(key);
  }

  async fetch(question) {
    const answer = await this.live.ask(`points ${JSON.stringify(question)}`, { op: "points", space: this.space, ...question }, 2);
    if (!answer || this.closed) return;
    const { header, array } = answer;
    if (this.stale(header)) return;
    if (!this.total) {
      Object.assign(this, { count: header.count, total: header.count + this.placed.length, known: header.known });
      this.placed.forEach((facts, i) => this.keep({ row: this.count + i, ...facts }));
    }
    for (const { name, array: key, names } of header.columns)
      if (names === undefined) this.columns.set(name, this.numbers(name, array(key)));
      else this.named.set(name, this.names(name, key && array(key), names));
  }

  stale({ version }) {
    this.version ??= version;
    if (this.version === version) return false;
    if (!this.closed) this.changed();
    return true;
  }

  numbers(name, values) {
    const all = new Float32Array(this.total);
    all.set(values);
    this.placed.forEach((facts, i) => {
      all[this.count + i] = facts[name] ?? NaN;
    });
    return all;
  }

  names(name, codes, names) {
    const missing = codes instanceof Uint8Array ? 255 : MISSING,
      all = new Array(this.total),
      last = (codes ?? []).reduce((most, code) => (code === missing ? most : Math.max(most, code)), -1);
    const own = names ?? Array.from({ length: last + 1 }, (_, code) => String(code)); // too many to be named
    for (let row = 0; row < this.count; row++) all[row] = !codes ? own[0] : codes[row] === missing ? null : own[codes[row]];
    this.placed.forEach((facts, i) => {
      all[this.count + i] = facts[name] ?? null;
    });
    const inOrder = namesIn(new Set(all), name, own),
      code = new Map(inOrder.map((each, at) => [each, at]));
    return { names: inOrder, codes: Uint32Array.from(all, (each) => code.get(String(each ?? "other")) ?? MISSING) };
  }

  // ---- rows

  /** @param {Record<string, any>} facts */
  keep(facts) {
    this.facts.set(facts.row, facts);
    this.rows.set(facts.id, facts.row);
  }

  /**
   * The whole rows of some instances, kept once they were asked for; ids that are none are remembered as such.
   *
   * @param {{rows?: number[], ids?: string[]}} which @returns {Promise<void>}
   */
  async look({ rows = [], ids = [] }) {
    const question = {
      rows: rows.filter((row) => !this.facts.has(row)),
      ids: ids.filter((id) => !this.rows.has(id) && !this.nobody.has(id)),
    };
    if (!question.rows.length && !question.ids.length) return;
    await this.once(JSON.stringify(question), async () => {
      const answer = await this.live.ask(`rows ${JSON.stringify(question)}`, { op: "instances", space: this.space, ...question }, 3);
      if (!answer || this.closed || this.stale(answer.header)) return;
      answer.header.instances.forEach((facts) => this.keep(facts));
      for (const id of question.ids) if (!this.rows.has(id)) this.nobody.add(id);
    });
  }

  /**
   * The picture of an instance, where somebody points at it or has chosen it; the newest question of a slot wins.
   *
   * @param {number} row @param {string} slot @returns {Promise<import("./live.js").Answer | null>}
   */
  async seen(row, slot) {
    await this.look({ rows: [row] });
    const facts = this.facts.get(row);
    if (!facts || !this.pictured(row)) return null;
    if (this.pictures.has(row)) return this.pictures.get(row);
    const question = { op: "pictures", space: this.space, ids: [facts.id] };
    const answer = await this.live.ask(slot, question, 4).catch(() => null); // a picture that cannot be drawn is left out
    if (answer && !this.closed) this.pictures.set(row, answer);
    if (this.pictures.size > PICTURES) this.pictures.delete(this.pictures.keys().next().value);
    return answer;
  }

  /** @param {number} row @returns {boolean}  Whether it has a picture: a network that is placed and not kept has none. */
  pictured(row) {
    return row < this.count || this.surfaces;
  }

  /**
   * Columns that nothing waits for, asked for until they are there.
   *
   * @param {string[]} numbers @param {string[]} names @param {() => void} came
   * @param {(error: Error) => void} failed  Gets what the server refuses them with; then they are not asked for again.
   * @returns {Promise<void>}
   */
  async later(numbers, names, came, failed) {
    try {
      await this.need(numbers, names);
    } catch (error) {
      return failed(error);
    }
    if (this.closed) return;
    if (this.has(numbers, names)) came();
    else this.timer = setTimeout(() => this.later(numbers, names, came, failed), LATER_MS);
  }

  /** @returns {boolean}  Whether there is more than one architecture. */
  get several() {
    return (this.named.get("architecture")?.names.length ?? 0) > 1;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}

/**
 * One row as a table, as forms.js reads them.
 *
 * @param {Record<string, any>} facts @returns {Record<string, any[]>}
 */
export function asTable(facts) {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, [value]]));
}
