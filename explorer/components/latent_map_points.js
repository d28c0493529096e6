// The map's points by WebGL2, some hundred thousand of them: a marker each, of a symbol and a colour, and faint lines between them.
//
// They are drawn in an order that a shuffle gave, so that none covers others by its place in the table, and so that the last of the order
// are a fair sample: while a hand moves a view that would take too long, only those are drawn.

import { compiled, Surface } from "./gl.js";
import { SYMBOLS } from "./latent_map_names.js";

const SLOW_MS = 40; // a whole frame while a hand moves, the page's other work included: after a longer one fewer points are drawn, after a
// much shorter one more
const PART_MS = 12; // the same of a part of the points, while the view rests: what else the page does has the rest of the frame
const FEWEST = 1000,
  FIRST = 4000; // points of a fair sample: at least, and, without a graphics card, before anything was measured
const FEW = 4000; // points that are always drawn whole

// Bits of a mark: the symbol's place in SYMBOLS, and these.
/** @type {number} */
export const HOLLOW = 8;
/** @type {number} */
export const FAINT = 16;

const VERTEX = `#version 300 es
uniform mat4 see; uniform float size; uniform float pixel; uniform float far;
uniform sampler2D palette; uniform vec3 grey; uniform vec3 back;
in vec3 place; in float tone; in float mark;
out vec3 colour; flat out int symbol; flat out int hollow; out float radius; out float side;
void main() {
  gl_Position = see * vec4(place, 1.0);
  int bits = int(mark + 0.5);
  symbol = bits & 7;
  hollow = bits & ${HOLLOW};
  radius = 0.5 * size * pixel * (far > 0.0 ? clamp(far / gl_Position.w, 0.6, 2.0) : 1.0);
  side = 2.6 * radius + 3.0;
  gl_PointSize = side;
  vec3 own = tone < 0.0 ? grey : texelFetch(palette, ivec2(int(tone + 0.5), 0), 0).rgb;
  colour = mix(own, back, (bits & ${FAINT}) == 0 ? 0.0 : 0.82);
}`;
// Distances to the outlines in pixels: a circle, a diamond, a square, a cross, an x, as large as each other to the eye.
const FRAGMENT = `#version 300 es
precision highp float;
uniform float pixel; uniform float edge; uniform vec3 back;
in vec3 colour; flat in int symbol; flat in int hollow; in float radius; in float side;
out vec4 shown;
float cross_(vec2 q) { return max(min(q.x, q.y) - 0.4 * radius, max(q.x, q.y) - 1.2 * radius); }
void main() {
  vec2 p = (gl_PointCoord - 0.5) * side, q = abs(p);
  float away = symbol == 0 ? length(p) - radius : symbol == 1 ? (q.x + q.y - 1.3 * radius) * 0.7071 :
    symbol == 2 ? max(q.x, q.y) - 0.9 * radius : symbol == 3 ? cross_(q) : cross_(abs(vec2(p.x + p.y, p.x - p.y)) * 0.7071);
  if (hollow != 0) away = abs(away + pixel) - pixel;
  float alpha = clamp(0.5 - away, 0.0, 1.0);
  if (alpha < 0.02) discard;
  vec3 own = hollow != 0 ? colour : mix(colour, back, clamp(away + edge * pixel + 0.5, 0.0, 1.0) * step(0.01, edge));
  shown = vec4(own * alpha, alpha);
}`;
const LINE_VERTEX = `#version 300 es
uniform mat4 see; in vec3 place;
void main() { gl_Position = see * vec4(place, 1.0); }`;
const LINE_FRAGMENT = `#version 300 es
precision mediump float; uniform vec4 ink; out vec4 shown;
void main() { shown = vec4(ink.rgb * ink.a, ink.a); }`;

/**
 * What is drawn: `places` (3 a point), `tones` (0 to 255 of the palette, -1 where nothing is known), `marks`, the `palette` (256 RGBA), the
 * `order` of the points that are shown, `lines` (pairs of points), `movers` (3 a point), `size` and `edge` in pixels of the page, colours
 * from 0 to 1.
 *
 * @typedef {object} Drawing
 * @property {Float32Array} places @property {Int16Array} tones @property {Uint8Array} marks @property {Uint8Array} palette
 * @property {Uint32Array} order @property {Uint32Array} lines @property {Float32Array} movers
 * @property {number} size @property {number} edge @property {number[]} grey @property {number[]} back @property {number[]} accent
 * @property {number[]} text
 */

