// The latent map by a column of names: what its legend lists, in which order, and the symbol that tells a name apart.

const SYMBOLS = ["circle", "diamond", "square", "cross", "x"]; // in Plotly's words
const SPLITS = ["train", "val", "test", "kept", "placed"];
const OTHER = "other"; // what has no name in the column that is shown

/**
 * What a value of a column of names is called.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function nameOf(value) {
  return String(value ?? OTHER);
}

/**
 * The names of a column: splits in their own order, architectures in the zoo's, others in a dictionary's.
 *
 * @param {Record<string, any[]>} table
 * @param {string} column
 * @returns {string[]}
 */
export function namesIn(table, column) {
  const all = [...new Set(table[column].map(nameOf))];
  if (column === "split") return SPLITS.filter((split) => all.includes(split));
  if (column === "architecture") return all;
  const last = (name) => Number(name === OTHER);
  return all.sort((a, b) => last(a) - last(b) || a.localeCompare(b, undefined, { numeric: true }));
}

/**
 * The symbol of the `i`th name: symbols tell architectures apart where there are several, else what the colours do.
 *
 * @param {number} i
 * @param {Record<string, any[]>} table
 * @param {string} column
 * @returns {string}
 */
export function symbolOf(i, table, column) {
  const several = new Set(table.architecture).size > 1;
  return SYMBOLS[several && column !== "architecture" ? 0 : i % SYMBOLS.length];
}
