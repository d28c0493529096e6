// From where the map is seen: flat, as a box of its plane, or solid, by a camera that turns about it. Both say where a place of the map
// lies on the screen, in pixels from the stage's corner, and give the matrix by which the points are drawn.

import { Camera, lens } from "./camera.js";

const MARGIN = { left: 64, right: 12, top: 40, bottom: 48 }; // where the axes are quantities and have numbers; pixels
const BARE = { left: 0, right: 0, top: 0, bottom: 0 };
const CLOSEST = 1e-4,
  FARTHEST = 20; // of the home box's width: what can be zoomed to
const SOLID_HOME = { azimuth: 135, elevation: 25, distance: 5.2, x: 0, y: 0, z: 0 };
const REACH = 0.48; // the unit of lengths in links (a box whose longest side is 1.5) over the camera's, times what its lens is narrower

/** A box of the plane. `home` holds everything; `box` is what a person zoomed to, or null. Boxes are [left, right, bottom, top]. */
export class Flat {
  constructor() {
    Object.assign(this, { home: [0, 1, 0, 1], box: null, width: 1, height: 1, alike: true });
    /** Told of each change by a hand. */
    this.moved = () => {};
  }

  get margin() {
    return this.alike ? BARE : MARGIN;
  }

  /** Where the picture lies in the stage. @returns {{left: number, top: number, width: number, height: number}} */
  get inside() {
    const { left, right, top, bottom } = this.margin;
    return { left, top, width: Math.max(1, this.width - left - right), height: Math.max(1, this.height - top - bottom) };
  }

  /** Pixels of a unit across and up: the same where both are the picture's own. @returns {number[]} */
  get scale() {
    const [left, right, bottom, top] = this.box ?? this.home,
      { width, height } = this.inside;
    const scale = [width / (right - left), height / (top - bottom)];
    return this.alike ? [Math.min(...scale), Math.min(...scale)] : scale;
  }

  get centre() {
    const [left, right, bottom, top] = this.box ?? this.home;
    return [(left + right) / 2, (bottom + top) / 2];
  }

  /** What is seen: the box, with what the stage has room for beside it. @returns {number[]} */
  get seen() {
    const [kx, ky] = this.scale,
      [x, y] = this.centre,
      { width, height } = this.inside;
    return [x - width / 2 / kx, x + width / 2 / kx, y - height / 2 / ky, y + height / 2 / ky];
  }

  project(x, y) {
    const [kx, ky] = this.scale,
      [cx, cy] = this.centre,
      { left, top, width, height } = this.inside;
    return [left + width / 2 + (x - cx) * kx, top + height / 2 - (y - cy) * ky];
  }

  /** The place of the map under one of the stage. */
  place(px, py) {
    const [kx, ky] = this.scale,
      [cx, cy] = this.centre,
      { left, top, width, height } = this.inside;
    return [cx + (px - left - width / 2) / kx, cy - (py - top - height / 2) / ky];
  }

  matrix() {
    const [x0, y0] = this.project(0, 0),
      [kx, ky] = this.scale,
      [sx, sy] = [2 / this.width, 2 / this.height];
    return {
      matrix: new Float32Array([kx * sx, 0, 0, 0, 0, ky * sy, 0, 0, 0, 0, 1, 0, x0 * sx - 1, 1 - y0 * sy, 0, 1]),
      far: 0,
    };
  }

  show([left, right, bottom, top]) {
    const wide = (right - left) / (this.home[1] - this.home[0]);
    if (wide < CLOSEST || wide > FARTHEST) return;
    this.box = [left, right, bottom, top].map((value) => Number(value.toPrecision(7)));
    this.moved();
  }

  pan(dx, dy) {
    const [kx, ky] = this.scale,
      [left, right, bottom, top] = this.seen;
    this.show([left - dx / kx, right - dx / kx, bottom + dy / ky, top + dy / ky]);
  }

  /** Closer by a factor, about a place of the stage. */
  zoom(factor, px, py) {
    const [x, y] = this.place(px, py),
      [left, right, bottom, top] = this.seen;
    this.show([x + (left - x) / factor, x + (right - x) / factor, y + (bottom - y) / factor, y + (top - y) / factor]);
  }

  reset() {
    this.box = null;
    this.moved();
  }
}

/** A camera about the map in three dimensions, whose longest side is as long as the camera's cube. */
export class Solid {
  constructor() {
    Object.assign(this, { width: 1, height: 1, middle: [0, 0, 0], unit: 1, camera: new Camera(SOLID_HOME) });
  }

  /** Fits the map's spans, [[low, high], ...] of each axis. */
  fit(spans) {
    this.spans = spans;
    this.middle = spans.map(([low, high]) => (low + high) / 2);
    this.unit = 2 / Math.max(...spans.map(([low, high]) => high - low));
  }

  /** A place of the map as the camera knows it, whose second axis is up. */
  lift(x, y, z) {
    const [a, b, c] = this.middle;
    return [(x - a) * this.unit, (z - c) * this.unit, (b - y) * this.unit];
  }

  matrix() {
    const { camera } = this,
      [right, up, back] = camera.axes(),
      [across, high] = lens(this.width, this.height),
      along = (axis) => axis[0] * camera.x + axis[1] * camera.y + axis[2] * camera.z;
    const rows = [
      [...right.map((part) => across * part), -across * along(right)],
      [...up.map((part) => high * part), -high * along(up)],
      [...back.map((part) => -part), along(back) + camera.distance - 0.2],
      [...back.map((part) => -part), along(back) + camera.distance],
    ];
    return { matrix: Float32Array.from([0, 1, 2, 3].flatMap((column) => rows.map((row) => row[column]))), far: camera.distance };
  }

  /** Where a place lies on the stage, and how far away; null behind the eye. @returns {number[] | null} */
  project(x, y, z, matrix = this.matrix().matrix) {
    const at = this.lift(x, y, z),
      of = (row) => matrix[row] * at[0] + matrix[4 + row] * at[1] + matrix[8 + row] * at[2] + matrix[12 + row];
    const away = of(3);
    return away > 0.2 ? [(0.5 + of(0) / away / 2) * this.width, (0.5 - of(1) / away / 2) * this.height, away] : null;
  }

  /** The camera as nine numbers, for links: its eye, what it looks at, and up, in the map's axes. @returns {number[]} */
  get eye() {
    const { camera } = this,
      [dx, dy, dz] = camera.direction(),
      away = camera.distance * REACH,
      [x, y, z] = [camera.x, camera.y, camera.z].map((part) => 0.75 * part);
    return [x + dx * away, -(z + dz * away), y + dy * away, x, -z, y, 0, 0, 1];
  }

  /** @param {number[] | null} eye  Nine numbers; null for where it stands at first. */
  look(eye) {
    const { camera } = this;
    Object.assign(camera, SOLID_HOME);
    if (!eye) return;
    const [dx, dy, dz] = [eye[0] - eye[3], eye[2] - eye[5], -(eye[1] - eye[4])],
      away = Math.hypot(dx, dy, dz),
      degrees = 180 / Math.PI;
    if (!(away > 0.05 && away < 50)) return;
    Object.assign(camera, {
      azimuth: Math.atan2(dx, dz) * degrees,
      elevation: Math.min(89, Math.max(-89, Math.asin(dy / away) * degrees)),
      distance: Math.min(20, Math.max(0.6, away / REACH)),
      ...{ x: eye[3] / 0.75, y: eye[5] / 0.75, z: -eye[4] / 0.75 },
    });
  }
}