/**
 * How many points are drawn while a hand moves; the selected ones lie on top of the others, and so are among them.
 *
 * @param {number} count @param {number} all @param {number} chosen  Selected points. @returns {string}
 */
export function inWords(count, all, chosen) {
  const [some, of] = [count, all].map((number) => number.toLocaleString("en"));
  return `While it moves: ${some} of ${of} points, ${chosen ? "those selected first" : "a fair sample"}`;
}

// Pixels drawn for each one of the page.
const RATIO = () => Math.min(3, window.devicePixelRatio || 1);

// How many points the next frame draws, after one of `count` that took so many milliseconds: fewer where that was more than `slow`.
function paced(count, took, slow) {
  return Math.max(FEWEST, Math.round(count * (took > slow ? 0.5 : took < 0.6 * slow ? 1.5 : 1)));
}

/** The points on a canvas. */
export class PointsView extends Surface {
  /** @param {HTMLCanvasElement} canvas @param {() => {matrix: Float32Array, far: number}} see  From where it is seen. */
  constructor(canvas, see) {
    super();
    Object.assign(this, { see, drawing: {} });
    /** Told after each frame. */
    this.shown = () => {};
    this.open(canvas);
    this.most = this.slow ? FIRST : Infinity; // points of a draft
  }

  build() {
    const { gl } = this;
    const uniforms = ["see", "size", "pixel", "far", "palette", "grey", "back", "edge"];
    this.markers = compiled(gl, VERTEX, FRAGMENT, ["place", "tone", "mark"], uniforms);
    this.lines = compiled(gl, LINE_VERTEX, LINE_FRAGMENT, ["place"], ["see", "ink"]);
    this.aside = null;
    this.buffers = Object.fromEntries(
      ["places", "tones", "marks", "order", "lines", "movers"].map((name) => [name, gl.createBuffer()]),
    );
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    const had = this.drawing;
    this.drawing = {};
    this.set(had);
  }

