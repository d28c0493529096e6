// The contact sheet: a small picture of each instance, and of each placed shape, as buttons. It is one stop of the Tab key; arrows,
// Home and End move within it, Enter chooses.

import { fetchFrame } from "./frames.js";

const THUMB = 68; // CSS pixels

/** @typedef {{id: string, name: string, known: boolean}} Placed  A shape placed in the space (shapes.py). */
export class ContactSheet {
  /** @param {HTMLElement} root @param {(id: string) => void} onPick */
  constructor(root, onPick) {
    this.grid = root.querySelector('[data-sh="grid"]');
    this.search = root.querySelector('[data-sh="search"]');
    this.count = root.querySelector('[data-sh="count"]');
    this.drawn = root.querySelector('[data-sh="drawn"]');
    this.listening = new AbortController();
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal: this.listening.signal });
    on(this.grid, "click", (event) => {
      const card = event.target.closest("[data-id]");
      if (card) onPick(card.dataset.id);
    });
    on(this.search, "input", () => this.filter());
    on(this.grid, "keydown", (event) => this.walk(event));
    on(this.grid, "focusin", (event) => this.stop(event.target.closest("[data-id]")));
    this.urls = [];
  }

  /** @param {any} space  The answer of /api/spaces/ID. @param {Placed[]} placed  Newest first. */
  async load(space, placed) {
    this.table = space.instances;
    const wanted = (this.wanted = `${space.manifest.id} ${placed.map((each) => each.id)}`);
    this.grid.classList.add("sh-bones");
    const { header, array } = await fetchFrame(`api/spaces/${encodeURIComponent(space.manifest.id)}/sheet`);
    if (wanted !== this.wanted) return;
    this.drop();
    const rows = new Map(this.table.id.map((id, row) => [id, row])),
      names = new Map(placed.map((each) => [each.id, each]));
    const cards = [];
    for (const sheet of [...header.sheets.slice(1), header.sheets[0]]) {
      const url = URL.createObjectURL(new Blob([array(sheet.webp)], { type: "image/webp" }));
      this.urls.push(url);
      sheet.ids.forEach((id, at) => {
        if (!rows.has(id) && !names.has(id)) return;
        const card = document.createElement("button");
        card.tabIndex = -1;
        Object.assign(card, { type: "button", className: "sh-card", title: this.words(id, rows.get(id), names.get(id)) });
        Object.assign(card.dataset, { id, words: `${card.title} ${this.extra(rows.get(id))}`.toLowerCase() });
        card.setAttribute("aria-label", card.title);
        const picture = document.createElement("i");
        Object.assign(picture.style, {
          backgroundImage: `url(${url})`,
          backgroundSize: `${sheet.columns * THUMB}px auto`,
          backgroundPosition: `${-(at % sheet.columns) * THUMB}px ${-Math.floor(at / sheet.columns) * THUMB}px`,
        });
        const mark = document.createElement("b");
        card.append(picture, mark);
        if (names.has(id)) card.classList.add("sh-own");
        cards.push(card);
      });
    }
    this.grid.replaceChildren(...cards);
    this.grid.classList.remove("sh-bones");
    const { drawn } = header.sheets[0];
    const why = drawn === "matplotlib" ? " (OpenGL is not available)" : "";
    const count = (number) => number.toLocaleString("en"),
      { length } = header.sheets[0].ids,
      all = space.total - (this.table.id.length - length),
      of = length < all ? ` of ${count(all)} networks, evenly spaced in their table` : " networks";
    this.drawn.textContent = `${count(length)}${of}, drawn by ${drawn}${why}.`;
    this.filter();
    this.mark(this.marks ?? {});
  }

  words(id, row, placed) {
    if (placed) return `${placed.name} (placed${placed.known ? "" : ": a best guess"})`;
    const { split, predicted_iou: predicted } = this.table,
      held = { test: ", held out", val: ", validation" }[split[row]] ?? "";
    return `${id}${held}${predicted ? `, IoU ${predicted[row].toFixed(3)} as the space predicts it` : ""}`;
  }

  // What else a search finds: "pedestal", "arms", "slats".
  extra(row) {
    const { legs, slats, arms, split, file } = this.table;
    if (row === undefined) return "mine placed";
    const back = slats ? (slats[row] ? `slats ${slats[row]}` : "solid") : "";
    return [legs?.[row] ?? "", back, arms?.[row] ? "arms" : "", split[row], file?.[row] ?? ""].join(" ");
  }

  filter() {
    const wanted = this.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of this.grid.children) {
      card.hidden = !wanted.every((word) => card.dataset.words.includes(word));
      shown += !card.hidden;
    }
    this.count.textContent = wanted.length ? `${shown} found` : "";
    this.stop();
  }

  shown() {
    return [...this.grid.children].filter((card) => !card.hidden);
  }

  // The card that the Tab key comes to: where the focus was last, else the first that carries a letter, else the first.
  stop(card) {
    const cards = this.shown(),
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
    const cards = this.shown(),
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

  drop() {
    for (const url of this.urls) URL.revokeObjectURL(url);
    this.urls = [];
  }

  close() {
    this.listening.abort();
    this.drop();
  }
}
