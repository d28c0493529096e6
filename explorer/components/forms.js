// How values of a table's column are written, and the range that a colour scale has, by the column's form (explorer/screens.py).

/**
 * @typedef {object} Form
 * @property {(value: any) => string} write  A value.
 * @property {(value: number) => string} [end]  An end of a colour scale.
 * @property {(values: number[]) => number[]} [range]  Of the scale, from the lowest and highest value.
 * @property {number[]} [whole]  The range of what is measured anew.
 * @property {(value: number) => string} [tick]  A tick of a saved picture's scale.
 * @property {boolean} [log] @property {boolean} [names]  Whether the scale is logarithmic; a category.
 */

/**
 * @typedef {object} Column  Of a table, as Python sends it (explorer/screens.py, Column.data).
 * @property {string} name @property {string} label @property {string} form @property {string} short @property {string} missing
 * @property {string[]} parts
 */

/** @type {Record<string, Form>} */
export const FORMS = {
  percent: {
    write: (value) => `${(100 * value).toFixed(1)}\u202f%`,
    end: (value) => `${Math.round(100 * value)}\u202f%`,
    range: () => [0, 1],
    tick: (value) => `${Math.round(100 * value)}%`,
  },
  overlap: {
    write: (value) => value.toFixed(3),
    end: (value) => value.toFixed(1),
    range: ([low]) => [Math.floor(10 * low) / 10, 1],
    whole: [0, 1],
  },
  decibels: {
    write: (value) => `${value.toFixed(1)}\u202fdB`,
    end: (value) => `${value.toFixed(0)}\u202fdB`,
    range: ([low, high]) => [Math.floor(low), Math.ceil(high)],
  },
  steps: {
    write: (value) => `${value.toLocaleString("en")} steps`,
    end: (value) => Math.round(10 ** value).toLocaleString("en"),
    range: ([low, high]) => [Math.log10(low), Math.log10(high)],
    log: true,
  },
  number: {
    write: (value) => Number(Number(value).toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 }),
    end: (value) => Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 }),
    range: ([low, high]) => (high > low ? [low, high] : [low, low + 1]),
  },
  names: { write: (value) => String(value), names: true },
  text: { write: String },
};

/**
 * What a card or list says of a row: "92.4 %", "steps 120", "four legs, 3 slats, arms".
 *
 * @param {Record<string, any[]>} table  Column by name. @param {number} row @param {Column} column @returns {string}
 */
export function written(table, row, column) {
  if (column.form === "parts") return parts(table, row, column.parts);
  const value = table[column.name]?.[row];
  return value == null ? column.missing : FORMS[column.form].write(value);
}

// A word as it is, a count with its name, a property that something has by its name.
function parts(table, row, names) {
  const found = names.map((name) => [name, table[name]?.[row]]).filter(([, value]) => value);
  return found
    .map(([name, value]) =>
      typeof value === "string" ? value : value === true ? name : `${value} ${value === 1 ? name.replace(/s$/, "") : name}`,
    )
    .join(", ");
}

/** @param {string} words @returns {string} */
export const capital = (words) => words[0].toUpperCase() + words.slice(1);

/**
 * Of a column's values, those that are known; a column without any has [0, 1].
 *
 * @param {ArrayLike<number | null | undefined> & Iterable<number | null | undefined>} values @returns {number[]}  [lowest, highest]
 */
export function reached(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values)
    if (value != null) {
      if (value < low) low = value; // NaN, an unknown number of an array, is neither
      if (value > high) high = value;
    }
  return low <= high ? [low, high] : [0, 1];
}

/**
 * The axis of shares of which these are the lowest: from zero where any is near it; where all are high their differences are the
 * message, and the axis begins below the lowest.
 *
 * @param {number[]} lowest @returns {[number, number]}
 */
export function shareRange(lowest) {
  const low = Math.min(1, ...lowest);
  return low > 0.5 && lowest.length ? [Math.floor(20 * low - 0.5) / 20, 1.01] : [0, 1.02];
}
