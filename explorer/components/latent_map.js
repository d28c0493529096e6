// The latent map: points in two and in three dimensions, a panel about the selected instance, and a hover card.
// Python's `data` holds only what is selected and what follows from it; what is drawn is in latent_map_picture.js.

import { Acts } from "./acts.js";
import { able } from "./gl.js";
import { Handled } from "./latent_map_hands.js";
import { PlainView } from "./latent_map_plain.js";
import { inWords, PointsView } from "./latent_map_points.js";
import { Player, Runs, SOLID } from "./latent_map_runs.js";
import { drawInto } from "./latent_map_scene.js";
import { Table } from "./latent_map_table.js";
import { Flat, Solid } from "./latent_map_views.js";
import { Live } from "./live.js";
import { mount, pressed } from "./mount.js";

const REST_MS = 500; // so long after its last movement what is seen goes into the link
const OWN = ["dims", "colour", "across", "up", "range", "eye", "a", "b", "instance", "only", "played"]; // set here, and the URL follows

/**
 * @typedef {object} MapData  (latent_map.py)
 * @property {string} space @property {string} title
 * @property {{page: string, pictures: string, colours: Record<string, import("./forms.js").Column>,
 *   card: import("./forms.js").Column[], quality: import("./forms.js").Column | null, walked: import("./forms.js").Column}} screen
 * @property {"2" | "3"} dims @property {string} colour  One of the screen's.
 * @property {string} across @property {string} up  What the flat picture's axes are: "map", or a property's name.
 * @property {string[]} properties  Those that an axis can be.
 * @property {string | null} range @property {string | null} eye  Four and nine numbers, "1_2.5_-3".
 * @property {Record<string, any>[]} placed  Rows as the table's. @property {string | null} preview  The id of the one that is not
 *   kept: it is looked at, and is no anchor.
 * @property {string | null} a @property {string | null} b @property {string | null} instance  Ids.
 * @property {{of: string, ids: string[], distances: number[]} | null} neighbours
 * @property {object | null} line  (explorer/maps.py)
 * @property {string} find  A query (engine/host/search.py): only what it finds is shown.
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {MapData} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setStateValue  Tells Python what is selected.
 * @param {(name: string, value: unknown) => void} args.setTriggerValue  Tells Python what was done, once.
 * @returns {() => void}  The clean-up.
 */
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  return mount(
    parentElement,
    () => new LatentMap(parentElement.querySelector(".lm")),
    (map) => {
      map.acts.send = (values) => setTriggerValue("act", values);
      map.select = (rows) => setStateValue("selection", rows);
      map.update(data);
    },
    import.meta.url,
  );
}

class LatentMap extends Handled {
  constructor(root) {
    super();
    /** For the console and for tests: points(), box(), camera(). */
    root.latentMap = this;
    this.root = root;
    this.find = (name) => root.querySelector(`[data-part="${name}"]`);
    this.view = { ...Object.fromEntries(OWN.map((name) => [name, null])), dims: "2", colour: "accuracy", across: "map", up: "map" };
    this.listening = new AbortController();
    this.live = new Live();
    this.flat = new Flat();
    this.flat.moved = () => this.looked("range", this.flat.box && spell(this.flat.box));
    this.solid = new Solid();
    this.solid.camera.onMove = () => this.looked("eye", spell(this.solid.eye));
    this.now = { ...this.view };
    this.acts = new Acts();
    this.drag = "pan";
    this.selection = [];
    this.filters = 0; // changes with what is hidden and what is shown only
    this.hidden = new Set();
    this.only = new Map(); // column -> the range of it that is shown
    this.runs = new Runs();
    Object.assign(this, { running: false, share: null }); // whether runs are lines; how far through their steps
    this.player = new Player((share) => this.move(share));
    this.listen();
    this.hold();
  }

  // ---- what comes from Python, and what goes there

  update(data) {
    if (data.space !== this.space) this.acts.forget();
    for (const name of OWN) {
      const value = data[name] ?? null;
      if (!this.acts.takes(name, value)) continue;
      if (name === "eye" && this.view.eye !== value) this.solid.look(numbers(value, 9));
      this.view[name] = value;
    }
    this.data = data;
    const box = numbers(this.view.range, 4);
    this.flat.box = box && box[0] < box[1] && box[2] < box[3] ? box : null;
    this.restore();
    if (data.space !== this.space || JSON.stringify(data.placed) !== this.placed) this.load();
    else if (this.query !== (data.find ?? "")) this.sift();
    this.paint();
  }

