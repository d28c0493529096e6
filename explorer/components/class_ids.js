// The architecture of the network under the thumb and the probability of each ClassId, in a space of several architectures.

const MARKERS = ["\u25cf", "\u25c6", "\u25a0", "\u271a", "\u2716"]; // circle, diamond, square, cross, x: as on the map

/**
 * @typedef {object} Architecture  One of a space, by ClassId (interpolation.py, architectures).
 * @property {string} id
 * @property {string} family
 * @property {number} parameters
 * @property {boolean} seen  Whether any of its instances trained the space.
 */
export class ClassIds {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /**
   * Bars for these architectures, by ClassId; nothing where there is only one.
   *
   * @param {Architecture[]} architectures
   */
  reset(architectures) {
    this.architectures = architectures;
    this.root.hidden = architectures.length < 2;
    const colours = getComputedStyle(this.root).getPropertyValue("--st-chart-categorical-colors").split(",");
    this.rows = architectures.map(({ id, family, parameters, seen }, i) => {
      const row = document.createElement("div");
      row.className = "ip-class-id";
      row.dataset.architecture = id;
      row.style.setProperty("--colour", colours[i % colours.length].trim());
      row.title = `${id}: ${parameters.toLocaleString("en")} parameters${seen ? "" : "; the space never saw one"}`;
      const name = document.createElement("span");
      name.textContent = `${MARKERS[i % MARKERS.length]} ${family}${seen ? "" : " (unseen)"}`;
      const size = document.createElement("small");
      size.textContent = parameters.toLocaleString("en");
      row.append(name, size, document.createElement("i"), document.createElement("b"));
      return row;
    });
    this.root.replaceChildren(...this.rows);
    delete this.root.dataset.architecture;
  }

  /**
   * What an answer says of its network.
   *
   * @param {{id: string, classes?: number[]}} network  `classes`: the probability of each ClassId.
   */
  paint({ id, classes }) {
    if (this.root.hidden || !classes) return;
    this.root.dataset.architecture = id;
    this.rows.forEach((row, i) => {
      row.classList.toggle("chosen", row.dataset.architecture === id);
      row.children[2].style.setProperty("--share", classes[i]);
      row.children[3].textContent = `${(100 * classes[i]).toFixed(1)}\u202f%`;
    });
  }
}
