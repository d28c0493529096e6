// A picker of one instance among any number: the server searches (finder.js), the first rows are shown, each with its picture, figure
// and split. A combobox with a list, as the ARIA practices describe it.

import { drawPictures, figure, find } from "./finder.js";
import { mount } from "./mount.js";

const TAIL = 10; // characters at the end of an id that are never cut: there ids differ
const PAGE = 8; // rows that Page Up and Page Down pass
const MARGIN = 8; // CSS pixels that the list keeps from the window's edge
let count = 0;

/**
 * @typedef {object} PickerData  (picker.py)
 * @property {string} space @property {string} label @property {string} help
 * @property {import("./finder.js").Row | null} row  What is picked.
 * @property {import("./forms.js").Column | null} quality
 * @property {{id: string, title: string, bare: true}[]} first  What can be picked beside the space's instances, before them.
 * @property {boolean} free  Whether ZOO/INSTANCE can be typed. @property {"instances" | "images"} of  What is listed.
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement @param {PickerData} args.data
 * @param {(name: string, value: unknown) => void} args.setTriggerValue  Tells Python what was picked.
 * @returns {() => void}
 */
export default function ({ data, parentElement, setTriggerValue }) {
  return mount(
    parentElement,
    () => new Picker(parentElement.querySelector(".pk")),
    (picker) => {
      picker.send = (id) => setTriggerValue("pick", { space: data.space, id });
      picker.update(data);
    },
    import.meta.url,
  );
}