  load() {
    const { space, placed, screen } = this.data;
    this.space = space;
    this.placed = JSON.stringify(placed);
    this.selection = [];
    this.player.stop();
    this.sifted = null; // rows that a query found, as ones
    this.filters += 1;
    this.runs = new Runs();
    Object.assign(this, { running: this.view.played !== null, outlined: null });
    this.root.dataset.state = "loading";
    this.table?.close();
    const table = (this.table = new Table(this.live, space, placed ?? [], screen.pictures === "sheet"));
    table.changed = () => this.table === table && this.load(); // a row has come or gone on the server
    const [columns, names] = this.needed(this.view);
    table.need([...columns, "hollow"], names).then(
      () => {
        if (this.table !== table) return;
        this.root.dataset.state = "ready";
        this.paint();
        this.sift();
        table.later(["hollow"], [], () => this.paint(), this.refused);
        if (Runs.among(table.known)) table.later(["step"], ["run"], () => this.trainings(), this.refused);
      },
      (error) => {
        if (this.table !== table) return;
        this.root.dataset.state = "failed";
        this.find("failure").textContent = `The map did not load: ${error.message}. Reload the page.`;
      },
    );
  }

  trainings() {
    const { columns, named } = this.table;
    this.runs = Object.assign(new Runs(named.get("run"), columns.get("step"), columns), { keep: (row) => this.within(row) });
    this.paint();
  }

  set(values) {
    Object.assign(this.view, values);
    this.acts.set(values);
    this.paint();
  }

  // What is seen has moved. It is told once it rests; until then an answer from Python to something else leaves it alone.
  looked(name, text) {
    this.view[name] = text;
    this.acts.set({ [name]: text }, { rest: REST_MS });
    this.redraw();
  }

  next() {
    return this.view.a && !this.view.b ? "b" : "a";
  }

  async pickRow(row) {
    await this.table.look({ rows: [row] });
    if (this.table.facts.has(row)) this.pick(this.table.facts.get(row).id);
  }

  async show(row) {
    await this.table.look({ rows: [row] });
    if (this.table.facts.has(row)) this.set({ instance: this.table.facts.get(row).id });
  }

  // Once it is looked at, the same again sets an anchor.
  pick(id) {
    const alone = id === this.data.preview || (this.next() === "b" && id === this.view.a); // a line needs two ends
    if (alone || id !== this.view.instance) return this.set({ instance: id });
    this.anchor(this.next());
  }

  anchor(end) {
    const { a, b, instance } = this.view;
    if (instance && instance !== this.data.preview) this.set(end === "a" && a && b ? { a: instance, b: null } : this.ends(end));
  }

  // What is selected as an anchor: it is not both.
  ends(end) {
    const { a, b, instance } = this.view;
    if (end === "a") return instance === b ? { a: instance, b: null } : { a: instance };
    return instance === a ? { b: instance, a: null } : { b: instance };
  }

