// Which point is nearest to a place: points by the cells of a grid, sorted once.

const A_CELL = 2; // points, on average

/** Points of the plane by cells. */
export class Grid {
  /** @param {Float32Array} x @param {Float32Array} y @param {Uint32Array} rows  Those of them that count. */
  constructor(x, y, rows) {
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const row of rows) {
      left = Math.min(left, x[row]);
      right = Math.max(right, x[row]);
      bottom = Math.min(bottom, y[row]);
      top = Math.max(top, y[row]);
    }
    const side = (this.side = Math.max(1, Math.floor(Math.sqrt(rows.length / A_CELL))));
    const wide = (right - left) / side || 1,
      high = (top - bottom) / side || 1;
    Object.assign(this, { x, y, left, bottom, wide, high });
    const cell = (row) => this.column(x[row]) + side * this.line(y[row]);
    const start = (this.start = new Uint32Array(side * side + 1));
    for (const row of rows) start[cell(row) + 1]++;
    for (let at = 0; at < side * side; at++) start[at + 1] += start[at];
    const next = start.slice();
    this.rows = new Uint32Array(rows.length);
    for (const row of rows) this.rows[next[cell(row)]++] = row;
  }

  column(x) {
    return Math.min(this.side - 1, Math.max(0, Math.floor((x - this.left) / this.wide)));
  }

  line(y) {
    return Math.min(this.side - 1, Math.max(0, Math.floor((y - this.bottom) / this.high)));
  }

  /**
   * The point nearest to (x, y) among those within `reach`, where a unit across is `kx` long and one up `ky`.
   *
   * @param {number} x @param {number} y @param {number} reach @param {number} kx @param {number} ky
   * @returns {{row: number, away: number} | null}
   */
  nearest(x, y, reach, kx, ky) {
    if (!this.rows.length) return null;
    let found = null,
      least = reach;
    const [first, last] = [this.column(x - reach / kx), this.column(x + reach / kx)],
      [low, high] = [this.line(y - reach / ky), this.line(y + reach / ky)];
    for (let line = low; line <= high; line++)
      for (let at = this.start[first + this.side * line]; at < this.start[last + 1 + this.side * line]; at++) {
        const row = this.rows[at],
          away = Math.hypot((this.x[row] - x) * kx, (this.y[row] - y) * ky);
        if (away <= least) [found, least] = [row, away];
      }
    return found === null ? null : { row: found, away: least };
  }
}
