// The hands on the map's stage: pan, zoom, turn, box and lasso, what the pointer is on, clicks.

import { gestures, turning } from "./camera.js";
import { Grid } from "./latent_map_grid.js";
import { Around, make } from "./latent_map_panel.js";
import { stroke } from "./latent_map_scene.js";
import { clicks } from "./mount.js";

const REACH = 14; // pixels: so near a pointer is on a point
const ON_LINE = 8; // on a point of the line, which lies above the others
const SHAKE = { mouse: 4, pen: 6, touch: 10 }; // pixels that a press may move without being a drag

/** The map with its hands; see LatentMap for its fields. */
export class Handled extends Around {
  hold() {
    const over = this.find("over"),
      { signal } = this.listening,
      on = (type, handler) => over.addEventListener(type, handler, { signal });
    const turn = turning(over, this.solid.camera),
      flat = () => !this.isSolid;
    on("pointerdown", (event) => {
      this.find("stage").focus({ preventScroll: true });
      if (event.isPrimary) this.press = { from: this.spot(event), held: false, path: [this.spot(event)] };
      this.hover(null);
    });
    gestures(over, signal, {
      drag: (dx, dy, event) => {
        const { press } = this,
          here = this.spot(event);
        if (!press || !this.there) return;
        if (!press.held) {
          [dx, dy] = [here[0] - press.from[0], here[1] - press.from[1]];
          if (Math.hypot(dx, dy) <= (SHAKE[event.pointerType] ?? 4)) return;
          press.held = true;
        }
        if (!flat()) turn.drag(dx, dy, event);
        else if (this.drag === "pan") this.flat.pan(dx, dy);
        else this.encircle(here);
      },
      pinch: (factor, dx, dy, x, y) => {
        this.press = null;
        if (!flat()) return turn.pinch(factor, dx, dy);
        this.flat.zoom(factor, x, y);
        this.flat.pan(dx, dy);
      },
      wheel: (factor, x, y) => {
        flat() ? this.flat.zoom(factor, x, y) : this.solid.camera.zoom(factor);
        this.hover(null);
        return true;
      },
      double: (event) => {
        if (this.under(...this.spot(event)) === null) this.reset();
      },
      end: () => this.enclose(),
    });
    on("pointermove", (event) => {
      if (!event.buttons && event.pointerType === "mouse") this.hover(this.under(...this.spot(event)), this.spot(event));
    });
    on("pointerleave", () => this.hover(null));
    clicks(over, signal, (event) => {
      const what = this.under(...this.spot(event));
      if (event.pointerType !== "mouse") this.hover(what, this.spot(event));
      if (typeof what === "number") this.pickRow(what);
    });
  }

  async hover(what, at) {
    const changed = what !== this.over;
    this.over = what;
    const card = this.find("card"),
      line = this.line();
    card.hidden = what === null || (typeof what === "string" && !line) || (card.hidden && changed && typeof what === "number");
    if (what === null) return;
    if (typeof what === "number") {
      await this.table.look({ rows: [what] });
      if (this.over !== what || !this.table.facts.has(what)) return;
      if (changed || card.hidden) card.replaceChildren(...this.card(what, this.look, "hover"));
    } else if (changed) card.replaceChildren(...this.step(Number(what.slice(1)), line));
    card.hidden = false;
    const { width, height } = this.eye,
      [x, y] = at;
    card.style.left = `${x + 18 + card.offsetWidth > width ? Math.max(4, x - card.offsetWidth - 18) : x + 18}px`;
    card.style.top = `${Math.max(4, Math.min(y + 12, height - card.offsetHeight - 4))}px`;
  }

  // What is said of a network on the line.
  step(i, line) {
    const facts = make("dl", {}),
      { walked } = this.data.screen,
      value = line.values[i];
    const said = [
      ["gamma", line.gammas[i].toFixed(2)],
      [walked.label, value == null ? "not measured" : this.form(walked).write(value)],
    ];
    if (line.basis) said.push(["measured on", line.basis]);
    for (const [name, text] of said) facts.append(make("dt", {}, name), make("dd", {}, text));
    return [make("h4", {}, "Decoded on the line"), facts, ...this.far(line.outside?.[i]?.words)];
  }

