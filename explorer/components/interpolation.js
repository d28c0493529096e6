// The interpolation screen: one slider, and everything that answers it.

import { showCaption } from "./caption.js";
import { ClassBoard } from "./class_board.js";
import { ClassIds } from "./class_ids.js";
import { paintBytes, signedTable } from "./colours.js";
import { offer } from "./downloads.js";
import { fetchFrame } from "./frames.js";
import { GammaSlider } from "./gamma_slider.js";
import { rightOf } from "./live.js";
import { LiveView } from "./live_view.js";
import { mount } from "./mount.js";
import { PathCurve } from "./path_curve.js";
import { Walk } from "./walk.js";

const IMAGES_SHOWN = 40,
  FEW_SHOWN = 20; // on Home, twice
const IDLE_MS = 160; // so long after the last movement the rest is measured
const BASELINE_MS = 100; // while dragging, the weight path's figure at most so often
const CHUNK = 4; // gammas of one curve question: short, so that a drag is never held up
const DRAW_MS = 200; // the growing curve is drawn at most so often
const CURVE_POINTS = 40; // steps over 0..1, divisible by 8
const WANT = ["accuracy", "per_class", "answers", "prep"];
const BASELINES = ["aligned", "weights"]; // the networks' own weights mixed: B's units in A's order, and as they are
const STEP = 3,
  ONCE = 2,
  BASELINE = 1,
  CURVE = 0; // priorities

const percent = (share) => `${(100 * share).toFixed(1)}\u202f%`;
const range = (figure) => `${(100 * figure.low).toFixed(1)} to ${percent(figure.high)}`;

// Gammas coarse to fine: 0, 1/8, .., 1 first, then those between.
function curveOrder(architectures) {
  const between = Array.from({ length: Math.max(0, architectures - 2) }, (_, i) => (i + 1) / (architectures - 1)); // eq. 12
  const order = new Set([0, 1, ...between]);
  for (const stride of [8, 4, 2, 1]) for (let at = 0; at <= CURVE_POINTS; at += stride) order.add(at / CURVE_POINTS);
  return [...order];
}

class Interpolation extends LiveView {
  constructor(root) {
    super(root, "ip");
    this.value = root.querySelector('[data-testid="live-accuracy"]');
    this.preps = { a: this.canvas("prep-target"), here: this.canvas("prep-predicted"), b: this.canvas("prep-target-b") };
    this.bytes = {};
    this.classes = new ClassIds(this.find("network"));
    this.pending = []; // gammas on their way to Python and back
    this.slider = new GammaSlider(
      root.querySelector(".ip-slider"),
      (gamma, stamp) => this.input(gamma, stamp),
      (gamma) => this.commit(gamma),
    );
    this.walk = new Walk(root.querySelector(".ip-gamma"), this.slider, () => this.filmed());
    this.curve = new PathCurve(
      root.querySelector(".ip-curve"),
      (error) => this.fail(error),
      (gamma, stamp) => this.slider.go(gamma, stamp),
    );
    this.find("way").addEventListener("change", () => {
      this.align();
      this.sent = this.find("way").value; // until Python has it, what it says is older
      this.setStateValue("way", this.sent);
    });
  }

  canvas(name) {
    return this.root.querySelector(`canvas[data-testid="${name}"]`);
  }

