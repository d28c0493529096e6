// Grids of kernels, original, reconstructed and their difference, on one colour scale (paper, fig. 6): pointing at a kernel in
// one marks it in all and reads its values. A view is the NernView that holds it.

import { paintBytes } from "./colours.js";
import { saveCsv } from "./csv.js";
import { saveBlob } from "./downloads.js";
import { SHOW } from "./nern_words.js";

const GRIDS = ["original", "reconstructed", "difference"];
const STRIP = 6; // filters on Home
const SCALE_CELLS = 12; // pixels of a picture to take away per value

/** @typedef {{name: string, filters: number, channels: number, size: number[]}} Layer  (nern_view.py) */
export class NernKernels {
  /** @param {any} view  The NernView that holds it. */
  constructor(view) {
    this.view = view;
    this.find = view.find;
    this.canvases = Object.fromEntries(GRIDS.map((name) => [name, view.root.querySelector(`canvas[data-grid="${name}"]`)]));
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal: view.listening.signal });
    on(this.find("layer"), "change", () => this.choose({ layer: this.find("layer").value, filter: 0, channel: 0 }));
    on(this.find("order"), "change", () => this.choose({ order: this.find("order").value }));
    on(this.find("window"), "change", () => this.choose({ window: Number(this.find("window").value) }));
    for (const name of ["filter", "channel"]) {
      on(this.find(name), "input", () => this.choose({ [name]: Number(this.find(name).value) }, false));
      on(this.find(name), "change", () => this.tell());
    }
    for (const button of view.root.querySelectorAll("[data-save-kernels]"))
      on(button, "click", () => this.save(button.dataset.saveKernels));
    for (const canvas of Object.values(this.canvases)) {
      on(canvas, "pointermove", (event) => this.point(this.at(canvas, event)));
      on(canvas, "pointerleave", () => this.point(null));
      on(canvas, "keydown", (event) => this.key(event));
    }
  }

  start(data) {
    this.layers = data.layers;
    this.found = null;
    this.chosen = null;
    const names = data.layers.map((layer) => layer.name);
    const layer = names.includes(data.layer) ? data.layer : names[Math.min(1, names.length - 1)];
    this.state = { layer, filter: data.filter, channel: data.channel, window: data.window, order: data.order };
    const words = ({ name, filters, channels, size }) => `${name}  ${[filters, channels, ...size].join("×")}`;
    this.find("layer").replaceChildren(...data.layers.map((layer) => new Option(words(layer), layer.name)));
    this.arrange();
    this.load();
  }

  get layer() {
    return this.layers.find((layer) => layer.name === this.state.layer);
  }

  choose(change, tell = true) {
    Object.assign(this.state, change);
    this.chosen = null;
    this.arrange();
    this.load();
    if ("layer" in change) this.view.panels.layer();
    if (tell) this.tell();
  }

  tell() {
    this.view.act(this.state);
  }

  // The controls say what there is to choose.
  arrange() {
    const { state, layer } = this;
    if (!layer) return; // on Home, where the first answer tells which is shown
    for (const [name, count] of [
      ["filter", layer.filters],
      ["channel", layer.channels],
    ]) {
      const last = Math.max(0, count - state.window);
      state[name] = Math.max(0, Math.min(last, state[name]));
      Object.assign(this.find(name), { max: last, disabled: last === 0 });
      this.find(name).value = state[name];
      this.find(`${name}-of`).textContent = `${state[name]}–${Math.min(count, state[name] + state.window) - 1}`;
    }
    for (const name of ["layer", "order", "window"]) this.find(name).value = String(state[name]);
  }

  async load() {
    const { layer, filter, order, window } = this.state;
    const socket = order === "none" ? this.view.live : this.view.later;
    const answer = await this.view.ask(
      "kernels",
      SHOW,
      { op: "nern_kernels", ...this.view.subject(), layer, first: filter, count: this.view.data.brief ? STRIP : window, order },
      socket,
    );
    if (!answer || answer.header.layer !== (this.state.layer ?? answer.header.layer) || answer.header.order !== this.state.order) return;
    const { header } = answer;
    this.state.layer = header.layer;
    this.found = { header, original: answer.array("original"), index: answer.array("index") };
    if (header.reconstructed) {
      this.found.reconstructed = answer.array("reconstructed");
      this.found.difference = this.found.reconstructed.map((value, at) => value - this.found.original[at]);
    }
    this.paint();
    if (this.chosen) this.point(this.chosen);
  }

  // What is shown: rows of filters, columns of channels, `high` x `wide` values each, a cell between them.
  shown() {
    const { header } = this.found, { channels, size: [high, wide] } = header;
    const rows = header.original.shape[0], cols = Math.min(channels, this.state.window);
    return { rows, cols, high, wide, channels, first: Math.min(this.state.channel, channels - cols), down: high + 1, across: wide + 1 };
  }

  paint() {
    if (!this.found) return;
    const { rows, cols, high, wide, channels, first, down, across } = this.shown(), { high: limit } = this.found.header;
    const [height, width] = [rows * down - 1, cols * across - 1];
    for (const name of GRIDS) {
      const values = this.found[name],
        canvas = this.canvases[name];
      if (!values) continue;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      const image = new ImageData(width, height), words = new Uint32Array(image.data.buffer);
      for (let row = 0; row < rows; row++) for (let col = 0; col < cols; col++) {
        const from = (row * channels + first + col) * high * wide;
        for (let y = 0; y < high; y++) for (let x = 0; x < wide; x++) {
          const shade = Math.max(0, Math.min(255, Math.round((values[from + y * wide + x] / limit + 1) * 127.5)));
          words[(row * down + y) * width + col * across + x] = this.view.table[shade];
        }
      }
      const pen = canvas.getContext("2d");
      pen.putImageData(image, 0, 0);
      for (const what of ["layer", "first", "order", "prune"]) canvas.dataset[what] = this.found.header[what];
      if (this.chosen && this.chosen.row < rows && this.chosen.col < cols) this.mark(canvas);
    }
    paintBytes(this.find("legend"), Uint8Array.from({ length: 256 }, (_, at) => at), 1, 256, this.view.table);
    this.find("low").textContent = `\u2212${limit.toFixed(3)}`;
    this.find("high").textContent = limit.toFixed(3);
  }

  // A frame in the gap around the kernel.
  mark(canvas) {
    const { high, wide, down, across } = this.shown();
    const pen = canvas.getContext("2d"), x = this.chosen.col * across - 1, y = this.chosen.row * down - 1;
    pen.fillStyle = getComputedStyle(this.view.root).getPropertyValue("--ip-accent").trim() || "#888";
    const [right, bottom] = [x + wide + 1, y + high + 1];
    const sides = [[x, y, wide + 2, 1], [x, bottom, wide + 2, 1], [x, y, 1, high + 2], [right, y, 1, high + 2]];
    for (const [left, top, width, height] of sides) pen.fillRect(left, top, width, height);
  }

  at(canvas, event) {
    if (!this.found) return null;
    const { rows, cols, down, across } = this.shown(), box = canvas.getBoundingClientRect();
    const col = Math.floor(((event.clientX - box.left) / box.width) * canvas.width / across);
    const row = Math.floor(((event.clientY - box.top) / box.height) * canvas.height / down);
    return row >= 0 && row < rows && col >= 0 && col < cols ? { row, col } : null;
  }

  key(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (!(event.key in moves) || !this.found) return;
    event.preventDefault();
    const { rows, cols } = this.shown(),
      { row, col } = this.chosen ?? { row: 0, col: -1 },
      [down, right] = moves[event.key];
    this.point({ row: Math.max(0, Math.min(rows - 1, row + down)), col: Math.max(0, Math.min(cols - 1, col + right)) });
  }

  point(place) {
    this.chosen = place;
    this.paint();
    const card = this.find("card");
    if (!place) return card.replaceChildren("Point at a kernel to read its values.");
    const { channels, first, high, wide } = this.shown(), slot = place.row * channels + first + place.col, count = high * wide;
    const number = this.found.index[slot];
    const title = document.createElement("span");
    title.append(
      Object.assign(document.createElement("b"), {
        textContent: `filter ${Math.floor(number / channels)}, channel ${number % channels}`,
      }),
    );
    card.replaceChildren(title);
    for (const name of GRIDS) {
      if (!this.found[name]) continue;
      const values = this.found[name].subarray(slot * count, (slot + 1) * count);
      const shown = (value) => value.toFixed(3).replace("-", "\u2212").padStart(6);
      const lines = Array.from({ length: high }, (_, y) => Array.from(values.subarray(y * wide, (y + 1) * wide), shown).join(" "));
      card.append(Object.assign(document.createElement("pre"), { textContent: lines.join("\n"), title: name }));
    }
  }

  save(kind) {
    if (!this.found) return;
    const name = `${this.view.data.nern ?? this.view.data.original}-${this.found.header.layer}-kernels`;
    if (kind === "csv") {
      const { header } = this.found, count = header.size[0] * header.size[1];
      const rows = [["filter", "channel", "place", "original", "reconstructed"]];
      this.found.original.forEach((value, at) => {
        const number = this.found.index[Math.floor(at / count)];
        rows.push([Math.floor(number / header.channels), number % header.channels, at % count, value, this.found.reconstructed?.[at]]);
      });
      return saveCsv(rows, name);
    }
    const shown = GRIDS.filter((grid) => this.found[grid]).map((grid) => this.canvases[grid]),
      gap = 4;
    const picture = document.createElement("canvas"),
      pen = picture.getContext("2d");
    picture.width = (shown[0].width * shown.length + gap * (shown.length - 1)) * SCALE_CELLS;
    picture.height = shown[0].height * SCALE_CELLS;
    pen.imageSmoothingEnabled = false;
    shown.forEach((canvas, at) =>
      pen.drawImage(canvas, at * (canvas.width + gap) * SCALE_CELLS, 0, canvas.width * SCALE_CELLS, canvas.height * SCALE_CELLS),
    );
    picture.toBlob((blob) => saveBlob(blob, `${name}.png`));
  }
}
