// Eleven gammas of each path, as in figure 4 of the paper: drawn with the camera of the views, kept as a PNG.

import { MeshView } from "./mesh_view.js";

const FILM_GAMMAS = [...Array(11).keys()].map((at) => at / 10);
/** @type {Record<string, string>}  Row of the strip: its title. */
export const FILM_ROWS = { embedding: "Through the space", aligned: "Weights aligned", weights: "Weights mixed" };
const MOVED = 5; // pixels from which on a press is a drag
const FILM_SIZE = 144,
  FILM_LARGE = 264; // pixels of a picture on the page, and in the PNG
/** @type {number}  Nodes an axis. */
export const FILM_RESOLUTION = 48;

/**
 * @typedef {{path: string, at: number, gamma: number}} Still  A picture that is still to be asked for: of which path, the at-th gamma.
 */
export class Filmstrip {
  /**
   * @param {HTMLElement} root @param {import("./camera.js").Camera} camera
   * @param {(gamma: number, rests: boolean) => void} onGamma  A click's, and a drag's, `rests` once it is let go.
   */
  constructor(root, camera, onGamma) {
    this.root = root;
    this.camera = {
      views: new Set(),
      axes: () => camera.axes(),
      get x() {
        return camera.x;
      },
      get y() {
        return camera.y;
      },
      get z() {
        return camera.z;
      },
      get distance() {
        return camera.distance;
      },
      get elevation() {
        return camera.elevation;
      },
    };
    this.able = MeshView.able();
    this.paths = Object.keys(FILM_ROWS);
    this.cells = {};
    for (const path of Object.keys(FILM_ROWS)) {
      const row = root.querySelector(`[data-film="${path}"]`);
      this.cells[path] = FILM_GAMMAS.map((gamma) => {
        const button = document.createElement("button"),
          canvas = document.createElement("canvas");
        Object.assign(button, { type: "button", className: "sh-frame sh-wait", title: `gamma ${gamma}` });
        Object.assign(canvas, { width: FILM_SIZE, height: FILM_SIZE });
        button.append(canvas);
        if (path === "weights") button.append(Object.assign(document.createElement("span"), { textContent: gamma.toFixed(1) }));
        button.addEventListener("click", () => onGamma(gamma, true));
        row.append(button);
        return { button, canvas };
      });
      this.drags(row, onGamma);
    }
    root.hidden = !this.able;
    this.reset("");
  }

  // A finger along a row moves gamma as the slider does; the first picture is gamma 0, the last one 1.
  drags(row, onGamma) {
    let from = null,
      gamma = null;
    const at = (event) => {
      const { left, width } = row.getBoundingClientRect(),
        cell = width / FILM_GAMMAS.length;
      return Math.min(1, Math.max(0, (event.clientX - left - cell / 2) / (width - cell)));
    };
    row.addEventListener("pointerdown", (event) => {
      if (event.button === 0) from = event.clientX;
    });
    row.addEventListener("pointermove", (event) => {
      if (from === null || (gamma === null && Math.abs(event.clientX - from) < MOVED)) return;
      row.setPointerCapture(event.pointerId);
      onGamma((gamma = at(event)), false);
    });
    const ends = (event) => {
      if (gamma !== null && event.type === "pointerup") onGamma(at(event), true);
      from = gamma = null;
    };
    for (const type of ["pointerup", "pointercancel"]) row.addEventListener(type, ends);
  }

  // The pictures nearest to gamma.
  mark(gamma) {
    for (const cells of Object.values(this.cells))
      cells.forEach(({ button }, at) => button.toggleAttribute("data-here", at === Math.round(10 * gamma)));
  }

  reset(name) {
    this.name = name;
    this.meshes = Object.fromEntries(Object.keys(FILM_ROWS).map((path) => [path, []]));
    for (const cells of Object.values(this.cells)) for (const { button } of cells) button.className = "sh-frame sh-wait";
    this.root.dataset.frames = 0;
  }

  // What is still to be asked: {path, gamma, at}, ends and middle first.
  next() {
    if (!this.able) return null;
    const order = [0, 10, 5, 2, 8, 1, 9, 3, 7, 4, 6];
    for (const at of order)
      for (const path of this.paths) if (!this.meshes[path][at]) return { path, at, gamma: FILM_GAMMAS[at] };
    return null;
  }

  add({ path, at }, mesh) {
    this.meshes[path][at] = mesh;
    this.draw(path, at);
    this.root.dataset.frames = Number(this.root.dataset.frames) + 1;
  }

  // The off-screen view that draws all pictures.
  studio() {
    this.view ??= new MeshView(document.createElement("canvas"), this.camera);
    this.view.look = this.look;
    return this.view;
  }

  draw(path, at) {
    const mesh = this.meshes[path][at],
      { button, canvas } = this.cells[path][at];
    if (!mesh) return;
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, FILM_SIZE, FILM_SIZE);
    if (mesh.faces) this.studio().picture(mesh.vertices, mesh.faces, FILM_SIZE, pen, 0, 0);
    button.className = mesh.faces ? "sh-frame" : "sh-frame sh-void";
  }

  // The camera rests elsewhere, or the theme changed: all pictures again, one a frame.
  redraw() {
    const turn = (this.turn = (this.turn ?? 0) + 1),
      todo = this.paths.flatMap((path) => FILM_GAMMAS.map((_, at) => [path, at]));
    const one = () => {
      if (turn !== this.turn || !todo.length) return;
      this.draw(...todo.shift());
      requestAnimationFrame(one);
    };
    one();
  }

  async save(words, colours, font) {
    const left = 132,
      top = 58,
      gap = 6,
      size = FILM_LARGE,
      rows = Object.keys(FILM_ROWS);
    const canvas = Object.assign(document.createElement("canvas"), {
      width: left + 11 * (size + gap) + 20,
      height: top + rows.length * (size + gap) + 92,
    });
    const pen = canvas.getContext("2d");
    pen.fillStyle = colours.back;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = colours.text;
    pen.font = `600 26px ${font}`;
    pen.fillText(words.title, 20, 38);
    rows.forEach((path, row) => {
      const y = top + row * (size + gap);
      pen.font = `600 20px ${font}`;
      FILM_ROWS[path].split(" ").forEach((word, line) => pen.fillText(word, 20, y + size / 2 - 18 + 26 * line));
      FILM_GAMMAS.forEach((_, at) => {
        const mesh = this.meshes[path][at];
        if (mesh?.faces) this.studio().picture(mesh.vertices, mesh.faces, size, pen, left + at * (size + gap), y);
      });
    });
    pen.font = `20px ${font}`;
    pen.textAlign = "center";
    FILM_GAMMAS.forEach((gamma, at) =>
      pen.fillText(gamma.toFixed(1), left + at * (size + gap) + size / 2, top + rows.length * (size + gap) + 22),
    );
    pen.textAlign = "left";
    pen.fillText(words.caption, 20, canvas.height - 20, canvas.width - 40);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${this.name}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  close() {
    this.turn = null;
    this.view?.close();
  }
}