  /** Takes what differs from what it has. @param {Partial<Drawing>} drawing */
  set(drawing) {
    const { gl, buffers } = this;
    for (const [name, value] of Object.entries(drawing)) {
      if (this.drawing[name] === value) continue;
      if (name === "palette") gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, value);
      else if (name in buffers) {
        const target = ["order", "lines"].includes(name) ? gl.ELEMENT_ARRAY_BUFFER : gl.ARRAY_BUFFER;
        gl.bindBuffer(target, buffers[name]);
        gl.bufferData(target, value, gl.DYNAMIC_DRAW);
      }
    }
    Object.assign(this.drawing, drawing);
    this.invalidate();
  }

  get drafts() {
    return this.drawing.order?.length > FEW;
  }

  draw(draft) {
    const began = performance.now(),
      { drawing } = this,
      size = this.sized(RATIO());
    if (!size || !drawing.order) return;
    const all = drawing.order.length,
      count = draft ? Math.min(all, this.most) : all;
    this.empty(size);
    this.points(all - count, count);
    if (drawing.movers?.length) this.moving(this.markers.at);
    if (draft) this.pace(began, count);
    this.shown(count, all);
  }

  // All points, some in each frame, into a picture beside the canvas, which shows it once it is whole: what else the page
  // does, such as a card under the pointer, does not wait for a hundred thousand of them.
  whole() {
    const { gl, drawing } = this,
      size = this.sized(RATIO()),
      all = drawing.order?.length ?? 0;
    if (!size || all <= this.most) return this.draw(false);
    const aside = this.beside(size);
    let [done, count] = [0, Math.max(1, Math.round(this.most / 4))];
    const part = () => {
      const began = performance.now();
      gl.bindFramebuffer(gl.FRAMEBUFFER, aside);
      if (!done) this.empty(size);
      this.points(done, Math.min(count, all - done));
      done += count;
      if (done >= all && drawing.movers?.length) this.moving(this.markers.at);
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // returns once they are drawn
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
      if (done < all) {
        count = paced(count, performance.now() - began, PART_MS);
        this.part = requestAnimationFrame(part);
        return;
      }
      this.copy(aside, size);
      this.shown(all, all);
    };
    part();
  }

  // A framebuffer of that size, with depths.
  beside([width, height]) {
    const { gl } = this;
    if (this.aside?.width === width && this.aside.height === height) return this.aside.buffer;
    for (const part of this.aside?.parts ?? []) gl.deleteRenderbuffer(part);
    const buffer = this.aside?.buffer ?? gl.createFramebuffer(),
      parts = [gl.createRenderbuffer(), gl.createRenderbuffer()];
    gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
    [
      [gl.RGBA8, gl.COLOR_ATTACHMENT0],
      [gl.DEPTH_COMPONENT24, gl.DEPTH_ATTACHMENT],
    ].forEach(([format, place], i) => {
      gl.bindRenderbuffer(gl.RENDERBUFFER, parts[i]);
      gl.renderbufferStorage(gl.RENDERBUFFER, format, width, height);
      gl.framebufferRenderbuffer(gl.FRAMEBUFFER, place, gl.RENDERBUFFER, parts[i]);
    });
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    this.aside = { width, height, buffer, parts };
    return buffer;
  }

  copy(from, [width, height]) {
    const { gl } = this;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, from);
    gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.COLOR_BUFFER_BIT, gl.NEAREST);
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, null);
  }

  // Nothing yet but the faint lines.
  empty(size) {
    const { gl } = this,
      { matrix, far } = this.see();
    gl.viewport(0, 0, ...size);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    far ? gl.enable(gl.DEPTH_TEST) : gl.disable(gl.DEPTH_TEST);
    this.strokes(matrix);
  }

  // So many points of the order, from a place in it on.
  points(from, count) {
    const { gl, drawing } = this,
      { matrix, far } = this.see(),
      { program, at } = this.markers;
    gl.useProgram(program);
    gl.uniformMatrix4fv(at.see, false, matrix);
    gl.uniform1f(at.pixel, RATIO());
    gl.uniform1f(at.far, far);
    gl.uniform3fv(at.grey, drawing.grey);
    gl.uniform3fv(at.back, drawing.back);
    gl.uniform1f(at.size, drawing.size);
    gl.uniform1f(at.edge, drawing.edge);
    this.attribute(0, "places", 3, gl.FLOAT);
    this.attribute(1, "tones", 1, gl.SHORT);
    this.attribute(2, "marks", 1, gl.UNSIGNED_BYTE);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.buffers.order);
    gl.drawElements(gl.POINTS, count, gl.UNSIGNED_INT, 4 * from);
  }

  /** @returns {string}  All points as a picture's address. */
  image() {
    this.draw(false);
    return this.canvas.toDataURL();
  }

  // A larger or smaller sample next time. Asked for a pixel, the driver has to end what it was told; what the page does beside it ends
  // with the next frame.
  pace(began, count) {
    const { gl } = this;
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    requestAnimationFrame(() => {
      this.took = performance.now() - began;
      this.most = paced(count, this.took, SLOW_MS);
    });
  }

  attribute(place, name, size, type) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, type, false, 0, 0);
  }

  strokes(matrix) {
    const { gl, drawing } = this;
    if (!drawing.lines?.length) return;
    gl.useProgram(this.lines.program);
    gl.uniformMatrix4fv(this.lines.at.see, false, matrix);
    gl.uniform4f(this.lines.at.ink, ...drawing.grey, 0.45);
    this.attribute(0, "places", 3, gl.FLOAT);
    gl.disableVertexAttribArray(1);
    gl.disableVertexAttribArray(2);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.buffers.lines);
    gl.drawElements(gl.LINES, drawing.lines.length, gl.UNSIGNED_INT, 0);
  }

  // Where played runs are: in the accent's colour, which is the grey of points that have no tone.
  moving(at) {
    const { gl, drawing } = this;
    this.attribute(0, "movers", 3, gl.FLOAT);
    gl.disableVertexAttribArray(1);
    gl.disableVertexAttribArray(2);
    gl.vertexAttrib1f(1, -1);
    gl.vertexAttrib1f(2, SYMBOLS.indexOf("circle"));
    for (const [colour, larger] of [
      [drawing.text, 2],
      [drawing.accent, 0],
    ]) {
      gl.uniform3fv(at.grey, colour);
      gl.uniform1f(at.size, 9 + larger);
      gl.uniform1f(at.edge, 0);
      gl.drawArrays(gl.POINTS, 0, drawing.movers.length / 3);
    }
  }
}
