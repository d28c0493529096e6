// Colours of signed values, zero exactly neutral. The theme holds ten diverging stops, since Streamlit wants ten: the middle one is
// there twice, and drops out here.

/** @param {Element} element  Whose style has the theme. @returns {string[]}  Nine colours, "#rrggbb". */
export function signedStops(element) {
  const stops = getComputedStyle(element)
    .getPropertyValue("--st-chart-diverging-colors")
    .split(",")
    .map((stop) => stop.trim());
  return stops.filter((stop, at) => stop !== stops[at - 1]);
}

/**
 * 256 colours of -1 .. 1. Zero is a byte of 127 or 128, as it was rounded: both are the middle.
 *
 * @param {Element} element @returns {number[][]}  [red, green, blue], 0 to 255.
 */
export function signedRamp(element) {
  const stops = signedStops(element).map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))),
    half = (stops.length - 1) / 2;
  return Array.from({ length: 256 }, (_, byte) => {
    const place = half * (byte < 128 ? byte / 127 : 1 + (byte - 128) / 127),
      low = Math.min(stops.length - 2, Math.floor(place));
    return stops[low].map((value, channel) => Math.round(value + (stops[low + 1][channel] - value) * (place - low)));
  });
}

/**
 * The same for paintBytes.
 *
 * @param {Element} element @returns {Uint32Array}  256 RGBA words, little endian.
 */
export function signedTable(element) {
  return Uint32Array.from(signedRamp(element), ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
}

/**
 * The colour of a shadow on the page's ground.
 *
 * @param {Element} element  Whose style has the theme. @returns {number[]}  [red, green, blue], 0 to 1.
 */
export function meshShadow(element) {
  const style = getComputedStyle(element);
  const [back, text] = ["background", "text"].map((name) => {
    const hex = style.getPropertyValue(`--st-${name}-color`).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  });
  return back.map((part, i) => (part > 0.5 ? 0.88 * part + 0.12 * text[i] : 0.45 * part));
}

/**
 * A list of colours from a CSS variable, interpolated in between.
 *
 * @param {Element} element @param {string} variable @returns {Uint32Array}  256 RGBA words, little endian.
 */
export function colourTable(element, variable) {
  const stops = getComputedStyle(element)
    .getPropertyValue(variable)
    .split(",")
    .map((text) => parseInt(text.trim().slice(1), 16));
  return Uint32Array.from({ length: 256 }, (_, index) => {
    const place = (index / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const mix = (shift) =>
      Math.round(((stops[low] >> shift) & 255) * (low + 1 - place) + ((stops[low + 1] >> shift) & 255) * (place - low));
    return (255 << 24) | (mix(0) << 16) | (mix(8) << 8) | mix(16);
  });
}

/**
 * Bytes on a canvas of rows x cols pixels, each coloured by the table; CSS scales it up.
 *
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} bytes @param {number} rows @param {number} cols
 * @param {Uint32Array} table  256 RGBA words. @returns {void}
 */
export function paintBytes(canvas, bytes, rows, cols, table) {
  if (canvas.width !== cols || canvas.height !== rows) Object.assign(canvas, { width: cols, height: rows });
  const image = new ImageData(cols, rows);
  const words = new Uint32Array(image.data.buffer);
  for (let at = 0; at < words.length; at++) words[at] = table[bytes[at]];
  canvas.getContext("2d").putImageData(image, 0, 0);
}
