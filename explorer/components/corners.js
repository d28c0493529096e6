// The four-corner pad. While the thumb rests the square fills in: each cell takes the colour of the
// architecture that lives in its middle, the stronger the more accurate it is.

import { ClassIds } from "./class_ids.js";
import { Live, rightOf } from "./live.js";
import { mount } from "./mount.js";

const CELLS = 13; // cells of a side
const REST_MS = 250; // so long after the last movement the square fills in
const HERE = 2,
  FIELD = 0; // priorities
const share = (value) => `${(100 * value).toFixed(1)}\u202f%`;

class CornerPad {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-cp="${name}"]`);
    this.classes = new ClassIds(this.find("network"));
    this.square = this.find("square");
    this.thumb = this.find("thumb");
    this.live = new Live((state, reason) => {
      this.find("error").textContent = state === "lost" ? reason || "reconnecting" : "";
    });
    this.listening = new AbortController();
    const on = (type, handler) => this.square.addEventListener(type, handler, { signal: this.listening.signal });
    on("pointerdown", (event) => {
      this.dragging = true;
      this.square.setPointerCapture(event.pointerId);
      this.square.classList.add("dragging");
      this.thumb.focus({ preventScroll: true });
      this.follow(event);
      event.preventDefault();
    });
    on("pointermove", (event) => {
      if (this.dragging) this.follow(event);
    });
    for (const type of ["pointerup", "pointercancel"]) on(type, () => this.release());
    on("keydown", (event) => this.key(event));
  }

  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    const key = [data.space, ...data.corners].join("\n");
    this.data = data;
    if (key !== this.known) {
      this.known = key;
      this.field = [];
      this.order = cellOrder();
      this.classes.reset(data.architectures);
      this.square.querySelectorAll(".cp-corner").forEach((label) => label.remove());
      data.corners.forEach((id, i) => this.label(id, data.kinds[i], i));
      this.root.classList.add("waiting");
      this.place(data.x, data.y);
    } else if (!this.dragging && !this.sent) this.place(data.x, data.y);
    this.sent = false;
    this.paintField();
  }

  label(id, kind, i) {
    const label = document.createElement("div");
    label.className = "cp-corner";
    label.style[i % 2 ? "right" : "left"] = "4px";
    label.style[i < 2 ? "bottom" : "top"] = "4px";
    label.textContent = id;
    label.title = `${id}, ${kind}`;
    this.square.append(label);
  }

  follow(event) {
    const box = this.square.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    this.place(within((event.clientX - box.left) / box.width), within(1 - (event.clientY - box.top) / box.height));
  }

  key(event) {
    const step = event.shiftKey ? 0.1 : 0.02;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [dx, dy] = moves[event.key];
    this.place(Math.min(1, Math.max(0, this.x + dx)), Math.min(1, Math.max(0, this.y + dy)));
    clearTimeout(this.committing);
    this.committing = setTimeout(() => this.commit(), 400);
  }

  release() {
    if (!this.dragging) return;
    this.dragging = false;
    this.square.classList.remove("dragging");
    this.commit();
  }

  commit() {
    this.sent = true;
    this.setStateValue("place", { space: this.data.space, x: this.x, y: this.y, at: Date.now() });
  }

  async place(x, y) {
    [this.x, this.y] = [Math.round(x * 1000) / 1000, Math.round(y * 1000) / 1000];
    this.thumb.style.left = `${100 * this.x}%`;
    this.thumb.style.top = `${100 * (1 - this.y)}%`;
    for (const name of ["x", "y"]) this.find(name).textContent = this[name].toFixed(3);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.fill();
    }, REST_MS);
    const answer = await this.ask("here", this.x, this.y, HERE);
    if (answer) this.paint(answer.header);
  }

  async ask(slot, x, y, priority) {
    const { space, corners } = this.data,
      known = this.known;
    try {
      const answer = await this.live.ask(
        slot,
        { op: "corner", space, corners, x, y, ...(this.data.images ? {} : { images: "none" }) },
        priority,
      );
      return known === this.known ? answer : null;
    } catch (error) {
      this.find("error").textContent = error.message;
      return null;
    }
  }

  paint({ accuracy, network, x, y }) {
    const value = this.find("value");
    const words = accuracy ? share(accuracy.value) : "no images";
    value.textContent = words;
    Object.assign(value.dataset, { x, y, images: accuracy?.n ?? 0, value: accuracy?.value ?? "", architecture: network.id });
    this.find("interval").textContent = accuracy ? `${(100 * accuracy.low).toFixed(1)} to ${share(accuracy.high)}` : "–";
    this.find("right").textContent = accuracy ? rightOf(accuracy) : "–";
    this.thumb.setAttribute("aria-valuetext", `x ${x.toFixed(3)}, y ${y.toFixed(3)}: ${network.family}, accuracy ${words}`);
    this.thumb.setAttribute("aria-valuenow", x);
    this.classes.paint(network);
    this.root.classList.remove("waiting");
  }

  async fill() {
    if (this.filling) return;
    this.filling = true;
    while (!this.timer && !this.dragging && this.known && this.order.length) {
      const { order, field } = this;
      const { column, row, size } = order[0];
      const answer = await this.ask("field", (column + 0.5) / CELLS, (row + 0.5) / CELLS, FIELD);
      if (order !== this.order) continue;
      if (!answer) break;
      order.shift();
      field.push({ column, row, size, id: answer.header.network.id, value: answer.header.accuracy?.value ?? null });
      this.paintField();
    }
    this.filling = false;
    if (this.known && !this.order.length) this.square.dataset.field = "done";
  }

  paintField() {
    const canvas = this.find("field");
    [canvas.width, canvas.height] = [CELLS, CELLS];
    const pencil = canvas.getContext("2d");
    const colours = getComputedStyle(this.root).getPropertyValue("--st-chart-categorical-colors").split(",");
    for (const { column, row, size, id, value } of this.field) {
      const low = Math.floor(size / 2);
      const where = [column - low, CELLS - 1 - row - (size - 1 - low), size, size]; // a coarse cell stands for its surroundings
      pencil.clearRect(...where);
      pencil.globalAlpha = 0.12 + 0.73 * (value ?? 0.8) ** 3;
      pencil.fillStyle = colours[this.data.architectures.findIndex((each) => each.id === id) % colours.length].trim();
      pencil.fillRect(...where);
    }
    this.tally();
  }

  // Of the places that were measured so far: how many are of each architecture, and how well these do.
  tally() {
    const { field, data } = this,
      rows = [["", "of the square", "mean", "lowest"]];
    for (const { id, family } of data.architectures) {
      const own = field.filter((each) => each.id === id),
        values = own.map((each) => each.value).filter((value) => value != null),
        mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const figures = values.length ? [share(mean), share(Math.min(...values))] : ["–", "–"];
      rows.push([family, field.length ? share(own.length / field.length) : "–", ...figures]);
    }
    const cells = rows.flatMap((row, at) =>
      row.map((words) => Object.assign(document.createElement(at ? "span" : "small"), { textContent: words })),
    );
    this.find("found").replaceChildren(...cells);
    this.find("measured").textContent = `${field.length} of ${CELLS ** 2} places measured`;
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.committing);
    this.known = null;
    this.listening.abort();
    this.live.close();
  }
}

// All cells, coarse to fine, so that the square is seen as a whole soon.
function cellOrder() {
  const cells = new Map();
  for (const stride of [6, 3, 2, 1])
    for (let row = 0; row < CELLS; row += stride)
      for (let column = 0; column < CELLS; column += stride)
        if (!cells.has(`${column},${row}`)) cells.set(`${column},${row}`, { column, row, size: stride });
  return [...cells.values()];
}

/**
 * @typedef {object} Corners  (corners.py)
 * @property {string} space  Its id.
 * @property {string[]} corners  Ids of four instances.
 * @property {string[]} kinds  Their architectures.
 * @property {number} x @property {number} y  The thumb's place, 0 to 1.
 * @property {boolean} images  Whether accuracies can be measured.
 * @property {import("./class_ids.js").Architecture[]} architectures
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {Corners} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setStateValue  Tells Python what is selected.
 * @returns {() => void}  The clean-up.
 */
export default function ({ parentElement, data, setStateValue }) {
  return mount(
    parentElement,
    () => new CornerPad(parentElement.querySelector(".cp")),
    (pad) => pad.update(data, setStateValue),
    import.meta.url,
  );
}
