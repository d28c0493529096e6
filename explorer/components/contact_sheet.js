// The contact sheet: a small picture of each shape that a search finds, as buttons, what was placed first. It is one stop of the Tab key;
// arrows, Home and End move within it, Enter chooses. The server searches (finder.js); pictures are drawn as they come into sight.

import { drawPictures, find } from "./finder.js";

const SHOWN = 200; // cards at most: the rest is searched for

/** @typedef {{id: string, name: string, known: boolean}} Placed  A shape placed in the space (shapes.py). */
/** @typedef {import("./finder.js").Row} Row */
export class ContactSheet {
  /** @param {HTMLElement} root @param {(id: string) => void} onPick */
  constructor(root, onPick) {
    this.grid = root.querySelector('[data-sh="grid"]');
    this.search = root.querySelector('[data-sh="search"]');
    this.count = root.querySelector('[data-sh="count"]');
    this.listening = new AbortController();
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal: this.listening.signal });
    on(this.grid, "click", (event) => {
      const card = event.target.closest("[data-id]");
      if (card) onPick(card.dataset.id);
    });
    on(this.search, "input", () => this.look());
    on(this.grid, "keydown", (event) => this.walk(event));
    on(this.grid, "focusin", (event) => this.stop(event.target.closest("[data-id]")));
    this.sight = new IntersectionObserver((entries) => this.appear(entries), { root: this.grid, rootMargin: "150px" });
    Object.assign(this, { marks: {}, placed: new Map() });
  }

  /** @param {string} space @param {Placed[]} placed @returns {Promise<void>} */
  load(space, placed) {
    if (space !== this.space) this.search.value = "";
    this.space = space;
    this.placed = new Map(placed.map((each) => [each.id, each]));
    this.grid.classList.add("sh-bones");
    return this.look();
  }

  async look() {
    const { space } = this,
      query = this.search.value;
    if (!space) return;
    const placed = { split: ["placed"] }; // these come last in the table
    let answers;
    try {
      answers = await Promise.all([
        this.placed.size ? find("sheet placed", { space, query, filters: placed, limit: SHOWN }) : { header: { rows: [] } },
        find("sheet", { space, query, limit: SHOWN }),
      ]);
    } catch (error) {
      this.count.textContent = error.message; // the cards of the last query that could be read stay
      return;
    }
    if (!answers.every(Boolean) || space !== this.space) return;
    const [own, { header }] = answers,
      rows = [...own.header.rows, ...header.rows.filter((row) => !row.placed)].slice(0, SHOWN);
    this.sight.disconnect();
    this.grid.replaceChildren(...rows.map((row) => this.card(row)));
    for (const card of this.grid.children) this.sight.observe(card);
    this.grid.classList.remove("sh-bones");
    const number = (value) => value.toLocaleString("en");
    this.count.textContent =
      header.found > rows.length
        ? `The first ${rows.length} of ${number(header.found)}. Type part of an id, split:test or iou>0.9`
        : header.found
          ? `${number(header.found)}${query.trim() ? ` of ${number(header.total)}` : ""} shapes`
          : "Nothing has that. Type part of an id, split:test or iou>0.9";
    this.mark(this.marks);
  }

  /** @param {Row} row */
  card(row) {
    const card = document.createElement("button"),
      canvas = document.createElement("canvas"),
      words = this.words(row);
    card.tabIndex = -1;
    Object.assign(card, { type: "button", className: `sh-card${row.placed ? " sh-own" : ""}`, title: words });
    card.dataset.id = row.id;
    card.setAttribute("aria-label", words);
    Object.assign(canvas, { width: 1, height: 1 });
    card.append(canvas, document.createElement("b"));
    return card;
  }

  words({ id, title, said, quality, placed }) {
    if (placed) return `${title} (placed${this.placed.get(id)?.known === false ? ": a best guess" : ""})`;
    return `${title}${said ? `, ${said}` : ""}${quality == null ? "" : `, IoU ${quality.toFixed(3)} as the space predicts it`}`;
  }

  appear(entries) {
    const cards = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target);
    cards.forEach((card) => this.sight.unobserve(card));
    drawPictures(this.space, new Map(cards.map((card) => [card.dataset.id, card.firstChild])));
  }

  // The card that the Tab key comes to: where the focus was last, else the first that carries a letter, else the first.
  stop(card) {
    const cards = [...this.grid.children],
      marked = (each) => each.getAttribute("aria-pressed") === "true";
    this.focused = card ?? this.focused;
    const next = cards.includes(this.focused) ? this.focused : (cards.find(marked) ?? cards[0]);
    if (this.current && this.current !== next) this.current.tabIndex = -1;
    this.current = next;
    if (next) next.tabIndex = 0;
  }

  // Which cards carry a letter: {id: "A"}.
  mark(marks) {
    this.marks = marks;
    for (const card of this.grid.children) {
      const letter = marks[card.dataset.id] ?? "";
      card.lastChild.textContent = letter;
      card.setAttribute("aria-pressed", String(Boolean(letter)));
    }
    this.stop();
  }

  // Bring the card of an id into sight, without moving the page.
  reveal(id) {
    const card = [...this.grid.children].find((each) => each.dataset.id === id);
    if (!card) return;
    const { offsetTop: top, offsetHeight: height } = card,
      { scrollTop, clientHeight } = this.grid;
    if (top < scrollTop || top + height > scrollTop + clientHeight) this.grid.scrollTop = top - clientHeight / 2 + height / 2;
  }

  walk(event) {
    const cards = [...this.grid.children],
      at = cards.indexOf(document.activeElement);
    if (at < 0) return;
    const across = cards.filter((card) => card.offsetTop === cards[0].offsetTop).length;
    const down = cards.filter((card) => card.offsetLeft === cards[0].offsetLeft).length;
    const byColumn = cards.length > 1 && cards[1].offsetTop > cards[0].offsetTop && across > 1; // on a narrow screen
    const [side, line] = byColumn ? [down, 1] : [1, across];
    const to = {
      ArrowLeft: at - side,
      ArrowRight: at + side,
      ArrowUp: at - line,
      ArrowDown: at + line,
      Home: 0,
      End: cards.length - 1,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    cards[to]?.focus();
  }

  close() {
    this.listening.abort();
    this.sight.disconnect();
  }
}