class Picker {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-pk="${name}"]`);
    this.slot = `picker ${++count}`;
    this.input = this.find("input");
    this.list = this.find("list");
    this.rows = [];
    this.at = -1; // of the row that the keys are on
    this.input.id = `pk-${count}`;
    this.list.id = `pk-list-${count}`;
    this.find("label").htmlFor = this.input.id;
    this.input.setAttribute("aria-controls", this.list.id);
    this.listening = new AbortController();
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal: this.listening.signal });
    on(this.input, "input", () => this.search(this.input.value));
    on(this.input, "keydown", (event) => this.key(event));
    on(this.input, "click", () => this.open());
    on(this.input, "focus", () => this.input.select());
    on(this.input, "blur", () => this.shut());
    on(this.find("drop"), "pointerdown", (event) => event.preventDefault()); // the focus stays in the field; a finger scrolls still
    on(this.list, "click", (event) => {
      const option = event.target.closest('[role="option"]');
      if (option) this.pick(Number(option.dataset.at));
    });
  }

  update(data) {
    const moved = data.row?.id !== this.data?.row?.id || data.space !== this.data?.space;
    this.data = data;
    this.find("label").textContent = data.label;
    this.list.setAttribute("aria-label", data.label);
    this.root.title = data.help ?? "";
    if (moved || !this.opened) this.settle();
  }

  // The field says what is picked.
  settle() {
    const { row, quality, space } = this.data,
      [head, tail, small] = this.find("value").children;
    const title = row?.title ?? "";
    this.input.value = title;
    this.input.title = title;
    head.textContent = title.slice(0, -TAIL);
    tail.textContent = title.slice(-TAIL);
    small.textContent = row ? [figure(row.quality, quality), row.said].filter(Boolean).join(" · ") : "";
    this.find("picture").hidden = !row || row.bare;
    if (row && !row.bare) drawPictures(space, new Map([[row.id, this.find("picture")]]), this.data.of);
  }

  open() {
    if (this.opened) return;
    this.input.select();
    this.drop();
    this.search("");
  }

  drop() {
    this.opened = true;
    this.root.classList.add("pk-open");
    this.input.setAttribute("aria-expanded", "true");
    this.find("drop").hidden = false;
    this.place();
  }

  shut() {
    if (!this.opened) return;
    this.opened = false;
    this.root.classList.remove("pk-open");
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.find("drop").hidden = true;
    this.settle();
  }

  // The list lies within the window, above the field where there is more room.
  place() {
    const drop = this.find("drop"),
      box = this.root.querySelector(".pk-box").getBoundingClientRect(),
      wide = document.documentElement.clientWidth,
      below = window.innerHeight - box.bottom - 2 * MARGIN,
      above = box.top - 2 * MARGIN,
      up = below < 200 && above > below;
    const width = Math.min(Math.max(box.width, 340), wide - 2 * MARGIN);
    Object.assign(drop.style, {
      width: `${width}px`,
      left: `${Math.min(0, wide - MARGIN - box.left - width)}px`,
      top: up ? "auto" : "100%",
      bottom: up ? `${box.height + 4}px` : "auto",
    });
    this.list.style.maxHeight = `${Math.max(120, Math.min(380, (up ? above : below) - 40))}px`;
  }

  async search(query) {
    if (!this.opened) this.drop();
    const { space, of, first } = this.data;
    const words = this.find("words");
    let answer;
    try {
      answer = await find(this.slot, { space, of, query });
    } catch (error) {
      words.textContent = error.message;
      return this.show([]);
    }
    if (!answer || !this.opened || this.data.space !== space) return;
    const { found, total, rows } = answer.header,
      wanted = query.trim().toLowerCase();
    const more = first.filter((each) => each.title.toLowerCase().includes(wanted));
    if (this.data.free && /\S\/\S/.test(wanted)) more.push({ id: query.trim(), title: query.trim(), bare: true });
    this.show([...more, ...rows], !query);
    const number = (value) => value.toLocaleString("en");
    words.textContent =
      found > rows.length
        ? `The first ${rows.length} of ${number(found)}. ${this.hint()}`
        : found || more.length
          ? query && `${number(found)} of ${number(total)}`
          : `Nothing has that. ${this.hint()}`;
  }

  hint() {
    const { quality, of } = this.data,
      name = quality?.name.split("_").pop();
    if (of === "images") return "Type its number, or shows: and what it shows";
    return `Type part of an id, or split:test${quality ? ` ${name}>${quality.form === "decibels" ? 20 : 0.9}` : ""}`;
  }

  /** @param {import("./finder.js").Row[]} rows @param {boolean} [stay]  On what is picked; else on the best. */
  show(rows, stay) {
    this.rows = rows;
    const canvases = new Map();
    this.list.replaceChildren(
      ...rows.map((row, at) => {
        const option = document.createElement("li"),
          title = document.createElement("span"),
          small = document.createElement("small");
        Object.assign(option, { id: `${this.list.id}-${at}` });
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", String(row.id === this.data.row?.id));
        option.dataset.at = String(at);
        title.textContent = row.title;
        small.textContent = row.bare
          ? ""
          : [figure(row.quality, this.data.quality), row.said, row.placed ? row.id : ""].filter(Boolean).join(" · ");
        if (!row.bare) {
          const canvas = document.createElement("canvas");
          Object.assign(canvas, { width: 1, height: 1, className: "pk-picture" });
          canvas.setAttribute("aria-hidden", "true");
          canvases.set(row.id, canvas);
          option.append(canvas);
        }
        option.append(title, small);
        return option;
      }),
    );
    this.list.hidden = !rows.length;
    const here = rows.findIndex((row) => row.id === this.data.row?.id);
    this.move(stay && here >= 0 ? here : 0);
    drawPictures(this.data.space, canvases, this.data.of);
  }

  move(at) {
    this.list.children[this.at]?.classList.remove("pk-on");
    this.at = Math.max(0, Math.min(this.rows.length - 1, at));
    const option = this.list.children[this.at];
    if (!option) return this.input.removeAttribute("aria-activedescendant");
    option.classList.add("pk-on");
    this.input.setAttribute("aria-activedescendant", option.id);
    const { offsetTop: top, offsetHeight: height } = option,
      { scrollTop, clientHeight } = this.list;
    if (top < scrollTop) this.list.scrollTop = top;
    else if (top + height > scrollTop + clientHeight) this.list.scrollTop = top + height - clientHeight;
  }

  pick(at) {
    const row = this.rows[at];
    if (!row) return;
    if (row.id !== this.data.row?.id) {
      this.data = { ...this.data, row };
      this.send(row.id);
    }
    this.shut();
    this.input.select();
  }

  key(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE };
    if (event.key in steps) {
      if (event.altKey && event.key === "ArrowUp") this.shut();
      else if (!this.opened) this.open();
      else this.move(this.at + steps[event.key]);
    } else if (event.key === "Enter") this.opened ? this.pick(this.at) : this.open();
    else if (event.key === "Escape" && this.opened) {
      this.shut();
      this.input.select();
      event.stopPropagation();
    } else return;
    event.preventDefault();
  }

  close() {
    this.listening.abort();
  }
}
