// What the network under the pointer looks like, beside its figures: a picture, or a surface that a hand turns.

import { handle } from "./camera.js";
import { meshShadow, paintBytes } from "./colours.js";
import { MeshPlotly } from "./mesh_plotly.js";
import { MeshView } from "./mesh_view.js";

const GREYS = Uint32Array.from({ length: 256 }, (_, level) => (255 << 24) | (level << 16) | (level << 8) | level);
const HERO = [0.56, 0.66, 0.74],
  OTHER = [0.66, 0.66, 0.655];

class Painted {
  constructor(name) {
    this.element = document.createElement("div");
    this.canvas = this.element.appendChild(document.createElement("canvas"));
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${name}: the network here, as the image that it is`);
  }

  show({ header, array }) {
    paintBytes(this.canvas, array("picture"), header.pixels, header.pixels, GREYS);
    this.element.dataset.pixels = header.pixels;
  }

  theme() {}

  close() {}
}

class Turned {
  constructor(name, camera, first, signal) {
    this.first = first;
    this.element = document.createElement("div");
    const about = { role: "application", tabindex: first ? 0 : -1, "aria-label": `${name}: the shape here. Arrow keys turn it.` };
    for (const [attribute, value] of Object.entries(about)) this.element.setAttribute(attribute, String(value));
    const canvas = this.element.appendChild(document.createElement("canvas"));
    this.facts = this.element.appendChild(document.createElement("span"));
    this.surface = MeshView.able() ? new MeshView(canvas, camera, true) : new MeshPlotly(canvas, camera);
    if (MeshView.able()) handle(this.element, camera, signal);
  }

  show({ header, array }) {
    const there = header.surface === "mesh",
      faces = there ? array("faces") : null;
    this.surface.show(there ? array("vertices") : null, faces);
    const count = faces ? faces.length / 3 : 0;
    this.facts.textContent = there ? `${count.toLocaleString("en")} triangles` : "No surface";
    Object.assign(this.element.dataset, { faces: count, resolution: header.resolution });
  }

  theme(root) {
    this.surface.look = { colour: this.first ? HERO : OTHER, shadow: meshShadow(root) };
    this.surface.invalidate();
  }

  close() {
    this.surface.close();
  }
}

/**
 * @typedef {object} Look  An element that shows an answer to op "plane" with `look`.
 * @property {HTMLElement} element @property {(answer: import("./live.js").Answer) => void} show
 * @property {(root: Element) => void} theme @property {() => void} close
 */

/**
 * @param {string} kind  "mesh", "picture", or "" for what has no looks.
 * @param {string} name  Of the map beside it. @param {import("./camera.js").Camera} camera  All surfaces' own.
 * @param {boolean} first  Whether it is the hero's, which the keyboard turns. @param {AbortSignal} signal
 * @returns {Look | null}
 */
export function lookOf(kind, name, camera, first, signal) {
  if (kind === "mesh") return new Turned(name, camera, first, signal);
  return kind === "picture" ? new Painted(name) : null;
}
