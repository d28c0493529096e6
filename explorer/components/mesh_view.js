// One mesh on a canvas: WebGL2 fed with typed arrays, flat shading from screen-space derivatives. The camera is shared, so that
// all views turn together. Where WebGL2 is missing see mesh_plotly.js, which has the same methods.

const HOME = { azimuth: 38, elevation: 22, distance: 4.1, x: 0, y: -0.04, z: 0 }; // degrees; lengths in units of the cube [-1, 1]^3
const FIELD = (30 * Math.PI) / 180; // of view, vertical
const TURN = 0.4; // degrees a pixel
const TURN_KEY = 7.5,
  PAN_KEY = 0.08,
  ZOOM_KEY = 1.15;
const REST_MS = 250; // so long after its last movement a camera rests
const LOST_MS = 500; // so long the browser has to give back a lost graphics context
const FINER = 2,
  DRAFT = 0.75; // pixels drawn for each one shown, an axis: smooth edges at rest; without a graphics card while it moves

/** A camera that several views share. */
export class Camera {
  constructor() {
    this.views = new Set();
    this.onMove = this.onRest = () => {};
    Object.assign(this, HOME);
  }

  direction() {
    const azimuth = (this.azimuth * Math.PI) / 180,
      elevation = (this.elevation * Math.PI) / 180;
    return [Math.cos(elevation) * Math.sin(azimuth), Math.sin(elevation), Math.cos(elevation) * Math.cos(azimuth)];
  }

  // Rows of the rotation into the eye's axes: right, up, towards the eye.
  axes() {
    const back = this.direction(),
      flat = Math.hypot(back[0], back[2]);
    const right = [back[2] / flat, 0, -back[0] / flat];
    const up = [
      back[1] * right[2] - back[2] * right[1],
      back[2] * right[0] - back[0] * right[2],
      back[0] * right[1] - back[1] * right[0],
    ];
    return [right, up, back];
  }

  turn(degreesRight, degreesUp) {
    this.azimuth = ((this.azimuth + degreesRight + 540) % 360) - 180;
    this.elevation = Math.min(89, Math.max(-89, this.elevation + degreesUp));
    this.moved();
  }

  // By so much of the view's height.
  pan(shareRight, shareUp) {
    const [right, up] = this.axes(),
      height = 2 * this.distance * Math.tan(FIELD / 2);
    for (const [i, name] of ["x", "y", "z"].entries())
      this[name] = Math.min(2, Math.max(-2, this[name] + height * (shareRight * right[i] + shareUp * up[i])));
    this.moved();
  }

  zoom(factor) {
    this.distance = Math.min(20, Math.max(0.6, this.distance / factor));
    this.moved();
  }

  reset() {
    Object.assign(this, HOME);
    this.moved();
  }

  moved() {
    this.onMove();
    for (const view of this.views) view.invalidate();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onRest(), REST_MS);
  }

  text() {
    return [this.azimuth, this.elevation, this.distance, this.x, this.y, this.z]
      .map((value) => String(Math.round(value * 1000) / 1000))
      .join("_");
  }

  // What `text` wrote; anything else leaves the camera as it is.
  place(text) {
    const values = String(text ?? "")
      .split("_")
      .map(Number);
    if (values.length !== 6 || !values.every(Number.isFinite)) return;
    const [azimuth, elevation, distance, x, y, z] = values,
      within = (value, most) => Math.min(most, Math.max(-most, value));
    Object.assign(this, {
      azimuth: within(azimuth, 180),
      elevation: within(elevation, 89),
      distance: Math.min(20, Math.max(0.6, distance)),
      x: within(x, 2),
      y: within(y, 2),
      z: within(z, 2),
    });
    for (const view of this.views) view.invalidate();
  }
}

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
export class MeshView {
  // Every mesh that arrives is drawn on the canvas as the camera sees it. Without a graphics card (where a frame takes tens of
  // milliseconds) it is drawn with fewer pixels and no shadow while it moves.
  /** @param {HTMLCanvasElement} canvas @param {Camera} camera */
  constructor(canvas, camera) {
    Object.assign(this, { camera, count: 0 });
    this.look = { colour: [0.56, 0.66, 0.74], shadow: [0.85, 0.87, 0.89] };
    this.open(canvas);
    camera.views.add(this);
  }

  static able() {
    return Boolean(document.createElement("canvas").getContext("webgl2"));
  }

