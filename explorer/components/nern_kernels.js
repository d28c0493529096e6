// Grids of kernels, original, reconstructed and their difference, on one colour scale (paper, fig. 6): pointing at a kernel in
// one marks it in all and reads its values. A view is the NernView that holds it.

const GRIDS = ["original", "reconstructed", "difference"];
const SCALE_CELLS = 12; // pixels of a picture to take away per value

class NernKernels {
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
    for (const button of view.root.querySelectorAll("[data-save-kernels]")) on(button, "click", () => this.save(button.dataset.saveKernels));
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
    this.state = { layer: names.includes(data.layer) ? data.layer : names[Math.min(1, names.length - 1)], filter: data.filter, channel: data.channel, window: data.window, order: data.order };
    this.find("layer").replaceChildren(...data.layers.map((layer) => new Option(`${layer.name}  ${layer.filters}×${layer.channels}×${layer.size}×${layer.size}`, layer.name)));
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
    for (const [name, count] of [["filter", layer.filters], ["channel", layer.channels]]) {
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
    const answer = await this.view.ask("kernels", SHOW, { op: "nern_kernels", ...this.view.subject(), layer, first: filter, count: window, order }, socket);
    if (!answer || answer.header.layer !== this.state.layer || answer.header.order !== this.state.order) return;
    const { header } = answer;
    this.found = { header, original: answer.array("original"), index: answer.array("index") };
    if (header.reconstructed) {
      this.found.reconstructed = answer.array("reconstructed");
      this.found.difference = this.found.reconstructed.map((value, at) => value - this.found.original[at]);
    }
    this.paint();
    if (this.chosen) this.point(this.chosen);
  }

  // What is shown: rows of filters, columns of channels, `size` x `size` values each.
  shown() {
    const { header } = this.found, { size, channels } = header;
    const rows = header.original.shape[0], cols = Math.min(channels, this.state.window);
    return { rows, cols, size, channels, first: Math.min(this.state.channel, channels - cols), step: size + 1 };
  }

  paint() {
    if (!this.found) return;
    const { rows, cols, size, channels, first, step } = this.shown(), { high } = this.found.header;
    const [height, width] = [rows * step - 1, cols * step - 1], square = size * size;
    for (const name of GRIDS) {
      const values = this.found[name], canvas = this.canvases[name];
      if (!values) continue;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      const image = new ImageData(width, height), words = new Uint32Array(image.data.buffer);
      for (let row = 0; row < rows; row++) for (let col = 0; col < cols; col++) {
        const from = (row * channels + first + col) * square;
        for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
          const shade = Math.max(0, Math.min(255, Math.round((values[from + y * size + x] / high + 1) * 127.5)));
          words[(row * step + y) * width + col * step + x] = this.view.table[shade];
        }
      }
      const pen = canvas.getContext("2d");
      pen.putImageData(image, 0, 0);
      for (const what of ["layer", "first", "order", "prune"]) canvas.dataset[what] = this.found.header[what];
      if (this.chosen && this.chosen.row < rows && this.chosen.col < cols) this.mark(canvas, step, size);
    }
    paintBytes(this.find("legend"), Uint8Array.from({ length: 256 }, (_, at) => at), 1, 256, this.view.table);
    this.find("low").textContent = `\u2212${high.toFixed(3)}`;
    this.find("high").textContent = high.toFixed(3);
  }

  // A frame in the gap around the kernel.
  mark(canvas, step, size) {
    const pen = canvas.getContext("2d"), x = this.chosen.col * step - 1, y = this.chosen.row * step - 1;
    pen.fillStyle = getComputedStyle(this.view.root).getPropertyValue("--ip-accent").trim() || "#888";
    for (const [left, top, width, height] of [[x, y, size + 2, 1], [x, y + size + 1, size + 2, 1], [x, y, 1, size + 2], [x + size + 1, y, 1, size + 2]]) pen.fillRect(left, top, width, height);
  }

  at(canvas, event) {
    if (!this.found) return null;
    const { rows, cols, step } = this.shown(), box = canvas.getBoundingClientRect();
    const col = Math.floor(((event.clientX - box.left) / box.width) * canvas.width / step), row = Math.floor(((event.clientY - box.top) / box.height) * canvas.height / step);
    return row >= 0 && row < rows && col >= 0 && col < cols ? { row, col } : null;
  }

  key(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (!(event.key in moves) || !this.found) return;
    event.preventDefault();
    const { rows, cols } = this.shown(), { row, col } = this.chosen ?? { row: 0, col: -1 }, [down, right] = moves[event.key];
    this.point({ row: Math.max(0, Math.min(rows - 1, row + down)), col: Math.max(0, Math.min(cols - 1, col + right)) });
  }

  point(place) {
    this.chosen = place;
    this.paint();
    const card = this.find("card");
    if (!place) return card.replaceChildren("Point at a kernel to read its values.");
    const { channels, first, size } = this.shown(), slot = place.row * channels + first + place.col, square = size * size;
    const number = this.found.index[slot];
    const title = document.createElement("span");
    title.append(Object.assign(document.createElement("b"), { textContent: `filter ${Math.floor(number / channels)}, channel ${number % channels}` }));
    card.replaceChildren(title);
    for (const name of GRIDS) {
      if (!this.found[name]) continue;
      const values = this.found[name].subarray(slot * square, (slot + 1) * square);
      const lines = Array.from({ length: size }, (_, y) => Array.from(values.subarray(y * size, (y + 1) * size), (value) => value.toFixed(3).replace("-", "\u2212").padStart(6)).join(" "));
      card.append(Object.assign(document.createElement("pre"), { textContent: lines.join("\n"), title: name }));
    }
  }

  save(kind) {
    if (!this.found) return;
    const name = `${this.view.data.nern ?? this.view.data.original}-${this.found.header.layer}-kernels`;
    if (kind === "csv") {
      const { header } = this.found, square = header.size ** 2, rows = [["filter", "channel", "place", "original", "reconstructed"]];
      this.found.original.forEach((value, at) => {
        const number = this.found.index[Math.floor(at / square)];
        rows.push([Math.floor(number / header.channels), number % header.channels, at % square, value, this.found.reconstructed?.[at]]);
      });
      return saveCsv(rows, name);
    }
    const shown = GRIDS.filter((grid) => this.found[grid]).map((grid) => this.canvases[grid]), gap = 4;
    const picture = document.createElement("canvas"), pen = picture.getContext("2d");
    picture.width = (shown[0].width * shown.length + gap * (shown.length - 1)) * SCALE_CELLS;
    picture.height = shown[0].height * SCALE_CELLS;
    pen.imageSmoothingEnabled = false;
    shown.forEach((canvas, at) => pen.drawImage(canvas, at * (canvas.width + gap) * SCALE_CELLS, 0, canvas.width * SCALE_CELLS, canvas.height * SCALE_CELLS));
    picture.toBlob((blob) => download(blob, `${name}.png`));
  }
}

function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
