// What lies under and over the map's points, as paths and words of SVG: axes, the lines to neighbours, runs, the line between the
// anchors, rings and flags. On the screen and in a saved picture it is the same.

import { shapeOf } from "./latent_map_names.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * A path or a word: `d` with how it is drawn, or `text` at `x`, `y`.
 *
 * @typedef {object} Mark
 * @property {string} [d] @property {string} [stroke] @property {number} [width] @property {string} [dash] @property {string} [fill]
 * @property {number} [opacity] @property {string} [text] @property {number} [x] @property {number} [y] @property {string} [anchor]
 * @property {number} [size] @property {number} [weight] @property {number} [turn]  In degrees. @property {string} [part]  A name.
 */

/** @param {(number[] | null)[]} points  On the stage; null ends a stroke. @returns {string}  A path. */
export function stroke(points) {
  let d = "",
    pen = "M";
  for (const point of points) {
    if (point) d += `${pen}${point[0].toFixed(1)},${point[1].toFixed(1)}`;
    pen = point ? "L" : "M";
  }
  return d;
}

/** @param {number} x @param {number} y @param {number} r @returns {string} */
export const circle = (x, y, r) => shapeOf("circle", x, y, r);

// The attributes of a mark's element.
function attributes({ d, stroke: ink = "none", width = 1, fill = "none", x, y, anchor = "start", size = 12, ...more }) {
  const { dash, opacity, weight, turn, part } = more,
    found =
      d === undefined
        ? { x, y, fill, "text-anchor": anchor, "font-size": size }
        : { d, fill, stroke: ink, "stroke-width": width };
  if (d !== undefined) Object.assign(found, { "stroke-linejoin": "round", "stroke-linecap": "round" });
  if (dash) found["stroke-dasharray"] = dash;
  if (opacity !== undefined) found.opacity = opacity;
  if (weight) found["font-weight"] = weight;
  if (turn) found.transform = `rotate(${turn} ${x} ${y})`;
  if (part) found["data-mark"] = part;
  return found;
}

/**
 * Draws marks into an SVG element; elements are taken over from the last time.
 *
 * @param {SVGElement} svg @param {Mark[]} marks @returns {void}
 */
export function drawInto(svg, marks) {
  marks.forEach((mark, at) => {
    const tag = mark.d === undefined ? "text" : "path";
    let element = svg.childNodes[at];
    if (element?.nodeName !== tag) {
      const fresh = document.createElementNS(SVG, tag);
      element ? element.replaceWith(fresh) : svg.append(fresh);
      element = fresh;
    }
    const wanted = attributes(mark);
    for (const name of element.getAttributeNames()) if (!(name in wanted)) element.removeAttribute(name);
    for (const [name, value] of Object.entries(wanted)) element.setAttribute(name, String(value));
    if (mark.text !== undefined && element.textContent !== mark.text) element.textContent = mark.text;
  });
  while (svg.childNodes.length > marks.length) svg.lastChild.remove();
}

/** @param {Mark[]} marks @returns {string}  The same as text, for a file. */
export function asText(marks) {
  const safe = (value) => String(value).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return marks
    .map((mark) => {
      const words = Object.entries(attributes(mark)).map(([name, value]) => ` ${name}="${safe(value)}"`);
      return mark.d === undefined ? `<text${words.join("")}>${safe(mark.text)}</text>` : `<path${words.join("")}/>`;
    })
    .join("\n");
}

/**
 * An anchor's flag: its letter in a box above its point.
 *
 * @param {number[]} at  On the stage. @param {string} letter @param {Record<string, any>} look @returns {Mark[]}
 */
export function flag([x, y], letter, look) {
  return [
    { d: stroke([[x, y - 6], [x, y - 22]]), stroke: look.text, width: 2 },
    { d: `M${x - 10},${y - 44}h20v22h-20Z`, fill: look.text, stroke: look.back, width: 1 },
    { text: letter, x, y: y - 28, anchor: "middle", fill: look.back, size: 14, weight: 700, part: `flag-${letter}` },
  ];
}

