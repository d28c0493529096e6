// Tables as CSV files that a spreadsheet takes for what they are (engine/core/cells.py does the same).

const FORMULA = /^(?:[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** @param {unknown} value  A number, text, or nothing. @returns {string} */
function csvCell(value) {
  if (typeof value === "number") return String(value);
  const text = (value === null || value === undefined ? "" : String(value)).replaceAll(/\r\n?/g, "\n");
  const harmless = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** @param {unknown[][]} rows  The first one has the names of the columns. @returns {string} */
function csvText(rows) {
  return rows.map((row) => row.map(csvCell).join(",") + "\n").join("");
}

/**
 * Download a table as a CSV file.
 *
 * @param {unknown[][]} rows  The first one has the names of the columns.
 * @param {string} name  Of the file, without its suffix.
 * @returns {void}
 */
export function saveCsv(rows, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csvText(rows)], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}
