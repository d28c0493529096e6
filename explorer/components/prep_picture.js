// The PReps on their canvases: which cell lies where, and how it is painted. Legend as in prep_view.js.

import { signedRamp, signedStops } from "./colours.js";
import { NAMES } from "./prep_view.js";

/** The pictures; see PrepView for its fields. */
export class PrepPicture {
  // ---- geometry

  grid() {
    const { count, width, rows } = this.prep;
    if (this.form === "raw") return { cols: width, rows };
    const cols = Math.ceil(Math.sqrt(count * this.aspect[this.mode]));
    return { cols, rows: Math.ceil(count / cols) };
  }

  place(canvas) {
    // how cells lie on a canvas: pixels per cell and where cell (0, 0) is, in CSS pixels
    const { cols, rows } = this.grid(),
      { clientWidth: width, clientHeight: height } = canvas,
      { k } = this.zoom;
    const half = 0.5 / k;
    this.zoom.x = Math.min(1 - half, Math.max(half, this.zoom.x));
    this.zoom.y = Math.min(1 - half, Math.max(half, this.zoom.y));
    return {
      sx: (width / cols) * k,
      sy: (height / rows) * k,
      ox: width / 2 - this.zoom.x * width * k,
      oy: height / 2 - this.zoom.y * height * k,
      width,
      height,
      cols,
      rows,
    };
  }

  cellAt(event) {
    const box = event.currentTarget.getBoundingClientRect(),
      at = this.place(event.currentTarget);
    const col = Math.floor((event.clientX - box.left - at.ox) / at.sx),
      row = Math.floor((event.clientY - box.top - at.oy) / at.sy);
    const cell = row * at.cols + col;
    return col >= 0 && col < at.cols && row >= 0 && cell < this.prep.count ? cell : null;
  }

  arrange(change) {
    // another mode or form: stay at the same parameters
    const before = this.prep && this.grid();
    const centre = before && Math.floor(this.zoom.y * before.rows) * before.cols + Math.floor(this.zoom.x * before.cols);
    Object.assign(this, change);
    if (!before) return;
    const now = this.grid();
    if (this.zoom.k > 1)
      Object.assign(this.zoom, {
        x: ((centre % now.cols) + 0.5) / now.cols,
        y: (Math.floor(centre / now.cols) + 0.5) / now.rows,
      });
    this.colour();
    this.report();
  }

  zoomBy(factor, x = this.zoom.x, y = this.zoom.y) {
    // (x, y), in 0..1 of the whole picture, stays where it is on the screen
    const k = Math.min(64, Math.max(1, this.zoom.k * factor)),
      ratio = this.zoom.k / k;
    this.zoom = { k, x: x + (this.zoom.x - x) * ratio, y: y + (this.zoom.y - y) * ratio };
    this.draw();
    this.report();
  }