/**
 * Round values between two, some `wanted` of them.
 *
 * @param {number} low @param {number} high @param {number} wanted @returns {number[]}
 */
export function rounds(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted),
    power = 10 ** Math.floor(Math.log10(rough)),
    step = power * [1, 2, 5, 10].find((each) => each * power >= rough);
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high + 1e-9 * step; at++) found.push(Number((at * step).toPrecision(12)));
  return found;
}

/**
 * The axes of a flat picture that are quantities: numbers and a title on the ground's own colour, which hides what lies beyond.
 *
 * @param {import("./latent_map_views.js").Flat} flat @param {string[]} titles  "" where an axis is the picture's own.
 * @param {Record<string, any>} look @returns {{under: Mark[], over: Mark[]}}
 */
export function quantities(flat, titles, look) {
  const { left, top, width, height } = flat.inside,
    [low, high, bottom, upper] = flat.seen,
    [right, base] = [left + width, top + height];
  const under = [],
    over = [{ d: `M0,0H${flat.width}V${flat.height}H0Z M${left},${top}V${base}H${right}V${top}Z`, fill: look.back }];
  over.push({ d: `M${left},${top}H${right}V${base}H${left}Z`, stroke: look.border });
  const say = (value) => value.toLocaleString("en", { maximumSignificantDigits: 4 });
  if (titles[0]) {
    for (const value of rounds(low, high, width / 90)) {
      const [x] = flat.project(value, 0);
      under.push({ d: `M${x.toFixed(1)},${top}V${base}`, stroke: look.border });
      over.push({ text: say(value), x, y: base + 16, anchor: "middle", fill: look.text });
    }
    over.push({ text: titles[0], x: left + width / 2, y: base + 36, anchor: "middle", fill: look.text, size: 14 });
  }
  if (titles[1]) {
    for (const value of rounds(bottom, upper, height / 60)) {
      const [, y] = flat.project(0, value);
      under.push({ d: `M${left},${y.toFixed(1)}H${right}`, stroke: look.border });
      over.push({ text: say(value), x: left - 6, y: y + 4, anchor: "end", fill: look.text });
    }
    const y = top + height / 2;
    over.push({ text: titles[1], x: 16, y, anchor: "middle", fill: look.text, size: 14, turn: -90 });
  }
  return { under, over };
}

/**
 * The walls behind a solid picture, with a grid: those of the box's faces that look away from the eye.
 *
 * @param {import("./latent_map_views.js").Solid} solid @param {Record<string, any>} look @returns {Mark[]}
 */
export function walls(solid, look) {
  const { spans } = solid,
    { matrix } = solid.matrix(),
    at = (place) => solid.project(...place, matrix);
  const depth = (place) => at(place)?.[2] ?? -1,
    middle = spans.map(([low, high]) => (low + high) / 2);
  const found = [];
  spans.forEach((ends, axis) => {
    const [near, far] = ends.map((end) => depth(middle.map((value, i) => (i === axis ? end : value))));
    const wall = ends[near > far ? 0 : 1],
      [across, up] = [0, 1, 2].filter((i) => i !== axis);
    const on = (u, v) => {
      const place = [0, 0, 0];
      [place[axis], place[across], place[up]] = [wall, u, v];
      return at(place);
    };
    for (let part = 0; part <= 4; part++) {
      const share = ([low, high]) => low + (part / 4) * (high - low),
        [u, v] = [share(spans[across]), share(spans[up])];
      found.push(
        stroke([on(u, spans[up][0]), on(u, spans[up][1])]),
        stroke([on(spans[across][0], v), on(spans[across][1], v)]),
      );
    }
  });
  return [{ d: found.join(""), stroke: look.border, part: "walls" }];
}
