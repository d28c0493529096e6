// Real test images by class, with a network's answer under each, right or wrong, and the accuracy of each class.

const MARKS = { right: "\u2713", wrong: "\u2717" };

/** @typedef {{right: number, n: number}} Count  How many of n images a network gets right. */
export class ClassBoard {
  /**
   * @param {HTMLElement} element
   * @param {import("./frames.js").Frame} frame  Of /api/spaces/{id}/images.
   * @param {number} shown  About so many images are drawn, as many of each class.
   */
  constructor(element, { header, array }, shown) {
    this.element = element;
    this.labels = header.labels;
    this.classes = header.classes;
    const [, rows, cols, channels = 1] = header.images.shape;
    const pixels = array("images");
    const each = Math.max(1, Math.min(4, Math.round(shown / this.classes.length)));
    this.cells = [];
    this.bars = [];
    element.replaceChildren();
    for (const [label, name] of this.classes.slice(0, shown).entries()) {
      const column = this.add(element, "div", "ip-class");
      const head = this.add(column, "div", "ip-class-name", name);
      head.title = name;
      const grid = this.add(column, "div", each > 1 ? "ip-cells" : "ip-cells ip-one");
      const found = this.labels.flatMap((other, at) => (other === label ? [at] : [])).slice(0, each);
      for (const at of found) {
        const cell = this.add(grid, "div", "ip-cell");
        const canvas = this.add(cell, "canvas");
        canvas.setAttribute("aria-hidden", "true");
        const size = rows * cols * channels;
        paintPixels(canvas, pixels.subarray(at * size, (at + 1) * size), rows, cols, channels);
        this.cells.push({ at, cell, text: this.add(cell, "span", "", "\u00a0") });
      }
      const bar = this.add(column, "div", "ip-class-bar");
      this.bars.push({ column, fill: this.add(bar, "i"), text: this.add(column, "div", "ip-class-value", "\u00a0") });
    }
  }

  add(parent, tag, name = "", text = "") {
    const child = document.createElement(tag);
    if (name) child.className = name;
    if (text) child.textContent = text;
    return parent.appendChild(child);
  }

  /**
   * Only what has changed is touched: this runs for every frame of a drag.
   *
   * @param {number[]} answers  The predicted class of each image. @param {Count[]} perClass
   */
  paint(answers, perClass) {
    for (const place of this.cells) {
      const answer = answers[place.at];
      if (answer === undefined || answer === place.answer) continue;
      place.answer = answer;
      const verdict = answer === this.labels[place.at] ? "right" : "wrong";
      place.text.textContent = `${this.classes[answer]} ${MARKS[verdict]}`;
      place.cell.dataset.verdict = verdict;
      place.cell.title = `test image ${place.at}: ${this.classes[this.labels[place.at]]}, answered ${this.classes[answer]}`;
    }
    for (const [label, bar] of this.bars.entries()) {
      const { right, n } = perClass[label];
      if (bar.right === right && bar.n === n) continue;
      Object.assign(bar, { right, n });
      bar.fill.style.transform = `scaleX(${n ? right / n : 0})`;
      bar.text.textContent = n ? `${((100 * right) / n).toFixed(1)}\u202f%` : "–";
      bar.column.dataset.right = right;
      bar.text.title = `${right} of ${n} test images of this class`;
    }
  }

  close() {
    this.element.replaceChildren();
  }
}

function paintPixels(canvas, pixels, rows, cols, channels) {
  Object.assign(canvas, { width: cols, height: rows });
  const image = new ImageData(cols, rows);
  for (let at = 0; at < rows * cols; at++) {
    for (let channel = 0; channel < 3; channel++)
      image.data[4 * at + channel] = pixels[at * channels + (channels === 3 ? channel : 0)];
    image.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
