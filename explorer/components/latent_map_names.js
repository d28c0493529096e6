// The latent map by a column of names: what its legend lists, in which order, and the symbol that tells a name apart.

/** The symbols, as the shader numbers them. @type {string[]} */
export const SYMBOLS = ["circle", "diamond", "square", "cross", "x"];
/** As text, in a legend. @type {Record<string, string>} */
export const GLYPHS = { circle: "●", diamond: "◆", square: "■", cross: "✚", x: "✖" };
const SPLITS = ["train", "val", "test", "kept", "placed"];
const OTHER = "other"; // what has no name in the column that is shown

/**
 * The names of a column: splits in their own order, architectures in the zoo's, others in a dictionary's.
 *
 * @param {Set<unknown>} values  Its values; null where there is none. @param {string} column @param {string[]} own  In the zoo's order.
 * @returns {string[]}
 */
export function namesIn(values, column, own) {
  const all = new Set([...values].map((value) => String(value ?? OTHER)));
  if (column === "split") return SPLITS.filter((split) => all.has(split));
  if (column === "architecture") return [...new Set([...own.filter((name) => all.has(name)), ...all])];
  const last = (name) => Number(name === OTHER);
  return [...all].sort((a, b) => last(a) - last(b) || a.localeCompare(b, undefined, { numeric: true }));
}

/**
 * The symbol of the `i`th name of a column: symbols tell architectures apart where there are several, else what the colours do.
 *
 * @param {number} i @param {string} column @param {boolean} several @returns {string}
 */
export function symbolOf(i, column, several) {
  return SYMBOLS[several && column !== "architecture" ? 0 : i % SYMBOLS.length];
}

/**
 * The shapeOf of a symbol about (x, y), as an SVG path.
 *
 * @param {string} symbol @param {number} x @param {number} y @param {number} r  Its radius. @returns {string}
 */
export function shapeOf(symbol, x, y, r) {
  const at = (points) => `M${points.map(([dx, dy]) => `${(x + dx * r).toFixed(2)},${(y + dy * r).toFixed(2)}`).join("L")}Z`;
  const arms = [
    ...[[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4]],
    ...[[0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
  ];
  if (symbol === "diamond") return at([[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]]);
  if (symbol === "square") return at([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]);
  if (symbol === "cross") return at(arms);
  if (symbol === "x") return at(arms.map(([dx, dy]) => [(dx - dy) * 0.7071, (dx + dy) * 0.7071]));
  return `M${(x - r).toFixed(2)},${y.toFixed(2)}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0Z`;
}