  // The driver was reset, or other tabs draw too much: where the context does not come back, another canvas takes over.
  open(canvas) {
    Object.assign(this, { canvas, gl: canvas.getContext("webgl2", { antialias: false, alpha: true }) });
    const named = this.gl.getExtension("WEBGL_debug_renderer_info");
    this.slow = /swiftshader|llvmpipe|software/i.test(named ? this.gl.getParameter(named.UNMASKED_RENDERER_WEBGL) : "");
    this.build();
    if (this.last) this.show(...this.last);
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.lost = setTimeout(() => this.replace(canvas), LOST_MS);
    });
    canvas.addEventListener("webglcontextrestored", () => {
      if (this.closed || this.canvas !== canvas) return;
      this.build();
      if (this.last) this.show(...this.last);
    });
  }

  replace(canvas) {
    if (this.closed || this.canvas !== canvas || !this.gl.isContextLost()) return;
    const fresh = canvas.cloneNode();
    canvas.replaceWith(fresh);
    this.open(fresh);
  }

  build() {
    const { gl } = this,
      program = gl.createProgram();
    for (const [kind, text] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "place");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    this.uniforms = Object.fromEntries(
      ["turn", "middle", "lens", "ground", "flat_", "colour", "shadow"].map((name) => [
        name,
        gl.getUniformLocation(program, name),
      ]),
    );
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
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

  invalidate() {
    MeshView.touched = performance.now();
    clearTimeout(this.timer);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw(this.slow);
      if (this.slow) this.finish();
    });
  }

  // Once no view has changed for a moment: smooth edges.
  finish() {
    clearTimeout(this.timer);
    const wait = MeshView.touched + REST_MS - performance.now();
    this.timer = setTimeout(() => (performance.now() < MeshView.touched + REST_MS ? this.finish() : this.draw(false)), wait);
  }

  draw(draft) {
    const { gl, canvas, camera } = this;
    const ratio = draft ? DRAFT : Math.max(FINER, Math.min(3, window.devicePixelRatio || 1));
    const width = Math.round(canvas.clientWidth * ratio),
      height = Math.round(canvas.clientHeight * ratio);
    if (!width || !height || gl.isContextLost()) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.paint(width, height, camera.elevation > 1 && !draft);
  }

  paint(width, height, grounded) {
    const { gl, camera, uniforms } = this,
      zoom = 1 / Math.tan(FIELD / 2),
      tall = Math.min(1, width / height); // narrow views keep it whole
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
    gl.uniform4f(uniforms.lens, (zoom * tall * height) / width, zoom * tall, camera.distance, 1.0);
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

  // A picture of `size` pixels a side of some mesh, drawn now into `pen` at (x, y). For a canvas that is not on the page.
  picture(vertices, faces, size, pen, x, y) {
    Object.assign(this.canvas, { width: FINER * size, height: FINER * size });
    this.load(vertices, faces);
    this.paint(FINER * size, FINER * size, this.camera.elevation > 1);
    pen.drawImage(this.canvas, x, y, size, size);
  }

  close() {
    this.camera.views.delete(this);
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    clearTimeout(this.lost);
    this.closed = true;
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/**
 * Hands on a view: drag to turn, Shift or the right button (two fingers) to pan, wheel with Ctrl or with the focus to zoom, keys.
 *
 * @param {HTMLElement} element @param {Camera} camera @param {AbortSignal} signal @returns {void}
 */
export function handle(element, camera, signal) {
  const fingers = new Map(),
    on = (type, handler, options) => element.addEventListener(type, handler, { signal, ...options });
  const share = (pixels) => pixels / element.clientHeight;
  on("contextmenu", (event) => event.preventDefault());
  on("pointerdown", (event) => {
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) on(end, (event) => fingers.delete(event.pointerId));
  on("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    const dx = event.clientX - before[0],
      dy = event.clientY - before[1];
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (other) {
      const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      if (apart(before) > 10) camera.zoom(apart([event.clientX, event.clientY]) / apart(before));
      camera.pan(-share(dx) / 2, share(dy) / 2);
    } else if (event.shiftKey || event.buttons & 6) camera.pan(-share(dx), share(dy));
    else camera.turn(-dx * TURN, dy * TURN);
  });
  on("dblclick", () => camera.reset());
  on(
    "wheel",
    (event) => {
      if (!(event.ctrlKey || document.activeElement === element)) return; // else the page scrolls
      event.preventDefault();
      camera.zoom(Math.exp(-event.deltaY / 500));
    },
    { passive: false },
  );
  on("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (step && event.shiftKey) camera.pan(-step[0] * PAN_KEY, -step[1] * PAN_KEY);
    else if (step) camera.turn(step[0] * TURN_KEY, step[1] * TURN_KEY);
    else if (event.key === "+" || event.key === "=") camera.zoom(ZOOM_KEY);
    else if (event.key === "-") camera.zoom(1 / ZOOM_KEY);
    else if (event.key === "0") camera.reset();
    else return;
    event.preventDefault();
  });
}
