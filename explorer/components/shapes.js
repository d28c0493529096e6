// The page of shapes: a contact sheet, the gamma slider, meshes that follow it.
//
// Two sockets: `live` answers the thumb with coarse meshes; `later` brings what follows when it rests (fine meshes, measures,
// the filmstrip), so that none of it is ever in the way of the next movement.

import { showCaption } from "./caption.js";
import { Acts } from "./acts.js";
import { Camera, handle } from "./camera.js";
import { ContactSheet } from "./contact_sheet.js";
import { offer } from "./downloads.js";
import { FILM_RESOLUTION, FILM_ROWS, Filmstrip } from "./filmstrip.js";
import { pair } from "./finder.js";
import { GammaSlider, tidy } from "./gamma_slider.js";
import { inSight } from "./in_sight.js";
import { Live } from "./live.js";
import { MeshPlotly } from "./mesh_plotly.js";
import { MeshView } from "./mesh_view.js";
import { mount } from "./mount.js";
import { ShapeAnswers } from "./shape_answers.js";
import { ShapeTable } from "./shape_table.js";

const COARSE = 48; // nodes an axis while the thumb moves
const IDLE_MS = 160; // so long after the last movement the rest is asked for
const BESIDE_MS = 200; // while dragging, the other views at most so often
const PANES = {
  path: [
    ["mesh", "embedding", "Decoded from the space"],
    ["mesh-weights", "weights", "Weights mixed directly"],
    ["mesh-original", "aligned", "Weights mixed after alignment"],
  ],
  instance: [
    ["mesh", "embedding", "Predicted"],
    ["mesh-weights", "weights", "Target"],
    ["mesh-original", "original", "The shape itself"],
  ],
  placed: [
    ["mesh", "embedding", "Placed, with inversion"],
    ["mesh-weights", "encoded", "Encoder alone"],
    ["mesh-original", "original", "The dropped mesh"],
  ],
};
const OWN = ["a", "b", "gamma", "shape", "instance", "level", "resolution", "camera"]; // what a person sets here and the URL follows
const HERO = 4,
  BESIDE = 3,
  FINE = 3,
  SAID = 2,
  FILM = 0; // priorities

class Shapes extends ShapeAnswers {
  constructor(root) {
    super(root, "sh");
    this.view = {};
    this.acts = new Acts();
    this.camera = new Camera();
    this.camera.onMove = () => {
      root.dataset.camera = this.camera.text();
    };
    this.camera.onRest = () => this.cameraRests();
    this.listening = new AbortController();
    const Surface = MeshView.able() ? MeshView : MeshPlotly;
    root.dataset.renderer = Surface === MeshView ? "webgl2" : "plotly";
    this.panes = [...root.querySelectorAll("[data-pane]")].map((figure) => {
      const stage = figure.querySelector(".sh-stage");
      const surface = new Surface(stage.querySelector("canvas"), this.camera);
      if (Surface === MeshView) handle(stage, this.camera, this.listening.signal);
      return { figure, stage, surface, find: (name) => figure.querySelector(`[data-of="${name}"]`) };
    });
    this.observer = new ResizeObserver(() => this.camera.views.forEach((view) => view.invalidate()));
    this.panes.forEach(({ stage }) => this.observer.observe(stage));
    this.later = new Live();
    this.slider = new GammaSlider(
      root.querySelector(".ip-slider"),
      (gamma, stamp) => this.input(gamma, stamp),
      (gamma) => this.commit(gamma),
    );
    this.sheet = new ContactSheet(root, (id) => this.pick(id));
    this.film = new Filmstrip(this.find("film"), this.camera, (gamma, rests) => {
      this.slider.place(gamma);
      this.input(gamma);
      if (rests) this.commit(gamma);
    });
    this.table = new ShapeTable(this.find("table"));
    this.listen();
    this.walks();
  }

