// A canvas that WebGL2 draws on, shared by the meshes and the map: its context and what is in it, pixels for what is shown, frames when
// something changed, and its coming back where the graphics driver was reset. No library: what is drawn is a few dozen lines.

const REST_MS = 250; // so long after its last movement a view rests
const LOST_MS = 500; // so long the browser has to give back a lost graphics context

/**
 * Whether this browser has WebGL2.
 *
 * @returns {boolean}
 */
export function able() {
  const gl = document.createElement("canvas").getContext("webgl2");
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(gl);
}

/**
 * A program of two shaders; its attributes lie at 0, 1, ... in the order of their names.
 *
 * @param {WebGL2RenderingContext} gl @param {string} vertex @param {string} fragment
 * @param {string[]} attributes @param {string[]} uniforms
 * @returns {{program: WebGLProgram, at: Record<string, WebGLUniformLocation>}}  With the places of its uniforms. Throws where it does
 *   not compile.
 */
export function compiled(gl, vertex, fragment, attributes, uniforms) {
  const program = gl.createProgram();
  for (const [kind, text] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  attributes.forEach((name, place) => gl.bindAttribLocation(program, place, name));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
  return { program, at: Object.fromEntries(uniforms.map((name) => [name, gl.getUniformLocation(program, name)])) };
}

/**
 * A canvas with a context. What extends it has `build()`, which makes programs and buffers and fills them with what it had, and
 * `draw(draft)`; without a graphics card it is drawn as a draft while it moves, and whole once it rests.
 */
export class Surface {
  // The driver was reset, or other tabs draw too much: where the context does not come back, another canvas takes over.
  /** @param {HTMLCanvasElement} canvas */
  open(canvas) {
    Object.assign(this, { canvas, gl: canvas.getContext("webgl2", { antialias: false, alpha: true }) });
    const named = this.gl.getExtension("WEBGL_debug_renderer_info");
    /** What draws: "SwiftShader" and the like where there is no graphics card. */
    this.renderer = named ? this.gl.getParameter(named.UNMASKED_RENDERER_WEBGL) : "";
    this.slow = /swiftshader|llvmpipe|software/i.test(this.renderer);
    this.build();
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.lost = setTimeout(() => this.replace(canvas), LOST_MS);
    });
    canvas.addEventListener("webglcontextrestored", () => {
      if (this.closed || this.canvas !== canvas) return;
      this.build();
      this.invalidate();
    });
  }

  replace(canvas) {
    if (this.closed || this.canvas !== canvas || !this.gl.isContextLost()) return;
    const fresh = canvas.cloneNode();
    canvas.replaceWith(fresh);
    this.open(fresh);
    this.invalidate();
  }

  /**
   * The canvas in pixels of its own for its size on the page.
   *
   * @param {number} ratio  Pixels drawn for each one shown, an axis.
   * @returns {number[] | null}  [width, height]; null where nothing can be drawn.
   */
  sized(ratio) {
    const { gl, canvas } = this,
      width = Math.round(canvas.clientWidth * ratio),
      height = Math.round(canvas.clientHeight * ratio);
    if (!width || !height || gl.isContextLost()) return null;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    return [width, height];
  }

  /** Whether it is drawn as a draft while it moves. */
  get drafts() {
    return this.slow;
  }

  // Something changed: it is drawn with the next frame.
  invalidate() {
    Surface.touched = performance.now();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.part);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw(this.drafts);
      if (this.drafts) this.finish();
    });
  }

  // Once no view has changed for a moment: all of it, with smooth edges.
  finish() {
    clearTimeout(this.timer);
    const wait = Surface.touched + REST_MS - performance.now();
    this.timer = setTimeout(() => (performance.now() < Surface.touched + REST_MS ? this.finish() : this.whole()), wait);
  }

  // What a view that rests shows. One that takes long may draw it in parts, a frame each (`part`).
  whole() {
    this.draw(false);
  }

  close() {
    for (const frame of [this.frame, this.part]) cancelAnimationFrame(frame);
    clearTimeout(this.timer);
    clearTimeout(this.lost);
    this.closed = true;
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
