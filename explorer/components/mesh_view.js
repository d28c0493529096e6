// One mesh on a canvas: WebGL2 fed with typed arrays, flat shading from screen-space derivatives. The camera is shared, so that
// all views turn together. Where WebGL2 is missing see mesh_plotly.js, which has the same methods.

import { lens } from "./camera.js";
import { able, compiled, Surface } from "./gl.js";

const FINER = 2,
  DRAFT = 0.75; // pixels drawn for each one shown, an axis: smooth edges at rest; without a graphics card while it moves
const MARGIN = 1.05; // around what is framed
const UNIFORMS = ["turn", "middle", "lens", "ground", "flat_", "colour", "shadow"];

const VERTEX = `#version 300 es
uniform mat3 turn; uniform vec3 middle; uniform vec4 lens; uniform float ground; uniform bool flat_; in vec3 place; out vec3 eye;
void main() {
  vec3 at = place;
  if (flat_) at = vec3(place.x - 0.22 * (place.y - ground), ground, place.z - 0.12 * (place.y - ground));
  eye = turn * (at - middle) - vec3(0.0, 0.0, lens.z);
  gl_Position = vec4(eye.xy * lens.xy, -eye.z * lens.w - 0.2, -eye.z);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
uniform mat3 turn; uniform vec3 colour; uniform vec3 shadow; uniform bool flat_; in vec3 eye; out vec4 pixel;
void main() {
  if (flat_) { pixel = vec4(shadow, 1.0); return; }
  vec3 normal = normalize(cross(dFdx(eye), dFdy(eye)));
  vec3 world = normal * turn;
  float key = max(0.0, dot(world, normalize(vec3(0.35, 0.8, 0.5)))), fill = max(0.0, dot(world, normalize(vec3(-0.8, 0.15, 0.45))));
  float rim = pow(1.0 - max(0.0, normal.z), 3.0);
  vec3 base = gl_FrontFacing ? colour : colour * vec3(0.62, 0.5, 0.46);
  vec3 lit = base * (0.34 + 0.12 * world.y + 0.66 * key + 0.2 * fill) + 0.07 * rim;
  pixel = vec4(pow(clamp(lit, 0.0, 1.0), vec3(0.94)), 1.0);
}`;

/** A mesh on a canvas. */
export class MeshView extends Surface {
  // Every mesh that arrives is drawn on the canvas as the camera sees it. Without a graphics card (where a frame takes tens of
  // milliseconds) it is drawn with fewer pixels and no shadow while it moves.
  /**
   * @param {HTMLCanvasElement} canvas @param {import("./camera.js").Camera} camera
   * @param {boolean} [framed]  Whether it steps back where the surface reaches out of the picture, as those of wrecks do.
   */
  constructor(canvas, camera, framed = false) {
    super();
    Object.assign(this, { camera, framed, count: 0 });
    this.look = { colour: [0.56, 0.66, 0.74], shadow: [0.85, 0.87, 0.89] };
    this.open(canvas);
    camera.views.add(this);
  }

  static able() {
    return able();
  }

  build() {
    const { gl } = this,
      { program, at } = compiled(gl, VERTEX, FRAGMENT, ["place"], UNIFORMS);
    gl.useProgram(program);
    this.uniforms = at;
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
    if (this.last) this.show(...this.last);
  }

  // Float32Array of x, y, z and Uint32Array of corners; null for no surface.
  show(vertices, faces) {
    this.load(vertices, faces);
    this.invalidate();
  }

  load(vertices, faces) {
    const { gl } = this;
    this.last = [vertices, faces];
    this.count = faces ? faces.length : 0;
    if (faces) {
      gl.bufferData(gl.ARRAY_BUFFER, vertices, gl.DYNAMIC_DRAW);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, faces, gl.DYNAMIC_DRAW);
      this.ground = Infinity;
      for (let at = 1; at < vertices.length; at += 3) if (vertices[at] < this.ground) this.ground = vertices[at];
    }
  }

  draw(draft) {
    const size = this.sized(draft ? DRAFT : Math.max(FINER, Math.min(3, window.devicePixelRatio || 1)));
    if (size) this.paint(...size, this.camera.elevation > 1 && !draft);
  }

  paint(width, height, grounded) {
    const { gl, camera, uniforms } = this;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    if (!this.count) return;
    const rows = camera.axes();
    gl.uniformMatrix3fv(
      uniforms.turn,
      false,
      [0, 1, 2].flatMap((column) => rows.map((row) => row[column])),
    );
    gl.uniform3f(uniforms.middle, camera.x, camera.y, camera.z);
    const [across, up] = lens(width, height),
      away = this.framed ? this.farther(rows, across, up) : 1;
    gl.uniform4f(uniforms.lens, across, up, away * camera.distance, 1.0);
    gl.uniform3fv(uniforms.colour, this.look.colour);
    gl.uniform3fv(uniforms.shadow, this.look.shadow);
    gl.uniform1f(uniforms.ground, this.ground);
    if (grounded) {
      gl.disable(gl.DEPTH_TEST);
      gl.uniform1i(uniforms.flat_, 1);
      gl.drawElements(gl.TRIANGLES, this.count, gl.UNSIGNED_INT, 0);
    }
    gl.enable(gl.DEPTH_TEST);
    gl.uniform1i(uniforms.flat_, 0);
    gl.drawElements(gl.TRIANGLES, this.count, gl.UNSIGNED_INT, 0);
  }

  // How many times as far as at home the camera has to stand for all of the surface to be in the picture; 1 for what is.
  farther([right, above, back], across, up) {
    const { x, y, z, distance } = this.camera.home,
      [vertices] = this.last;
    let needed = distance;
    for (let at = 0; at < vertices.length; at += 3) {
      const [i, j, k] = [vertices[at] - x, vertices[at + 1] - y, vertices[at + 2] - z];
      const aside = across * Math.abs(right[0] * i + right[1] * j + right[2] * k),
        high = up * Math.abs(above[0] * i + above[1] * j + above[2] * k);
      needed = Math.max(needed, MARGIN * Math.max(aside, high) + back[0] * i + back[1] * j + back[2] * k);
    }
    return needed / distance;
  }

  // A picture of `size` pixels a side of some mesh, drawn now into `pen` at (x, y). For a canvas that is not on the page.
  picture(vertices, faces, size, pen, x, y) {
    Object.assign(this.canvas, { width: FINER * size, height: FINER * size });
    this.load(vertices, faces);
    this.paint(FINER * size, FINER * size, this.camera.elevation > 1);
    pen.drawImage(this.canvas, x, y, size, size);
  }

  close() {
    this.camera.views.delete(this);
    super.close();
  }
}