  listen() {
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal: this.listening.signal });
    on(this.root, "click", (event) => {
      const button = event.target.closest("[data-do]");
      if (!button) return;
      const { do: action, value } = button.dataset,
        { a, b, gamma, instance } = this.view;
      if (action === "shape") this.set({ shape: value, instance: instance ?? a });
      else if (action === "swap") this.set({ a: b, b: a, gamma: tidy(1 - gamma) });
      else if (action === "random") this.random();
      else if (action === "use") this.set({ [value]: instance, shape: "path" });
      else if (action === "home") this.camera.reset();
      else if (action === "film") this.saveFilm();
    });
    on(this.find("level"), "input", (event) => {
      this.view.level = Number(event.target.value);
      this.showControls();
      this.move();
    });
    on(this.find("level"), "change", () => this.set({ level: this.view.level }));
    on(this.find("resolution"), "change", (event) => this.set({ resolution: Number(event.target.value) }));
  }

  // ---- what comes from Python, and what goes there

  update(data, act) {
    this.acts.send = (values) => act({ ...values, of: this.data.space });
    const before = this.subject();
    const old = this.data;
    this.data = data;
    for (const name of OWN) {
      const value = data[name] ?? null;
      if (!this.acts.takes(name, value)) continue;
      if (name === "gamma" && this.slider.busy()) continue;
      if (name === "camera" && (value === this.view.camera || old)) continue; // a camera stays where a hand has put it
      this.view[name] = value;
      if (name === "camera") this.camera.place(value);
    }
    for (const name of ["sheet", "film"]) showCaption(this.find(`caption-${name}`), data.captions[name]);
    offer(this.find("network"), data.formats);
    this.root.classList.toggle("brief", Boolean(data.brief));
    this.film.paths = data.brief ? ["embedding", "weights"] : Object.keys(FILM_ROWS);
    this.unseen ??= data.brief ? inSight(this.root, () => this.appear()) : null;
    this.camera.onMove();
    this.colours();
    const names = JSON.stringify(data.placed);
    if (!data.brief && (data.space !== old?.space || names !== this.names)) {
      this.names = names;
      this.loadSheet();
    }
    this.showControls();
    if (this.subject() !== before || data.space !== old?.space) this.start();
    else if (this.view.gamma !== this.slider.gamma && !this.slider.busy()) {
      this.slider.place(this.view.gamma);
      this.input(this.slider.gamma);
    }
  }

  set(values) {
    const before = this.subject();
    Object.assign(this.view, values);
    this.acts.set(values);
    this.showControls();
    if ("gamma" in values) this.slider.place(values.gamma);
    if (this.subject() !== before) this.start();
    else this.move();
  }

  commit(gamma) {
    this.set({ gamma });
  }

  cameraRests() {
    this.film.redraw();
    this.view.camera = this.camera.text();
    this.acts.set({ camera: this.view.camera });
  }

  // What decides which panes there are and whether what they show is still of use.
  subject() {
    const { shape, a, b, instance } = this.view;
    return JSON.stringify([this.data?.space, shape, ...(shape === "instance" ? [instance] : [a, b])]);
  }

  placed(id) {
    return this.data.placed.find((each) => each.id === id);
  }

  shownPanes() {
    return PANES[this.mode()].slice(0, this.data.brief ? 2 : 3);
  }

  mode() {
    return this.view.shape === "path" ? "path" : this.placed(this.view.instance) ? "placed" : "instance";
  }

  pick(id) {
    const { shape, b } = this.view;
    if (shape === "instance") return this.set({ instance: id });
    if (this.next !== "b") {
      this.next = "b";
      this.set({ a: id });
    } else if (id !== this.view.a || b === id) {
      this.next = "a";
      this.set({ b: id });
    }
  }

  async random() {
    const { space } = this.data,
      ends = await pair(space).catch((error) => this.fail(error));
    if (ends && space === this.data.space) this.set({ a: ends[0], b: ends[1] });
  }

  async loadSheet() {
    const { space, placed } = this.data;
    await this.sheet.load(space, placed);
    if (space === this.data.space) this.sheet.reveal(this.view.shape === "path" ? this.view.a : this.view.instance);
  }

  showControls() {
    const { view } = this,
      { shape, a, b, instance } = view;
    for (const button of this.root.querySelectorAll('[data-do="shape"]'))
      button.setAttribute("aria-pressed", String(button.dataset.value === shape));
    this.root.dataset.shape = this.mode();
    showCaption(this.find("caption-views"), this.data.captions[this.mode()]);
    const said = (id, own = this.placed(id)) =>
      own && own.known === false ? `${own.name} (a best guess)` : (own?.name ?? id ?? "");
    for (const [part, id] of [
      ["name-a", a],
      ["name-b", b],
    ])
      this.find(part).textContent = said(id);
    this.find("name-one").textContent = this.placed(instance)?.name ?? instance ?? "";
    this.find("level").value = view.level;
    this.find("level-value").textContent = view.level.toFixed(3).replace("-", "\u2212");
    this.find("resolution").value = String(view.resolution);
    this.find("hint").textContent =
      shape === "instance" ? "A click shows that shape" : `Next click sets ${this.next === "b" ? "B" : "A"}`;
    this.sheet.mark(shape === "instance" ? { [instance]: "●" } : { [a]: "A", [b]: a === b ? "A B" : "B" });
  }

  // ---- questions

  // A brief view asks for nothing before it is in sight.
  appear() {
    this.visible = true;
    this.start();
  }

  start() {
    if (this.data.brief && !this.visible) return;
    for (const slot of ["mesh", "mesh-weights", "mesh-original"]) (this.live.drop(slot), this.later.drop(slot));
    this.later.drop("film");
    this.walk.reset();
    const panes = this.shownPanes(),
      guess = this.placed(this.view.instance)?.known === false && this.mode() === "placed";
    const titles = panes.map(([, , title], at) => (guess && !at ? "Its best guess" : title));
    this.panes.forEach(({ figure, find }, at) => {
      figure.hidden = !panes[at];
      if (!panes[at]) return;
      find("title").textContent = titles[at];
      figure.classList.add("waiting");
    });
    this.table.rows(titles, this.ends(), this.mode());
    this.film.reset(`${this.data.space}-${this.view.a}-${this.view.b}`);
    this.key = this.subject();
    this.slider.place(this.view.gamma);
    this.input(this.slider.gamma);
  }

  ends() {
    const { shape, a, b, instance } = this.view;
    return shape === "path" ? [a, b] : [instance, instance];
  }

  question(op, path, resolution, gamma = this.slider.gamma) {
    const [a, b] = this.ends();
    return {
      op,
      space: this.data.space,
      a,
      b,
      gamma: this.view.shape === "path" ? gamma : 0,
      path,
      resolution,
      level: path === "original" ? 0 : this.view.level,
    };
  }

  input(gamma, stamp) {
    this.find("gamma").textContent = gamma.toFixed(3);
    this.view.gamma = gamma;
    this.film.mark(gamma);
    this.move(stamp);
  }

  // Something under the hand has changed: the first pane at once, the others as there is time, the rest when it rests.
  async move(stamp) {
    if (this.data.brief && !this.visible) return;
    for (const slot of ["mesh", "mesh-weights", "mesh-original", "said", "film"]) this.later.drop(slot);
    this.table.fade();
    this.settled = null; // a thumb that comes back to where it was shows what is coarse, as any other
    delete this.root.dataset.settled;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.rest();
    }, IDLE_MS);
    const answer = await this.ask("mesh", HERO, this.question("mesh", PANES[this.mode()][0][1], COARSE));
    if (!answer) return;
    this.show(0, answer, true);
    if (stamp) this.painted(stamp);
    if (performance.now() - (this.besides ?? 0) > BESIDE_MS) this.beside();
    if (!this.timer) this.rest(); // the answer came after the rest was due
  }

  async beside() {
    this.besides = Infinity; // until all are shown: else the last one's turn would never come
    for (const [at, [slot, path]] of this.shownPanes().entries()) {
      if (!at || path === "original") continue; // it depends on nothing that moves
      const answer = await this.ask(slot, BESIDE, this.question("mesh", path, COARSE));
      if (answer) this.show(at, answer, true);
    }
    this.besides = performance.now();
  }

  // The thumb rests: fine meshes, what is said of them, the filmstrip. A movement ends it.
  async rest() {
    const asked = JSON.stringify(this.question("mesh", "", 0));
    if (this.settled === asked + this.view.resolution) return this.fill();
    if (this.shown !== asked) return; // the coarse answer calls again
    const panes = this.shownPanes(),
      same = () => !this.timer && asked === JSON.stringify(this.question("mesh", "", 0));
    for (let at = 0; at < panes.length && same(); at += 1) {
      const answer = await this.ask(panes[at][0], FINE, this.question("mesh", panes[at][1], this.view.resolution), this.later);
      if (answer && same()) this.show(at, answer, false);
    }
    for (let at = 0; at < panes.length && !this.data.brief && same(); at += 1) {
      const answer = await this.ask("said", SAID, this.question("measures", panes[at][1], this.view.resolution), this.later);
      if (answer && same()) this.table.say(at, answer.header);
    }
    if (!same()) return;
    this.settled = asked + this.view.resolution;
    this.root.dataset.settled = this.slider.gamma;
    this.fill();
  }

  async fill() {
    if (this.filling || this.view.shape !== "path") return;
    this.filling = true;
    for (let next = this.film.next(); next && !this.timer; next = this.film.next()) {
      const answer = await this.ask("film", FILM, this.question("mesh", next.path, FILM_RESOLUTION, next.gamma), this.later);
      if (answer && answer.header.level === this.view.level) this.film.add(next, this.read(answer));
      else if (!answer) break;
    }
    this.filling = false;
  }

  read({ header, array }) {
    if (header.surface !== "mesh") return {};
    return { vertices: array("vertices"), faces: array("faces") };
  }

  close() {
    clearTimeout(this.timer);
    this.unseen?.();
    this.acts.forget();
    this.key = null;
    this.listening.abort();
    this.observer.disconnect();
    for (const part of [this.walk, this.levels, this.slider, this.live, this.later, this.sheet, this.film]) part.close();
    for (const { surface } of this.panes) surface.close();
  }
}

/**
 * @typedef {object} ShapesData  (shapes.py)
 * @property {string} space @property {string | null} a @property {string | null} b @property {string | null} instance  Ids.
 * @property {number} gamma @property {number} level @property {number} resolution  Nodes an axis.
 * @property {string} shape @property {string | null} camera @property {boolean} [brief]  Slider, two meshes, filmstrip.
 * @property {import("./contact_sheet.js").Placed[]} placed @property {Record<string, [string, string]>} captions
 * @property {Record<string, string>} formats  Export format -> words.
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {ShapesData} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setTriggerValue  Tells Python what was done, once.
 * @returns {() => void}  The clean-up.
 */
export default function ({ parentElement, data, setTriggerValue }) {
  return mount(
    parentElement,
    () => new Shapes(parentElement.querySelector(".sh")),
    (view) => view.update(data, (values) => setTriggerValue("act", values)),
    import.meta.url,
  );
}
