// What is said of the meshes that are shown: a row for each view, measured when the thumb rests.

const SAYINGS = [
  ["iou-a", "IoU to A"],
  ["iou-b", "IoU to B"],
  ["chamfer-a", "Chamfer to A"],
  ["chamfer-b", "Chamfer to B"],
  ["volume", "volume"],
  ["area", "area"],
  ["components", "components"],
  ["watertight", "watertight"],
];

/** The figures of the meshes that are shown. */
export class ShapeTable {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /**
   * @param {string[]} titles  Of the views. @param {string[]} ends  Ids. @param {string} mode  "path", or what else is shown.
   */
  rows(titles, ends, mode) {
    this.ends = ends;
    this.one = mode !== "path";
    this.shown = SAYINGS.filter(([name]) => !(this.one && name.endsWith("-b"))).map(([name, title]) => [
      name,
      this.one ? title.replace(" to A", " to its network") : title,
    ]);
    const table = document.createElement("table"),
      head = table.createTHead().insertRow();
    head.append(
      document.createElement("td"),
      ...this.shown.map(([, title]) => Object.assign(document.createElement("th"), { textContent: title, scope: "col" })),
    );
    const body = table.createTBody();
    this.cells = titles.map((title) => {
      const row = body.insertRow();
      row.append(Object.assign(document.createElement("th"), { textContent: title, scope: "row" }));
      return Object.fromEntries(
        this.shown.map(([name]) => {
          const cell = row.insertCell();
          cell.textContent = "–";
          cell.dataset.of = name;
          return [name, cell];
        }),
      );
    });
    this.root.replaceChildren(table);
    this.fade();
  }

  fade() {
    this.root.classList.add("sh-old");
    delete this.root.dataset.ready;
  }

  say(at, { mesh, to }) {
    const cells = this.cells[at],
      number = (value, digits = 3) => (value === null || value === undefined ? "–" : value.toFixed(digits));
    const said = {
      volume: mesh && number(mesh.volume),
      area: mesh && number(mesh.area),
      components:
        mesh && (mesh.components > 1 ? `${mesh.components} (${(100 * mesh.largest_share).toFixed(1)}\u202f% in one)` : "1"),
      watertight: mesh && (mesh.watertight ? "yes" : "no"),
    };
    for (const [end, id] of [
      ["a", this.ends[0]],
      ["b", this.ends[1]],
    ]) {
      said[`iou-${end}`] = number(to[id]?.iou);
      said[`chamfer-${end}`] = number(to[id]?.chamfer, 4);
    }
    for (const [name, cell] of Object.entries(cells)) cell.textContent = said[name] || "–";
    if (at + 1 < this.cells.length) return;
    this.root.classList.remove("sh-old");
    this.root.dataset.ready = "true";
  }
}
