// A camera that turns about a place, and the hands on it: the meshes' and the map's.

const HOME = { azimuth: 38, elevation: 22, distance: 4.1, x: 0, y: -0.04, z: 0 }; // degrees; lengths in units of the cube [-1, 1]^3
const FIELD = (30 * Math.PI) / 180; // of view, vertical
const TURN = 0.4; // degrees a pixel
const TURN_KEY = 7.5,
  PAN_KEY = 0.08,
  ZOOM_KEY = 1.15;
const REST_MS = 250; // so long after its last movement a camera rests

/**
 * What a place's eye coordinates are multiplied by in a picture of this shape; narrow ones keep it whole.
 *
 * @param {number} width @param {number} height @returns {number[]}  [across, up]
 */
export function lens(width, height) {
  const zoom = 1 / Math.tan(FIELD / 2),
    tall = Math.min(1, width / height);
  return [(zoom * tall * height) / width, zoom * tall];
}

/** A camera that several views share. */
export class Camera {
  /** @param {Record<string, number>} [home]  Where it stands at first, and after `reset`. */
  constructor(home = HOME) {
    this.views = new Set();
    this.onMove = this.onRest = () => {};
    this.home = home;
    Object.assign(this, home);
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
    Object.assign(this, this.home);
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

/**
 * Fingers, mouse and wheel on an element, told as what they do; lengths in pixels of the page, places from the element's corner.
 *
 * @param {HTMLElement} element @param {AbortSignal} signal
 * @param {object} told
 * @param {(dx: number, dy: number, event: PointerEvent) => void} told.drag
 * @param {(factor: number, dx: number, dy: number, x: number, y: number) => void} told.pinch  Two fingers: apart by so much, and moved.
 * @param {(factor: number, x: number, y: number, event: WheelEvent) => boolean} told.wheel  Whether it was the view's:
 *   else the page scrolls.
 * @param {(event: MouseEvent) => void} told.double
 * @param {(event: PointerEvent) => void} [told.end]
 * @returns {void}
 */
export function gestures(element, signal, { drag, pinch, wheel, double, end = () => {} }) {
  const fingers = new Map(),
    on = (type, handler, options) => element.addEventListener(type, handler, { signal, ...options });
  const from = (x, y) => {
    const box = element.getBoundingClientRect();
    return [x - box.left, y - box.top];
  };
  on("contextmenu", (event) => event.preventDefault());
  on("pointerdown", (event) => {
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"])
    on(type, (event) => {
      if (fingers.delete(event.pointerId) && !fingers.size) end(event);
    });
  on("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1],
      [x, y] = [event.clientX, event.clientY];
    fingers.set(event.pointerId, [x, y]);
    if (!other) return drag(x - before[0], y - before[1], event);
    const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
    const factor = apart(before) > 10 ? apart([x, y]) / apart(before) : 1;
    pinch(factor, (x - before[0]) / 2, (y - before[1]) / 2, ...from((x + other[0]) / 2, (y + other[1]) / 2));
  });
  on("dblclick", double);
  on(
    "wheel",
    (event) => {
      if (wheel(Math.exp(-event.deltaY / 500), ...from(event.clientX, event.clientY), event)) event.preventDefault();
    },
    { passive: false },
  );
}

/**
 * What turns a camera: drag to turn, Shift or the right button (two fingers) to pan, wheel to zoom.
 *
 * @param {HTMLElement} element @param {Camera} camera
 * @returns {{drag: (dx: number, dy: number, event: PointerEvent) => void, pinch: (factor: number, dx: number, dy: number) => void}}
 */
export function turning(element, camera) {
  const share = (pixels) => pixels / element.clientHeight;
  return {
    drag(dx, dy, event) {
      if (event.shiftKey || event.buttons & 6) camera.pan(-share(dx), share(dy));
      else camera.turn(-dx * TURN, dy * TURN);
    },
    pinch(factor, dx, dy) {
      camera.zoom(factor);
      camera.pan(-share(dx), share(dy));
    },
  };
}

/**
 * Hands on a view: drag to turn, Shift or the right button (two fingers) to pan, wheel with Ctrl or with the focus to zoom, keys.
 *
 * @param {HTMLElement} element @param {Camera} camera @param {AbortSignal} signal @returns {void}
 */
export function handle(element, camera, signal) {
  gestures(element, signal, {
    ...turning(element, camera),
    wheel(factor, x, y, event) {
      if (!(event.ctrlKey || document.activeElement === element)) return false; // the page scrolls
      camera.zoom(factor);
      return true;
    },
    double: () => camera.reset(),
  });
  element.addEventListener(
    "keydown",
    (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (step && event.shiftKey) camera.pan(-step[0] * PAN_KEY, -step[1] * PAN_KEY);
      else if (step) camera.turn(step[0] * TURN_KEY, step[1] * TURN_KEY);
      else if (event.key === "+" || event.key === "=") camera.zoom(ZOOM_KEY);
      else if (event.key === "-") camera.zoom(1 / ZOOM_KEY);
      else if (event.key === "0") camera.reset();
      else return;
      event.preventDefault();
    },
    { signal },
  );
}