  listen() {
    this.root.addEventListener("click", (event) => {
      const button = pressed(event);
      if (!button) return;
      const { do: action, value } = button.dataset;
      if (action === "dims" || action === "colour") this.set({ [action]: value });
      else if (action === "drag") {
        this.drag = value;
        this.paint();
      } else if (action === "a" || action === "b") this.set(this.ends(action));
      else if (action === "clear") this.set({ a: null, b: null });
      else if (action === "show") this.set({ instance: value });
      else if (action === "hide") this.hide(value, event.shiftKey);
      else if (action === "everything") {
        this.hidden.clear();
        this.limited(new Map());
      } else if (action === "runs") {
        this.player.stop();
        Object.assign(this, { running: !this.running, share: null });
        this.set({ played: null });
      } else if (action === "play") this.play();
      else if (action === "unselect") this.selected([]);
      else if (action === "reset") this.reset();
      else if (action === "save") this.save(value);
      else if (action === "go" && !(event.metaKey || event.ctrlKey || event.shiftKey)) {
        event.preventDefault();
        this.acts.set({}, { more: { go: true } });
      }
    });
    this.find("colour").addEventListener("change", (event) => {
      this.hidden.clear();
      this.filters += 1;
      this.set({ colour: event.target.value });
    });
    for (const end of ["low", "high"]) this.find(end).addEventListener("change", () => this.limit());
    for (const name of ["across", "up"])
      this.find(name).addEventListener("change", (event) => {
        this.flat.box = null;
        this.outlined = null;
        this.set({ [name]: event.target.value, range: null });
      });
    this.find("step").addEventListener("input", (event) => {
      this.player.stop();
      this.move(Number(event.target.value));
    });
    const search = this.find("search");
    search.addEventListener("change", () => this.search());
    search.addEventListener("keydown", (event) => event.key === "Enter" && this.search());
    this.find("stage").addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!this.there || event.ctrlKey || event.metaKey || event.altKey) return;
      if (step) {
        event.preventDefault();
        this.walk(step);
      } else if (event.key === "Enter" && event.target === event.currentTarget && this.view.instance) this.anchor(this.next());
      else if (["a", "b"].includes(event.key.toLowerCase())) this.anchor(event.key.toLowerCase());
    });
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.find("stage"));
    this.solid.camera.views.add({ invalidate: () => this.redraw() });
  }

  close() {
    this.listening.abort();
    this.acts.forget();
    this.observer.disconnect();
    this.player.stop();
    this.table?.close();
    this.plot?.close();
    this.live.close();
    cancelAnimationFrame(this.frame);
  }

  // ---- things a person does

  hide(name, alone) {
    const { names } = this.table.named.get(this.by().name);
    if (alone) this.hidden = new Set(names.filter((each) => each !== name));
    else this.hidden.has(name) ? this.hidden.delete(name) : this.hidden.add(name);
    this.filter();
  }

  filter() {
    this.filters += 1;
    this.paint();
  }

  reset() {
    if (this.view.dims === "2") return this.flat.reset();
    this.solid.look(null);
    this.looked("eye", null);
  }

  // ---- painting

  fit() {
    const { clientWidth: width, clientHeight: height } = this.find("stage");
    for (const view of [this.flat, this.solid]) Object.assign(view, { width, height });
    this.redraw();
  }

  /** Whether a picture is there. @returns {boolean} */
  get there() {
    return Boolean(this.plot) && this.root.dataset.state === "ready" && this.root.isConnected; // what has left the page has no colours
  }

  // Only from elsewhere, or of another size.
  redraw() {
    if (!this.there) return;
    this.plot.invalidate();
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (this.there) this.overlay();
    });
  }

  overlay() {
    const { under, over } = this.scene(this.look);
    drawInto(this.find("under"), under);
    drawInto(this.find("over"), [...over, ...this.outlines()]);
  }

  paint() {
    const { table } = this;
    this.root.dataset.ready = String(Boolean(table?.total));
    if (this.root.dataset.state !== "ready" || !this.root.isConnected) return;
    const needs = this.needed(this.view),
      ids = [...["a", "b", "instance"].map((name) => this.view[name]), ...(this.near()?.ids ?? [])].filter(Boolean);
    const late = [
      !table.has(...needs) && table.need(...needs),
      ids.some((id) => !table.rows.has(id) && !table.nobody.has(id)) && table.look({ ids }),
    ];
    if (late.some(Boolean))
      Promise.all(late).then(
        () => this.table === table && this.paint(),
        (error) => this.say(error.message),
      );
    if (late[0]) return;
    this.now = { ...this.view };
    this.look = this.tokens();
    this.plot ??= new (able() ? PointsView : PlainView)(this.find("points"), () => this.eye.matrix());
    this.plot.shown = (count, all) => this.drawn(count, all);
    Object.assign(this.flat, { home: this.home(), alike: this.flatIsMap });
    if (this.isSolid) {
      const columns = SOLID.map((name) => table.columns.get(name));
      this.kept("fit", columns, () => this.solid.fit(SOLID.map((name) => this.span(name))));
    }
    this.fit();
    this.plot.set(this.drawing(this.look));
    this.controls(this.look);
    this.panel(this.look);
    const line = this.line();
    Object.assign(this.root.dataset, {
      dims: this.view.dims,
      points: table.total,
      line: line ? line.values.length : 0,
      selected: this.selection.length,
      shown: this.order().length,
      runs: this.running ? this.runs.count : 0,
      renderer: this.plot.renderer,
    });
  }

  // So many of the points were drawn.
  drawn(count, all) {
    const words = count < all ? inWords(count, all, this.selection.length) : "";
    if (this.find("sample").textContent !== words) this.find("sample").textContent = words;
    this.root.dataset.drawn = String(count);
  }

  say(words) {
    this.find("miss").textContent = words;
  }

  // ---- for the console and for tests

  /** The points that are shown: their rows, where they lie in the window, symbols, colours. */
  points() {
    const box = this.find("over").getBoundingClientRect();
    return [...this.order()].map((row) => {
      const at = this.at(row);
      return { row, at: at && [box.left + at[0], box.top + at[1]], symbol: this.symbol(row), colour: this.colour(row, this.look) };
    });
  }

  /** The box that the flat picture shows, [left, right, bottom, top]. */
  box() {
    return this.flat.seen;
  }

  /** The solid picture's camera: its eye, what it looks at, and up. */
  camera() {
    return this.solid.eye;
  }
}

/**
 * The numbers in "1_2.5_-3"; `spell` writes them.
 *
 * @param {unknown} text @param {number} count @returns {number[] | null}  null where there are not so many.
 */
function numbers(text, count) {
  const values = String(text ?? "")
    .split("_")
    .map(Number);
  return values.length === count && values.every(Number.isFinite) ? values : null;
}

/** @param {number[]} values @returns {string} */
function spell(values) {
  return values.map((value) => String(Number(value.toPrecision(7)))).join("_");
}
