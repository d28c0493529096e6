// The map's points on a plain canvas, for browsers without WebGL2: the same methods as PointsView, a fair sample of many.

import { shapeOf, SYMBOLS } from "./latent_map_names.js";
import { FAINT, HOLLOW } from "./latent_map_points.js";

const MOST = 5000; // points of a frame

/** The points on a canvas. */
export class PlainView {
  /** @param {HTMLCanvasElement} canvas @param {() => {matrix: Float32Array, far: number}} see */
  constructor(canvas, see) {
    Object.assign(this, { canvas, see, drawing: {}, renderer: "2D canvas", slow: true });
    this.shown = () => {};
  }

  set(drawing) {
    Object.assign(this.drawing, drawing);
    this.invalidate();
  }

  invalidate() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const { canvas, drawing } = this,
      ratio = window.devicePixelRatio || 1,
      [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !drawing.order) return;
    Object.assign(canvas, { width: width * ratio, height: height * ratio });
    const pen = canvas.getContext("2d"),
      { matrix } = this.see();
    pen.scale(ratio, ratio);
    const at = (places, point) => {
      const [x, y, z] = places.subarray(3 * point, 3 * point + 3),
        of = (row) => matrix[row] * x + matrix[4 + row] * y + matrix[8 + row] * z + matrix[12 + row];
      const away = of(3);
      return away > 0.2 ? [(0.5 + of(0) / away / 2) * width, (0.5 - of(1) / away / 2) * height] : null;
    };
    pen.strokeStyle = `rgb(${drawing.grey.map((part) => 255 * part).join()})`;
    pen.globalAlpha = 0.45;
    pen.beginPath();
    drawing.lines.forEach((point, i) => {
      const to = at(drawing.places, point);
      if (to) i % 2 ? pen.lineTo(...to) : pen.moveTo(...to);
    });
    pen.stroke();
    const order = drawing.order.subarray(Math.max(0, drawing.order.length - MOST));
    for (const point of order) {
      const to = at(drawing.places, point),
        tone = drawing.tones[point],
        mark = drawing.marks[point];
      if (!to) continue;
      const path = new Path2D(shapeOf(SYMBOLS[mark & 7], ...to, drawing.size / 2));
      pen.globalAlpha = mark & FAINT ? 0.18 : 1;
      const colour = tone < 0 ? drawing.grey.map((part) => 255 * part) : drawing.palette.subarray(4 * tone, 4 * tone + 3);
      pen.fillStyle = pen.strokeStyle = `rgb(${colour.join()})`;
      mark & HOLLOW ? pen.stroke(path) : pen.fill(path);
    }
    pen.globalAlpha = 1;
    pen.fillStyle = `rgb(${drawing.accent.map((part) => 255 * part).join()})`;
    for (let point = 0; point < drawing.movers.length / 3; point++) {
      const to = at(drawing.movers, point);
      if (to) pen.fill(new Path2D(shapeOf("circle", ...to, 5)));
    }
    this.shown(order.length, drawing.order.length);
  }

  /** @returns {string}  All points as a picture's address. */
  image() {
    this.draw();
    return this.canvas.toDataURL();
  }

  close() {
    cancelAnimationFrame(this.frame);
  }
}