  report() {
    // tells Python which part is shown, once the hand rests
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const { cols, rows } = this.grid(),
        { k, x, y } = this.zoom,
        half = 0.5 / k;
      const box = [x - half, y - half, x + half, y + half].map((edge, i) => Math.round(edge * (i % 2 ? rows : cols) * 100) / 100);
      this.tell({ cols, box, whole: k === 1 });
    }, 500);
  }

  // ---- painting

  colour() {
    if (!this.prep) return;
    const style = getComputedStyle(this.root),
      read = (name) => style.getPropertyValue(`--st-${name}`).trim();
    this.look = {
      text: read("text-color"),
      accent: read("primary-color"),
      border: read("border-color"),
      back: read("background-color"),
    };
    const ramp = signedRamp(this.root);
    const { cols, rows } = this.grid(),
      { count, high } = this.prep;
    for (const { name, picture } of this.panels) {
      picture.width = cols;
      picture.height = rows;
      const image = new ImageData(cols, rows),
        values = this.prep[name];
      for (let cell = 0; cell < count; cell++) {
        const shade = Math.max(0, Math.min(255, Math.round((values[cell] / high + 1) * 127.5)));
        image.data.set(ramp[shade], 4 * cell);
        image.data[4 * cell + 3] = 255;
      }
      picture.getContext("2d").putImageData(image, 0, 0);
    }
    this.root.dataset.mode = this.mode;
    this.root.dataset.form = this.form;
    this.root.style.setProperty("--pv-ratio", this.form === "raw" ? "auto" : `${cols} / ${rows}`);
    this.find("ramp").style.background = `linear-gradient(90deg, ${signedStops(this.root).join(", ")})`;
    this.find("low").textContent = (-high).toFixed(3);
    this.find("high").textContent = `+${high.toFixed(3)}`;
    this.find("raw").textContent = `Raw ${this.prep.rows} × ${this.prep.width}`;
    this.find("wrapped").textContent = `Re-wrapped ${this.form === "wrapped" ? `${rows} × ${cols}` : ""}`.trim();
    for (const button of this.root.querySelectorAll('[data-do="view"], [data-do="form"]'))
      button.setAttribute(
        "aria-pressed",
        String(button.dataset.value === (button.dataset.do === "view" ? this.mode : this.form)),
      );
    for (const { name, figure } of this.panels)
      figure.hidden = this.mode === "difference" ? name !== "difference" : this.mode === "swipe" && name === "difference";
    this.find("divider").hidden = this.mode !== "swipe";
    this.slide(this.divider);
    this.draw();
  }

  draw() {
    if (!this.prep) return;
    const ratio = window.devicePixelRatio || 1;
    for (const { canvas, picture, figure } of this.panels) {
      if (figure.hidden || !canvas.clientWidth) continue;
      const at = this.place(canvas),
        pen = canvas.getContext("2d");
      const [width, height] = [Math.round(at.width * ratio), Math.round(at.height * ratio)];
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.fillStyle = this.look.back;
      pen.fillRect(0, 0, at.width, at.height);
      pen.imageSmoothingEnabled = false;
      pen.drawImage(picture, at.ox, at.oy, at.cols * at.sx, at.rows * at.sy);
      const shown = this.layer ?? (this.cell === null ? null : this.layerOf(this.cell));
      pen.strokeStyle = "#000";
      pen.lineWidth = 1;
      for (const layer of this.prep.layers) outline(pen, layer, at);
      if (shown) {
        pen.strokeStyle = this.look.back;
        pen.lineWidth = 5;
        outline(pen, shown, at);
        pen.strokeStyle = this.look.accent;
        pen.lineWidth = 3;
        outline(pen, shown, at);
      }
      if (this.cell !== null) {
        const x = at.ox + (this.cell % at.cols) * at.sx,
          y = at.oy + Math.floor(this.cell / at.cols) * at.sy;
        for (const [colour, line, grow] of [
          ["#000", 3, 1.5],
          ["#fff", 1.5, 1.5],
        ]) {
          pen.strokeStyle = colour;
          pen.lineWidth = line;
          pen.strokeRect(x - grow, y - grow, Math.max(at.sx, 3) + 2 * grow, Math.max(at.sy, 3) + 2 * grow);
        }
      }
    }
    this.root.dataset.zoom = this.zoom.k.toFixed(2);
    this.find("zoom").textContent = `${this.zoom.k < 10 ? this.zoom.k.toFixed(1) : Math.round(this.zoom.k)}×`;
  }

  layerOf(cell) {
    return this.prep.layers.find((layer) => cell >= layer.start && cell < layer.stop);
  }

  point(cell, canvas) {
    // show what a cell is, beside it
    this.cell = cell;
    const card = this.find("card");
    card.hidden = cell === null;
    if (cell !== null) {
      const layer = this.layerOf(cell),
        { width } = this.prep;
      let rest = cell - layer.start;
      const index = layer.shape.map((_, i) => {
        const size = layer.shape.slice(i + 1).reduce((a, b) => a * b, 1),
          at = Math.floor(rest / size);
        rest -= at * size;
        return at;
      });
      this.find("layer").textContent = `${layer.name} [${layer.shape.join(" × ")}]`;
      this.find("where").textContent =
        `index (${index.join(", ")}) · PRep row ${Math.floor(cell / width)}, column ${cell % width}`;
      for (const name of NAMES) this.find(`value-${name}`).textContent = signed(this.prep[name][cell]);
      const box = canvas.getBoundingClientRect(),
        stage = this.find("stage").getBoundingClientRect(),
        at = this.place(canvas);
      const x = box.left - stage.left + at.ox + ((cell % at.cols) + 1) * at.sx,
        y = box.top - stage.top + at.oy + (Math.floor(cell / at.cols) + 1) * at.sy;
      card.style.left = `${Math.max(0, x + card.offsetWidth + 14 > stage.width ? x - card.offsetWidth - at.sx - 14 : x + 10)}px`;
      card.style.top = `${y + card.offsetHeight + 14 > stage.height ? Math.max(0, y - card.offsetHeight - at.sy - 14) : y + 10}px`;
    }
    this.draw();
  }

  slide(value) {
    this.divider = Math.min(1, Math.max(0, value));
    const bar = this.find("divider"),
      share = `${(100 * this.divider).toFixed(1)}%`;
    bar.style.left = share;
    bar.setAttribute("aria-valuenow", Math.round(100 * this.divider));
    bar.setAttribute("aria-valuetext", `${Math.round(100 * this.divider)} % target`);
    this.panels[1].canvas.style.clipPath = this.mode === "swipe" ? `inset(0 0 0 ${share})` : "";
  }

  listLayers() {
    this.find("layers").replaceChildren(
      ...this.prep.layers.map((layer) => {
        const button = document.createElement("button");
        Object.assign(button, {
          type: "button",
          title: `Show ${layer.name}: ${(layer.stop - layer.start).toLocaleString("en")} parameters`,
        });
        button.append(layer.name, Object.assign(document.createElement("small"), { textContent: layer.shape.join("×") }));
        const show = (shown) => () => {
          this.layer = shown;
          this.draw();
        };
        button.addEventListener("pointerenter", show(layer));
        button.addEventListener("pointerleave", show(null));
        button.addEventListener("focus", show(layer));
        button.addEventListener("blur", show(null));
        button.addEventListener("click", () => this.zoomTo(layer));
        return button;
      }),
    );
  }

  zoomTo(layer) {
    const { cols, rows } = this.grid(),
      last = layer.stop - 1;
    const top = Math.floor(layer.start / cols),
      bottom = Math.floor(last / cols) + 1,
      one = bottom - top === 1;
    const [left, right] = one ? [layer.start % cols, (last % cols) + 1] : [0, cols];
    const k = Math.min(64, Math.max(1, 0.9 * Math.min(cols / (right - left), rows / (bottom - top))));
    this.zoom = { k, x: (left + right) / 2 / cols, y: (top + bottom) / 2 / rows };
    this.draw();
    this.report();
  }
}

function outline(pen, { start, stop }, { cols, sx, sy, ox, oy }) {
  // a staircase around the cells [start, stop)
  const last = stop - 1,
    top = Math.floor(start / cols),
    bottom = Math.floor(last / cols),
    from = start % cols,
    to = (last % cols) + 1;
  const corners =
    top === bottom
      ? [
          [from, top],
          [to, top],
          [to, top + 1],
          [from, top + 1],
        ]
      : [
          [from, top],
          [cols, top],
          [cols, bottom],
          [to, bottom],
          [to, bottom + 1],
          [0, bottom + 1],
          [0, top + 1],
          [from, top + 1],
        ];
  pen.beginPath();
  corners.forEach(([col, row], i) =>
    pen[i ? "lineTo" : "moveTo"](Math.round(ox + col * sx) + 0.5, Math.round(oy + row * sy) + 0.5),
  );
  pen.closePath();
  pen.stroke();
}

function signed(value) {
  return `${value < 0 ? "\u2212" : "+"}${Math.abs(value).toFixed(4)}`;
}