  spot(event) {
    const box = this.find("over").getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /**
   * What a place of the stage is on: a row, "p3", or null.
   *
   * @param {number} x @param {number} y @returns {number | string | null}
   */
  under(x, y) {
    if (!this.there) return null;
    let [step, least] = [null, ON_LINE];
    this.walkedAt().forEach((at, i) => {
      const away = at ? Math.hypot(at[0] - x, at[1] - y) : Infinity;
      if (away <= least) [step, least] = [`p${i}`, away];
    });
    const found = this.isSolid ? this.nearestSolid(x, y) : this.nearestFlat(x, y);
    return found && (step === null || found.away <= least + 0.5) ? found.row : step; // where both are, at an anchor, it is the instance
  }

  nearestFlat(x, y) {
    const [across, up] = this.axes().map((name) => this.table.columns.get(name)),
      order = this.order(),
      grid = this.kept("grid", [across, up, order], () => new Grid(across, up, order));
    return grid.nearest(...this.flat.place(x, y), REACH, ...this.flat.scale);
  }

  // Of those under the pointer the one in front, else the nearest.
  nearestSolid(x, y) {
    const { matrix } = this.solid.matrix(),
      places = this.places(),
      radius = this.plot.drawing.size / 2 + 1,
      [halfWide, halfHigh] = [this.solid.width / 2, this.solid.height / 2];
    let [found, least] = [null, Infinity];
    for (const row of this.order()) {
      const [px, py, pz] = [places[3 * row], places[3 * row + 1], places[3 * row + 2]];
      const far = matrix[3] * px + matrix[7] * py + matrix[11] * pz + matrix[15];
      const dx = ((matrix[0] * px + matrix[4] * py + matrix[8] * pz + matrix[12]) / far + 1) * halfWide - x;
      if (far < 0.2 || dx > REACH || dx < -REACH) continue;
      const away = Math.hypot(dx, (1 - (matrix[1] * px + matrix[5] * py + matrix[9] * pz + matrix[13]) / far) * halfHigh - y);
      const rank = away <= radius ? far - 1000 : away;
      if (away <= REACH && rank < least) [found, least] = [{ row, away }, rank];
    }
    return found;
  }

  // A box or a lasso, while it is drawn.
  encircle(here) {
    const { press } = this,
      [[x, y]] = press.path;
    if (this.drag === "lasso") press.path.push(here);
    else press.path = [[x, y], [here[0], y], here, [x, here[1]]];
    this.outlined = press.path.map(([x, y]) => this.flat.place(x, y));
    this.redraw();
  }

  // What a box or lasso goes around, where it is now.
  outlines() {
    if (!this.outlined || this.isSolid) return [];
    const d = `${stroke(this.outlined.map((place) => this.flat.project(...place)))}Z`;
    return [{ d, stroke: this.look.accent, width: 2, dash: "2 4" }];
  }

  enclose() {
    const { press } = this;
    this.press = null;
    if (!press?.held || press.path.length < 3 || this.drag === "pan" || this.isSolid || !this.there) return;
    const inside = polygon(press.path.map(([x, y]) => this.flat.place(x, y)));
    const [across, up] = this.axes().map((name) => this.table.columns.get(name));
    this.selected([...this.order().filter((row) => inside(across[row], up[row]))].sort((one, other) => one - other));
  }

  /** @param {number[]} rows */
  selected(rows) {
    if (!rows.length) this.outlined = null;
    this.selection = rows;
    this.select(spans(rows));
    this.paint();
  }

  walk([dx, dy]) {
    // to the nearest point that way, as seen in the 2D picture
    const here = this.table.rows.get(this.view.instance) ?? 0,
      [x2, y2] = this.flatAxes().map((name) => this.table.columns.get(name));
    let best = null,
      least = Infinity;
    for (const row of this.order()) {
      const x = x2[row] - x2[here],
        y = y2[row] - y2[here];
      const ahead = x * dx + y * dy,
        aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (row !== here && ahead > aside && ahead + 2 * aside < least) {
        best = row;
        least = ahead + 2 * aside;
      }
    }
    if (best !== null) this.show(best);
  }
}

// Whether a place lies within a polygon.
function polygon(corners) {
  const xs = corners.map(([x]) => x),
    ys = corners.map(([, y]) => y);
  const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return (x, y) => {
    if (x < left || x > right || y < bottom || y > top) return false;
    let inside = false;
    for (let i = 0, j = corners.length - 1; i < corners.length; j = i++)
      if (ys[i] > y !== ys[j] > y && x < ((xs[j] - xs[i]) * (y - ys[i])) / (ys[j] - ys[i]) + xs[i]) inside = !inside;
    return inside;
  };
}

/**
 * Rows as text, "0-4,7", for Python.
 *
 * @param {number[]} rows  Rising. @returns {string}
 */
function spans(rows) {
  const found = [];
  for (const row of rows) {
    const last = found.at(-1);
    if (last && last[1] === row - 1) last[1] = row;
    else found.push([row, row]);
  }
  return found.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join();
}
