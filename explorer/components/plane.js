// The plane through three networks: heat maps of what their task measures, filled in from coarse to fine, one for each way to mix the
// three, and under the pointer the network that lives there, measured and shown live. All maps share one scale and one triangle, A, B
// and C at the same places, so that a place is the same mixture in each.

import { Camera } from "./camera.js";
import { saveCsv } from "./csv.js";
import { FORMS } from "./forms.js";
import { Live, rightOf } from "./live.js";
import { mount } from "./mount.js";
import { lookOf } from "./plane_look.js";
import { ARCHITECTURE, HEIGHT, PlaneMap, SIDE, STRIDES, cells, placeOf, savedFigure } from "./plane_map.js";
import { loadPlotly } from "./plotly.js";

const REST_MS = 200; // so long after the last movement the maps go on filling in
const HERE = 2,
  FIELD = 0; // priorities
const AT_ONCE = 12; // places of one question: less than a hand notices waiting
const DRAW_MS = 120; // between two drawings of a map that fills in
const NAMES = {
  embedding: "Decoded",
  weights: "Weights mixed as they are",
  aligned: "Weights mixed after alignment",
  [ARCHITECTURE]: "Architecture that lives there",
};
class Planes {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-pl="${name}"]`);
    this.maps = new Map();
    this.camera = new Camera();
    this.live = new Live((state, reason) => {
      this.find("error").textContent = state === "lost" ? reason || "reconnecting" : "";
    });
    this.listening = new AbortController();
    for (const button of root.querySelectorAll("[data-save]"))
      button.addEventListener("click", () => this.save(button.dataset.save), { signal: this.listening.signal });
  }

  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    this.data = data;
    const key = JSON.stringify([data.space, data.corners, data.paths, data.ask]);
    if (key !== this.known) {
      this.known = key;
      this.root.classList.add("waiting");
      this.root.dataset.field = "";
      this.find("error").textContent = "";
      this.rebuild();
      this.fill(); // a first part at once, before what has to be aligned first
      this.go(data.u, data.v);
    } else {
      if (!this.sent && !this.over) this.go(data.u, data.v);
      for (const map of this.maps.values()) {
        this.draw(map); // the theme may have changed
        map.look?.theme(this.root);
      }
    }
    this.sent = false;
  }

  rebuild() {
    for (const map of this.maps.values()) map.close();
    const { paths, architectures, scale } = this.data,
      { end } = FORMS[scale.form];
    this.say = FORMS[scale.form].write;
    for (const [name, text] of Object.entries({ low: end(scale.low), high: end(scale.high), label: scale.label }))
      this.find(name).textContent = text;
    const shown = architectures.length > 1 ? [...paths, ARCHITECTURE] : paths;
    this.maps = new Map(shown.map((path, at) => [path, new PlaneMap(NAMES[path], path, this.data, at === 0)]));
    for (const [path, map] of this.maps)
      if (path !== ARCHITECTURE) map.show(lookOf(this.data.look, map.name, this.camera, path === paths[0], this.listening.signal));
    this.find("panels").replaceChildren(...[...this.maps.values()].map((map) => map.element));
    for (const map of this.maps.values()) {
      this.listen(map);
      map.look?.theme(this.root);
    }
    this.todo = STRIDES.flatMap((stride) =>
      paths.flatMap((path) => {
        const these = cells(stride);
        const starts = Array.from({ length: Math.ceil(these.length / AT_ONCE) }, (_, at) => at * AT_ONCE);
        return starts.map((from) => ({ path, cells: these.slice(from, from + AT_ONCE) }));
      }),
    );
    this.whole = this.todo.length;
  }

  listen(map) {
    const on = (element, type, handler) => element.addEventListener(type, handler, { signal: this.listening.signal });
    const follow = (event) => {
      this.over = true;
      this.go(...map.under(event));
    };
    on(map.over, "pointermove", follow);
    on(map.over, "pointerdown", (event) => {
      map.over.setPointerCapture(event.pointerId);
      this.maps.values().next().value.thumb.focus({ preventScroll: true });
      follow(event);
      event.preventDefault();
    });
    on(map.over, "pointerup", (event) => {
      follow(event);
      this.commit();
    });
    on(map.over, "pointerleave", () => {
      this.over = false;
      this.go(this.data.u, this.data.v);
    });
    if (map.thumb.tabIndex === 0) on(map.thumb, "keydown", (event) => this.key(event));
  }

  key(event) {
    const step = event.shiftKey ? 0.1 : 0.02;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [dx, dy] = moves[event.key];
    const { x, y } = placeOf(this.u, this.v);
    const v = (y + dy) / HEIGHT;
    this.go(x + dx - v / 2, v);
    clearTimeout(this.committing);
    this.committing = setTimeout(() => this.commit(), 400);
  }

  commit() {
    this.sent = true;
    Object.assign(this.data, { u: this.u, v: this.v });
    const { space, corners } = this.data;
    this.setStateValue("place", { space, corners, u: this.u, v: this.v, at: Date.now() });
  }

  // The point under the pointer, or the thumb's: every map says what the network there answers.
  async go(u, v) {
    [this.u, this.v] = [u, v].map((value) => Math.round(value * 1000) / 1000);
    for (const map of this.maps.values()) map.move(this.u, this.v);
    const shares = [1 - this.u - this.v, this.u, this.v];
    this.find("weights-of").textContent = `${shares.map((share, at) => `${share.toFixed(2)} ${"ABC"[at]}`).join(" + ")}`;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      if (Object.keys(this.data.rest).length) this.here(this.data.rest);
      this.fill();
    }, REST_MS);
    await this.here({});
  }

  // What is measured of the network here, and how it looks; `more` asks for a finer answer.
  here(more) {
    const places = [[this.u, this.v]],
      finer = this.data.look ? { look: true, ...more } : more;
    return Promise.all(
      this.data.paths.map(async (path) => {
        const answer = await this.ask(`here-${path}`, path, places, HERE, finer);
        if (answer) this.paint(path, answer);
      }),
    );
  }

  async ask(slot, path, places, priority, more = {}) {
    const { space, corners, ask } = this.data,
      known = this.known;
    try {
      const answer = await this.live.ask(slot, { op: "plane", space, corners, path, places, ...ask, ...more }, priority);
      return answer && known === this.known ? answer : null;
    } catch (error) {
      if (known === this.known) this.find("error").textContent = error.message;
      return null;
    }
  }

  paint(path, answer) {
    const { n, dtype, points } = answer.header,
      [point] = points;
    const map = this.maps.get(path);
    this.root.classList.remove("waiting");
    map.look?.show(answer);
    map.value.textContent = point.value === null ? "not measured" : this.say(point.value);
    Object.assign(map.value.dataset, { u: point.u, v: point.v, n, value: point.value ?? "", architecture: point.architecture });
    map.note.textContent = this.note(point, n, dtype);
    const named = this.maps.get(ARCHITECTURE);
    if (named && path === "embedding") {
      const found = this.data.architectures.find(({ id }) => id === point.architecture);
      named.value.textContent = found?.family ?? point.architecture;
      named.note.textContent = found ? `${found.parameters.toLocaleString("en")} parameters` : "";
    }
  }

  // What stands beside a value: of each corner the likeness, or the interval and how many are right.
  note({ value, low, high, to }, n, dtype) {
    if (to) return to.map((each, at) => `${"ABC"[at]} ${each === null ? "–" : this.say(each)}`).join("\n");
    if (value === null) return "";
    return `${this.say(low)} to ${this.say(high)}\n${rightOf({ right: Math.round(value * n), n, dtype })} right`;
  }

  async fill() {
    if (this.filling) return;
    this.filling = true;
    while (!this.timer && this.known && this.todo.length) {
      const { todo } = this;
      const { path, cells: these } = todo[0];
      const places = these.map(({ u, v }) => [u, v]);
      const answer = await this.ask("field", path, places, FIELD);
      if (todo !== this.todo) continue;
      if (!answer) break;
      todo.shift();
      const { header } = answer;
      this.on = { n: header.n, dtype: header.dtype, on: header.on };
      for (const map of path === "embedding" && this.maps.has(ARCHITECTURE) ? [path, ARCHITECTURE] : [path])
        this.add(this.maps.get(map), these, header);
      const share = Math.round(100 * (1 - todo.length / this.whole));
      this.find("progress").textContent = todo.length ? `Measuring ${SIDE * SIDE} networks a map: ${share} %` : this.basis();
      if (!todo.length) this.root.dataset.field = "done";
    }
    this.filling = false;
  }

  basis() {
    const { n, dtype, on } = this.on,
      count = `${SIDE * SIDE} networks a map`;
    const coarsely = dtype === "float32" ? "" : ` in ${dtype}`;
    return n ? `${count}, each measured on ${n.toLocaleString("en")} ${on}${coarsely}` : `${count}, decoded, not measured`;
  }

  add(map, these, header) {
    map.add(these, header);
    map.sketch(this.root);
    if (map.drawing) return;
    map.drawing = setTimeout(() => {
      map.drawing = null;
      this.draw(map);
    }, DRAW_MS);
  }

  async draw(map) {
    try {
      const Plotly = await loadPlotly();
      if (!this.listening.signal.aborted && map.element.isConnected) map.draw(Plotly, this.root);
    } catch (error) {
      this.find("error").textContent = error.message;
    }
  }

  async save(format) {
    const { title, corners, space } = this.data,
      name = `${space}-plane`;
    if (format === "csv") {
      const rows = [...this.maps.values()].filter(({ path }) => path !== ARCHITECTURE).flatMap((map) => map.rows(corners, this.on));
      const [value, n] = this.data.scale.columns;
      const columns = ["path", "a", "b", "c", "u", "v", value, "low_95", "high_95", "to_a", "to_b", "to_c", n, "dtype", "architecture"];
      const filled = columns.map((_, at) => rows.some((row) => row[at] !== undefined && row[at] !== null));
      return saveCsv([columns, ...rows].map((row) => row.filter((_, at) => filled[at])), name);
    }
    const Plotly = await loadPlotly();
    const words = `${title}: A ${corners[0]}, B ${corners[1]}, C ${corners[2]}. ${this.basis()}.`;
    const figure = savedFigure([...this.maps.values()], this.root, words);
    const size = { width: 460 * this.maps.size, height: 560 };
    return Plotly.downloadImage(figure, { format, ...size, scale: format === "png" ? 2 : 1, filename: name });
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.committing);
    this.known = null;
    this.listening.abort();
    for (const map of this.maps.values()) map.close();
    this.live.close();
  }
}

/**
 * @typedef {object} PlaneData  (plane.py)
 * @property {string} space @property {string} title
 * @property {string[]} corners  Ids of three instances: A, B, C.
 * @property {number} u @property {number} v  The thumb's place, A + u (B - A) + v (C - A).
 * @property {string[]} paths  Ways to mix them, as the op "plane" names them.
 * @property {import("./plane_map.js").Scale} scale  What is measured, and how it is shown.
 * @property {string} look  How a network looks: "mesh", "picture" or "".
 * @property {object} ask @property {object} rest  What every question says, and one once the pointer rests.
 * @property {import("./class_ids.js").Architecture[]} architectures
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {PlaneData} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setStateValue  Tells Python what is selected.
 * @returns {() => void}  The clean-up.
 */
export default function ({ parentElement, data, setStateValue }) {
  return mount(
    parentElement,
    () => new Planes(parentElement.querySelector(".pl")),
    (planes) => planes.update(data, setStateValue),
    import.meta.url,
  );
}
