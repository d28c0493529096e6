// What lists ask the server: instances that a search finds, a page at a time, and their small pictures. One socket for all lists of a
// page, opened by the first question.

import { paintBytes, signedTable } from "./colours.js";
import { FORMS } from "./forms.js";
import { Live } from "./live.js";

const PICTURES = 64; // asked for at once, as engine/host/ops/pictures.py allows
const KEPT = 512; // pictures that are kept of a page

/**
 * @typedef {object} Row  (engine/host/columns.py)
 * @property {string} id @property {string} title @property {number} row @property {number | null} quality
 * @property {string} split @property {string} said  The split in words, "" of a training instance.
 * @property {string} architecture @property {boolean} kept @property {boolean} placed
 * @property {Record<string, any>} properties
 */

/**
 * @typedef {object} Question  (engine/host/ops/search.py)
 * @property {string} space @property {"instances" | "images"} [of] @property {string} [query] @property {object} [filters]
 * @property {string} [sort] @property {number} [offset] @property {number} [limit] @property {boolean} [all]
 */

let live; // the socket
const known = new Map(); // "instances space id" -> {pixels, rows, cols, colours}

const socket = () => (live ??= new Live());

/**
 * Instances of a space that a search finds, best first.
 *
 * @param {string} slot  Whose question it is: a newer one takes its place.
 * @param {Question} question
 * @returns {Promise<import("./live.js").Answer | null>}  `found`, `total` and `rows` in its header; null: overtaken. Rejects with the
 *   server's sentence.
 */
export const find = (slot, question) => socket().ask(slot, { op: "search", ...question }, 1);

/**
 * @param {number | null} value @param {import("./forms.js").Column | null} column @returns {string}  "92.4 %"
 */
export const figure = (value, column) => (column && value != null ? FORMS[column.form].write(value) : "");

/**
 * Ids of two different instances at random, of those that are trained on where there are two.
 *
 * @param {string} space @returns {Promise<string[] | null>}  null: overtaken, or there are none.
 */
export async function pair(space) {
  for (const filters of [{ split: ["train"] }, {}]) {
    const at = (offset) => find(`pair ${offset}`, { space, filters, offset, limit: 1 });
    const answer = await find("pair", { space, filters, limit: 0 }),
      count = answer?.header.found ?? 0;
    if (count < 2 && "split" in filters) continue;
    if (!count) return null;
    const a = Math.floor(Math.random() * count),
      b = (a + 1 + Math.floor(Math.random() * (count - 1))) % count;
    const ends = await Promise.all([at(a), at(b)]);
    return ends.every(Boolean) ? ends.map((end) => end.header.rows[0].id) : null;
  }
}

/**
 * Small pictures on the canvases of some instances; those that are known at once, the others when they have come.
 *
 * @param {string} space @param {Map<string, HTMLCanvasElement>} canvases  By id. @param {"instances" | "images"} [of]
 * @returns {Promise<void>}
 */
export async function drawPictures(space, canvases, of = "instances") {
  const name = (id) => `${of} ${space} ${id}`,
    paint = (ids) => ids.forEach((id) => draw(canvases.get(id), known.get(name(id))));
  const ids = [...canvases.keys()],
    missing = ids.filter((id) => !known.has(name(id)));
  paint(ids.filter((id) => !missing.includes(id)));
  for (let at = 0; at < missing.length; at += PICTURES) {
    const some = missing.slice(at, at + PICTURES);
    const answer = await socket()
      .ask(`pictures ${name(some[0])} ${some.length}`, { op: "pictures", space, of, ids: some })
      .catch(() => null); // a list without pictures is one still
    if (!answer) return;
    const { shape } = answer.header.pictures,
      bytes = answer.array("pictures"),
      size = bytes.length / some.length;
    some.forEach((id, i) => {
      if (known.size >= KEPT) known.delete(known.keys().next().value);
      known.set(name(id), { pixels: bytes.slice(i * size, (i + 1) * size), rows: shape[1], cols: shape[2], deep: shape[3] });
    });
    paint(some);
  }
}

/** A picture on a canvas: bytes on the scale of signed values, or RGBA. */
function draw(canvas, picture) {
  if (!canvas?.isConnected || !picture) return; // the list is another one by now
  const { pixels, rows, cols, deep } = picture;
  canvas.classList.toggle("square", Boolean(deep));
  if (!deep) return paintBytes(canvas, pixels, rows, cols, signedTable(canvas));
  Object.assign(canvas, { width: cols, height: rows });
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels), cols, rows), 0, 0);
}
