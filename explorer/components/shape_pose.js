// One mesh, stood upright by a matrix of whole numbers.

import { Camera, handle } from "./camera.js";
import { MeshPlotly } from "./mesh_plotly.js";
import { MeshView } from "./mesh_view.js";
import { mount } from "./mount.js";

class ShapePose {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector(".sp-stage");
    this.camera = new Camera();
    this.listening = new AbortController();
    const Surface = MeshView.able() ? MeshView : MeshPlotly;
    this.surface = new Surface(this.stage.querySelector("canvas"), this.camera);
    if (Surface === MeshView) handle(this.stage, this.camera, this.listening.signal);
    this.observer = new ResizeObserver(() => this.surface.invalidate());
    this.observer.observe(this.stage);
  }

  update({ name, vertices, faces, matrix, pose }) {
    if (name !== this.name) {
      this.vertices = new Float32Array(this.bytes(vertices));
      this.faces = new Uint32Array(this.bytes(faces));
      this.name = name;
    }
    const turned = new Float32Array(this.vertices.length);
    for (let at = 0; at < turned.length; at += 3) {
      for (let row = 0; row < 3; row += 1) {
        for (let column = 0; column < 3; column += 1) turned[at + row] += matrix[3 * row + column] * this.vertices[at + column];
      }
    }
    const style = getComputedStyle(this.root),
      read = (variable) => style.getPropertyValue(variable).trim();
    const parse = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
    const back = parse(read("--st-background-color")),
      text = parse(read("--st-text-color"));
    const shadow = back.map((part, i) => (part > 0.5 ? 0.88 * part + 0.12 * text[i] : 0.45 * part));
    this.surface.look = { colour: [0.56, 0.66, 0.74], shadow };
    this.surface.show(turned, this.faces);
    const extent = [0, 1, 2].map((axis) => {
      let [low, high] = [Infinity, -Infinity];
      for (let at = axis; at < turned.length; at += 3) [low, high] = [Math.min(low, turned[at]), Math.max(high, turned[at])];
      return (high - low).toFixed(2);
    });
    Object.assign(this.stage.dataset, { pose, faces: this.faces.length / 3, extent: extent.join(" ") });
  }

  bytes(text) {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  }

  close() {
    this.listening.abort();
    this.observer.disconnect();
    this.surface.close();
  }
}

/**
 * @typedef {object} Posed  (shape_pose.py)
 * @property {string} name @property {string} vertices @property {string} faces  float32 and uint32, in base64.
 * @property {number[]} matrix  3 x 3, row by row. @property {string} pose
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {Posed} args.data  What Python sends.
 * @returns {() => void}  The clean-up.
 */
export default function ({ parentElement, data }) {
  return mount(
    parentElement,
    () => new ShapePose(parentElement.querySelector(".sp")),
    (view) => view.update(data),
    import.meta.url,
  );
}