  // New data from Python, or another theme.
  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    const old = this.data;
    this.data = data;
    this.table = signedTable(this.root);
    paintBytes(
      this.find("legend"),
      Uint8Array.from({ length: 256 }, (_, at) => at),
      1,
      256,
      this.table,
    );
    for (const [name, caption] of Object.entries(data.captions)) showCaption(this.find(`caption-${name}`), caption);
    offer(this.find("download"), data.formats);
    const way = this.find("way");
    if (!way.length) way.append(...Object.entries(data.ways).map(([value, words]) => new Option(words, value)));
    way.hidden = !data.mixes;
    if (this.sent === data.way) this.sent = undefined;
    const other = this.sent === undefined && way.value !== data.way; // from elsewhere: back, a link
    if (other) way.value = data.way;
    this.root.classList.toggle("brief", Boolean(data.brief));
    const key = [data.space, data.a, data.b, data.images].join("\n");
    if (key !== this.key) {
      this.key = key;
      this.pending = [];
      this.start(old?.space !== data.space || old?.images !== data.images);
    } else {
      this.paintPreps();
      if (other) this.align();
      if (this.curve.drawn) this.curve.draw();
      this.adopt(data.gamma);
    }
  }

  // A gamma from the page: an echo of what was committed here changes nothing, one from elsewhere (back, a link) moves the thumb.
  adopt(gamma) {
    const echo = this.pending.indexOf(gamma);
    if (echo >= 0) this.pending.splice(0, echo + 1);
    else if (!this.pending.length && !this.slider.busy() && gamma !== this.slider.gamma) {
      this.slider.place(gamma);
      this.input(gamma);
    }
  }

  filmed() {
    const { space, a, b, way, mixes } = this.data;
    return { space, query: { a, b, ...(mixes && { way: this.find("way").value || way }) } };
  }

  start(otherSpace) {
    const { data } = this;
    this.walk.reset();
    for (const slot of ["step", ...BASELINES, "curve", "a", "b", "decoded-a", "decoded-b"]) this.live.drop(slot);
    for (const end of ["a", "b"]) {
      this.find(`name-${end}`).textContent = data[end];
      this.find(`origin-${end}`).textContent = data.origins[end];
      this.find(`figure-${end}`).textContent = data.images ? "–" : data.stored[end];
      this.find(`predicted-${end}`).textContent = data.images ? "–" : data.predicted[end];
    }
    for (const path of BASELINES) this.find(path).textContent = data.mixes ? "–" : "impossible";
    this.classes.reset(data.architectures);
    this.outside = { ...data.outside }; // of the anchors; where Python does not say it, their answers do
    this.far(null);
    delete this.value.dataset.gamma;
    delete this.root.dataset.curve;
    this.root.classList.add("waiting");
    this.root.classList.toggle("unmeasured", !data.images);
    this.bytes = {};
    const curve = (path) =>
      data.images && !data.brief && (path === "embedding" || data.mixes) ? curveOrder(data.architectures.length) : [];
    this.order = Object.fromEntries(["embedding", ...BASELINES].map((path) => [path, curve(path)]));
    this.curve.reset(`${data.space}-${data.a}-${data.b}`, data.architectures);
    if (otherSpace) this.loadImages();
    this.slider.place(data.gamma);
    this.input(this.slider.gamma);
    for (const [end, gamma] of [
      ["a", 0],
      ["b", 1],
    ])
      this.target(end, gamma);
  }

  // Without images a network is decoded alone: its PRep and its architecture.
  question(gamma, path, want, more) {
    const { space, a, b, images } = this.data;
    const asked = { op: "step", space, a, b, gamma, path: path === "aligned" ? this.find("way").value : path, want, ...more };
    return images ? asked : { ...asked, want: want.filter((each) => each === "prep"), images: "none" };
  }

  // An anchor itself, the weight path at its end: its PRep in this pair's colours, its accuracy, and that of the network decoded for it.
  async target(end, gamma) {
    const answer = await this.ask(end, ONCE, this.question(gamma, "weights", ["prep"]));
    if (!answer) return;
    this.bytes[end] = answer.array("prep");
    this.paintPrep(end);
    const { images, outside } = this.data;
    if (images) {
      const { n, total } = answer.header.accuracy;
      const whole = n < total ? await this.ask(end, CURVE, this.question(gamma, "weights", [], { images: "all" })) : answer;
      if (whole) this.find(`figure-${end}`).textContent = percent(whole.header.accuracy.value);
    }
    if (!images && outside) return;
    const decoded = await this.ask(`decoded-${end}`, CURVE, this.question(gamma, "embedding", [], { images: "all" }));
    if (!decoded) return;
    if (images) this.find(`predicted-${end}`).textContent = percent(decoded.header.accuracy.value);
    if (outside) return;
    this.outside[end] = Boolean(decoded.header.outside?.outside);
    this.far(this.beyond);
  }

  async input(gamma, stamp) {
    this.touched = performance.now();
    this.find("gamma").textContent = gamma.toFixed(3);
    this.curve.move(gamma);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.idle();
    }, IDLE_MS);
    const answer = await this.ask("step", STEP, this.question(gamma, "embedding", WANT));
    if (!answer) return;
    this.paint(answer);
    if (stamp) this.painted(stamp);
    if (!this.timer)
      this.idle(); // the answer came after the rest was due
    else if (this.touched - (this.compared ?? 0) > BASELINE_MS) this.baseline();
  }

  // The weights mixed at the gamma of the last figure, aligned and as they are; `more`: on how many images.
  async baseline(more = {}) {
    if (!this.data.mixes || !this.data.images) return; // weights of two architectures; nothing to measure with
    this.compared = performance.now();
    const gamma = Number(this.value.dataset.gamma);
    await Promise.all(
      BASELINES.map(async (path) => {
        const beside = path === "weights" && this.mixed ? ["per_class", "answers"] : [];
        const answer = await this.ask(path, BASELINE, this.question(gamma, path, beside, more));
        if (!answer) return;
        if (beside.length && this.mixed) this.mixed.paint(answer.array("answers"), answer.header.per_class);
        this.find(path).textContent = percent(answer.header.accuracy.value);
        this.curve.measured(path, answer.header.gamma, answer.header.accuracy.value);
      }),
    );
  }

  // Aligned in another way: that figure and that curve begin again.
  align() {
    this.live.drop("aligned");
    const { mixes, images } = this.data;
    if (!mixes || !images || !("gamma" in this.value.dataset)) return; // before the first figure nothing was asked
    this.find("aligned").textContent = "–";
    this.curve.forget("aligned");
    this.order.aligned = curveOrder(this.data.architectures.length);
    delete this.root.dataset.curve;
    this.baseline({ images: "all" }).then(() => this.fill());
  }

  // The thumb rests: measure on the whole split, compare, fill in the curve.
  async idle() {
    if (!this.data.images || this.value.dataset.gamma !== String(this.slider.gamma)) return; // its answer calls again
    if (this.value.dataset.images !== this.value.dataset.total) {
      const answer = await this.ask("step", STEP, this.question(this.slider.gamma, "embedding", WANT, { images: "all" }));
      if (answer) this.paint(answer);
    }
    await this.baseline({ images: "all" });
    this.fill();
  }

  // Chunk by chunk while the thumb rests; a movement ends it, and the next rest goes on where it stopped.
  async fill() {
    if (this.filling || this.data.brief) return;
    this.filling = true;
    let drawn = 0;
    const paths = Object.keys(this.order);
    for (let turn = 0; !this.timer && this.missing(); turn++) {
      const path = paths[turn % paths.length];
      const left = this.order[path];
      const gammas = left.slice(0, CHUNK);
      if (!gammas.length) continue;
      const answer = await this.ask("curve", CURVE, { ...this.question(0, path), op: "curve", gammas });
      if (left !== this.order[path]) continue; // of other anchors, or aligned in another way
      if (!answer) break;
      left.splice(0, gammas.length);
      this.curve.add(path, answer.header.points, answer.header);
      if (performance.now() - drawn < DRAW_MS || this.slider.dragging) continue;
      await this.curve.draw();
      drawn = performance.now();
    }
    this.filling = false;
    if (this.slider.dragging || !this.key) return;
    await this.curve.draw();
    if (!this.missing()) this.root.dataset.curve = "done";
  }

  missing() {
    return this.key && Object.values(this.order).some((gammas) => gammas.length);
  }

  paint({ header, array }) {
    const { accuracy, gamma } = header;
    if (accuracy) this.figures(accuracy, gamma);
    else {
      this.value.textContent = "not measured";
      Object.assign(this.value.dataset, { gamma: String(gamma), images: 0, total: 0 });
      this.slider.say(`gamma ${gamma.toFixed(3)}, not measured`);
    }
    this.classes.paint(header.network);
    this.scale = header.prep;
    this.far(header.outside);
    for (const [end, value] of [
      ["low", header.prep.vmin],
      ["high", header.prep.vmax],
    ])
      this.find(end).textContent = value.toFixed(2).replace("-", "\u2212");
    this.bytes.here = array("prep");
    this.paintPrep("here");
    if (accuracy) {
      this.answers = array("answers");
      this.perClass = header.per_class;
      this.board?.paint(this.answers, this.perClass);
    }
    const { space, a, b } = this.data;
    const base = `api/spaces/${encodeURIComponent(space)}/network`;
    offer(this.find("download"), this.data.formats, (format) => `${base}?${new URLSearchParams({ a, b, gamma, format })}`);
    this.root.classList.remove("waiting");
  }

  // What of all this lies outside the zoo; one line, kept free where it is empty.
  far(here) {
    this.beyond = here;
    const { a, b } = this.outside,
      line = this.find("far");
    const which = [a && "anchor A", here?.outside && "the network here", b && "anchor B"].filter(Boolean).join(", ");
    line.textContent = which && `Outside the zoo: ${which}.`;
    line.title = here?.words ?? "";
  }

  figures(accuracy, gamma) {
    this.value.textContent = percent(accuracy.value);
    Object.assign(this.value.dataset, { gamma: String(gamma), images: accuracy.n, total: accuracy.total, value: accuracy.value });
    this.find("interval").textContent = range(accuracy);
    this.find("right").textContent = rightOf(accuracy);
    const bar = this.find("bar").style;
    bar.setProperty("--low", accuracy.low);
    bar.setProperty("--high", accuracy.high);
    bar.setProperty("--value", accuracy.value);
    this.slider.say(`gamma ${gamma.toFixed(3)}, accuracy ${percent(accuracy.value)}`);
    this.curve.measured("embedding", gamma, accuracy.value);
  }

  paintPrep(which) {
    if (!this.bytes[which] || !this.scale) return;
    paintBytes(this.preps[which], this.bytes[which], this.scale.rows, this.scale.cols, this.table);
  }

  paintPreps() {
    for (const which of ["a", "here", "b"]) this.paintPrep(which);
  }

  async loadImages() {
    const { space } = this.data;
    this.board?.close();
    this.mixed?.close();
    this.board = this.mixed = null;
    if (!this.data.images) return;
    try {
      const answer = await fetchFrame(`api/spaces/${encodeURIComponent(space)}/images?split=test`);
      if (space !== this.data.space) return;
      const { brief, mixes } = this.data;
      this.board = new ClassBoard(this.find("classes"), answer, brief ? FEW_SHOWN : IMAGES_SHOWN);
      if (brief && mixes) this.mixed = new ClassBoard(this.find("classes-weights"), answer, FEW_SHOWN);
      if (this.answers) this.board.paint(this.answers, this.perClass);
      if (this.mixed && "gamma" in this.value.dataset) this.baseline({ images: "all" }); // measured before its board was there
    } catch (error) {
      this.fail(error);
    }
  }

  commit(gamma) {
    this.pending.push(gamma);
    this.setStateValue("gamma", { space: this.data.space, a: this.data.a, b: this.data.b, gamma, at: Date.now() });
  }

  close() {
    clearTimeout(this.timer);
    this.key = null;
    this.walk.close();
    this.slider.close();
    this.curve.close();
    this.live.close();
  }
}

/**
 * @typedef {object} Line  (interpolation.py)
 * @property {string} space @property {string} a @property {string} b  Ids of the space and of the anchors.
 * @property {number} gamma
 * @property {Record<string, [string, string]>} captions  "curve", "classes", "preps".
 * @property {Record<string, string>} formats  Export format -> words.
 * @property {boolean} images  Whether accuracies can be measured.
 * @property {Record<"a" | "b", string>} stored @property {Record<"a" | "b", string>} predicted  Accuracies in words.
 * @property {Record<"a" | "b", string>} origins @property {Record<"a" | "b", boolean> | null} outside
 * @property {import("./class_ids.js").Architecture[]} architectures
 * @property {boolean} mixes  Whether the anchors' weights can be mixed. @property {Record<string, string>} ways  Path -> how B is aligned
 *   to A, in words. @property {string} way  One of them.
 * @property {boolean} brief  Slider, figures and images alone.
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {Line} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setStateValue  Tells Python what is selected.
 * @returns {() => void}  The clean-up.
 */
export default function ({ parentElement, data, setStateValue }) {
  return mount(
    parentElement,
    () => new Interpolation(parentElement.querySelector(".ip")),
    (view) => view.update(data, setStateValue),
    import.meta.url,
  );
}
