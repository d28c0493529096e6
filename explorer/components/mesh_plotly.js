// The same view by Plotly's Mesh3d, for browsers without WebGL2: slower, and the camera is Plotly's own, linked by its events.

import { loadPlotly } from "./plotly.js";

const PLOTLY_REACH = 0.4; // Plotly's unit of distance in ours, about

/** The same methods as MeshView. */
export class MeshPlotly {
  /** @param {HTMLCanvasElement} canvas @param {import("./camera.js").Camera} camera */
  constructor(canvas, camera) {
    this.camera = camera;
    this.look = { colour: [0.56, 0.66, 0.74] };
    this.plot = document.createElement("div");
    this.plot.className = "sh-plotly";
    canvas.replaceWith(this.plot);
    camera.views.add(this);
  }

  /** @param {Float32Array | null} vertices  3 V. @param {Uint32Array | null} faces  3 F. @returns {Promise<void>} */
  async show(vertices, faces) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.Plotly ??= await loadPlotly();
    if (turn !== this.turn || !this.camera.views.has(this)) return; // a newer mesh has come
    const column = (values, at) => values.filter((_, i) => i % 3 === at);
    const [x, y, z] = faces ? [0, 1, 2].map((at) => column(vertices, at)) : [[], [], []],
      [i, j, k] = faces ? [0, 1, 2].map((at) => column(faces, at)) : [[], [], []];
    const colour = `rgb(${this.look.colour.map((part) => Math.round(255 * part)).join(",")})`;
    const trace = {
      type: "mesh3d",
      x,
      y,
      z,
      i,
      j,
      k,
      color: colour,
      flatshading: true,
      hoverinfo: "skip",
      lighting: { ambient: 0.5, diffuse: 0.7, specular: 0.05, facenormalsepsilon: 0, vertexnormalsepsilon: 0 },
      lightposition: { x: 10000, y: 30000, z: 20000 },
    };
    const axis = { visible: false, range: [-1.1, 1.1], autorange: false };
    const scene = { xaxis: axis, yaxis: axis, zaxis: axis, aspectmode: "cube", uirevision: "keep", camera: this.view() };
    await this.Plotly.react(
      this.plot,
      [trace],
      { scene, margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)", uirevision: "keep" },
      { displayModeBar: false, responsive: true },
    );
    if (this.drawn) return;
    this.drawn = true;
    this.plot.on("plotly_relayout", () => this.adopt(this.plot._fullLayout.scene.camera));
  }

  view() {
    const [dx, dy, dz] = this.camera.direction(),
      away = this.camera.distance * PLOTLY_REACH;
    const { x, y, z } = this.camera,
      centre = { x: x / 2.2, y: y / 2.2, z: z / 2.2 };
    return {
      eye: { x: centre.x + dx * away, y: centre.y + dy * away, z: centre.z + dz * away },
      center: centre,
      up: { x: 0, y: 1, z: 0 },
    };
  }

  adopt({ eye, center }) {
    // a person has turned this one
    if (this.placing) return;
    const [x, y, z] = ["x", "y", "z"].map((name) => eye[name] - center[name]),
      away = Math.hypot(x, y, z);
    Object.assign(this.camera, {
      azimuth: (Math.atan2(x, z) * 180) / Math.PI,
      elevation: Math.min(89, Math.max(-89, (Math.asin(y / away) * 180) / Math.PI)),
      distance: away / PLOTLY_REACH,
      x: center.x * 2.2,
      y: center.y * 2.2,
      z: center.z * 2.2,
    });
    this.mine = true;
    this.camera.moved();
    this.mine = false;
  }

  invalidate() {
    if (!this.drawn || this.mine || this.frame) return;
    this.frame = requestAnimationFrame(async () => {
      this.frame = null;
      this.placing = true;
      await this.Plotly.relayout(this.plot, { "scene.camera": this.view() });
      this.placing = false;
    });
  }

  close() {
    this.camera.views.delete(this);
    cancelAnimationFrame(this.frame);
    if (this.drawn) this.Plotly.purge(this.plot);
  }
}
