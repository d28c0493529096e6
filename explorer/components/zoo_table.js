// The table of a zoo: a page of rows at a time, which the server searches, filters and sorts (finder.js). What is filtered here the map
// shows, what is looked at there is marked here.

import { drawPictures, find } from "./finder.js";
import { FORMS } from "./forms.js";
import { disable, mount, pressed } from "./mount.js";

const PAGE = 25; // rows
const REST_MS = 400; // so long after the last letter the link follows
const FIRST = ["id", "split", "architecture"]; // columns, with the quality behind the first

/**
 * @typedef {object} TableData  (zoo_table.py)
 * @property {string} space @property {string} find  A query. @property {string} sort  A column's name, or "-" and the name.
 * @property {string | null} instance  What is looked at. @property {import("./forms.js").Column | null} quality
 * @property {Record<string, string>} forms  How the values of a column are written; "number" where it is not said.
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement @param {TableData} args.data
 * @param {(name: string, value: unknown) => void} args.setTriggerValue  Tells Python what was done.
 * @returns {() => void}
 */
export default function ({ data, parentElement, setTriggerValue }) {
  return mount(
    parentElement,
    () => new ZooTable(parentElement.querySelector(".zt")),
    (table) => {
      table.send = (values) => setTriggerValue("act", { of: data.space, ...values });
      table.update(data);
    },
    import.meta.url,
  );
}

const make = (tag, attributes = {}, text = "") => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
};

// A column as a query spells it, and a term about it: what a value holds of spaces is quoted (engine/host/search.py).
const spelled = (name) => name.replace(/[^\w.]+/g, "_");
const term = (name, value) => `${spelled(name)}:${/\s/.test(value) ? `"${value}"` : value}`;

class ZooTable {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-zt="${name}"]`);
    this.offset = 0;
    this.listening = new AbortController();
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal: this.listening.signal });
    on(this.find("find"), "input", () => this.filter(this.find("find").value));
    on(this.find("column"), "change", () => this.choose());
    on(this.find("value"), "change", () => this.add(this.find("value").value));
    on(root, "click", (event) => this.click(event));
    on(root, "keydown", (event) => {
      if (event.key === "Enter" && event.target.matches('[type="number"]')) this.find("ends").querySelector("button").click();
    });
  }

  update(data) {
    const known = this.data,
      own = this.typing !== undefined; // letters that Python does not know yet
    this.data = own ? { ...data, find: this.typing } : data;
    if (data.space !== known?.space) Object.assign(this, { offset: 0, columns: null });
    if (!own && this.find("find").value !== data.find) this.find("find").value = data.find;
    if (!known || ["space", "find", "sort"].some((name) => known[name] !== this.data[name])) {
      this.offset = 0;
      this.ask();
    } else if (known.instance !== data.instance) this.mark();
  }

  filter(query) {
    this.typing = query;
    this.data = { ...this.data, find: query };
    this.offset = 0;
    this.ask();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.typing = undefined;
      this.send({ find: query });
    }, REST_MS);
  }

  async ask() {
    const { space, find: query, sort } = this.data;
    this.find("clear").hidden = !query;
    this.find("csv").href = `api/spaces/${encodeURIComponent(space)}/instances.csv?${new URLSearchParams({ query, sort })}`;
    let answer;
    try {
      answer = await find("table", { space, query, sort, offset: this.offset, limit: PAGE });
    } catch (error) {
      this.find("problem").textContent = error.message; // the rows of the last query that could be read stay
      return;
    }
    if (!answer || space !== this.data.space) return;
    this.find("problem").textContent = "";
    this.show(answer.header);
  }

  show({ found, total, rows, columns, quality }) {
    this.rows = rows;
    if (!this.columns) {
      const named = new Map(columns.map((each) => [each.name, each]));
      const order = ["id", ...(quality ? [quality] : []), ...FIRST.slice(1), ...columns.map((each) => each.name)];
      this.columns = [...new Set(order)].filter((name) => named.has(name) && name !== "name").map((name) => named.get(name));
      this.offer();
    }
    this.head();
    const canvases = new Map();
    this.find("body").replaceChildren(...rows.map((row) => this.line(row, canvases)));
    this.mark();
    drawPictures(this.data.space, canvases);
    const number = (value) => value.toLocaleString("en");
    this.find("count").textContent = found === total ? `${number(total)} networks` : `${number(found)} of ${number(total)} networks`;
    this.find("page").textContent = found
      ? `${number(this.offset + 1)} to ${number(this.offset + rows.length)} of ${number(found)}`
      : "Nothing has that";
    disable(this.find("back"), !this.offset);
    disable(this.find("on"), this.offset + rows.length >= found);
  }

  head() {
    const { sort } = this.data,
      by = sort.replace(/^-/, "");
    this.find("head").replaceChildren(
      ...this.columns.map(({ name, holds }) => {
        const turned = sort.startsWith("-"),
          cell = make("th", { scope: "col", "aria-sort": by === name ? (turned ? "descending" : "ascending") : "none" });
        const button = make("button", { type: "button", "data-do": "sort", "data-value": name }, name.replaceAll("_", " "));
        button.append(make("i", { "aria-hidden": "true" }, by === name ? (turned ? "▾" : "▴") : ""));
        cell.classList.toggle("zt-number", holds === "numbers");
        cell.append(button);
        return cell;
      }),
    );
  }

  line(row, canvases) {
    const line = make("tr", { "data-id": row.id }),
      canvas = make("canvas", { width: 1, height: 1, class: "zt-picture", "aria-hidden": "true" }),
      button = make("button", { type: "button", "data-do": "look", "data-value": row.id }, row.title),
      first = make("th", { scope: "row" });
    canvases.set(row.id, canvas);
    first.append(canvas, button);
    line.append(
      first,
      ...this.columns.slice(1).map(({ name, holds }) => {
        const value = row.properties[name] ?? row[name];
        return make("td", holds === "numbers" ? { class: "zt-number" } : {}, this.words(name, value, holds, row));
      }),
    );
    return line;
  }

  words(name, value, holds, row) {
    if (name === "split") return row.said || row.split;
    if (value == null) return "–";
    return holds === "numbers" ? FORMS[this.data.forms[name] ?? "number"].write(value) : String(value);
  }

  // The row of what is looked at on the map.
  mark() {
    for (const line of this.find("body").children) {
      const here = line.dataset.id === this.data.instance;
      here ? line.setAttribute("aria-current", "true") : line.removeAttribute("aria-current");
    }
  }

  // ---- filters

  offer() {
    const { quality } = this.data;
    const part = quality?.name.split("_").pop();
    this.find("find").placeholder = `Filter: an id, split:test${quality ? ` ${part}>${quality.form === "decibels" ? 20 : 0.9}` : ""}`;
    const able = this.columns.filter((each) => each.holds === "numbers" || each.values);
    this.find("column").replaceChildren(
      make("option", { value: "" }, "Filter by"),
      ...able.map(({ name }) => make("option", { value: name }, name.replaceAll("_", " "))),
    );
    this.choose();
  }

  choose() {
    const column = this.columns?.find((each) => each.name === this.find("column").value);
    this.find("ends").hidden = column?.holds !== "numbers";
    this.find("value").hidden = !column?.values;
    for (const end of ["from", "to"]) {
      this.find(end).value = "";
      const reached = column?.range?.[end === "from" ? 0 : 1];
      this.find(end).placeholder = reached == null ? "" : String(Number(reached.toPrecision(4)));
    }
    this.find("value").replaceChildren(
      make("option", { value: "" }, "choose"),
      ...(column?.values ?? []).map((value) => make("option", { value }, value)),
    );
  }

  // A filter by the chosen column, in place of another by it.
  add(value) {
    const name = this.find("column").value;
    if (!name || !value) return;
    const own = spelled(name).replaceAll(".", "\\."),
      others = this.data.find.replace(new RegExp(`(^|\\s)${own}(:|[<>]=?|=)("[^"]*"|\\S+)`, "g"), "").trim();
    const query = `${others} ${term(name, value)}`.trim();
    this.find("find").value = query;
    this.filter(query);
  }

  click(event) {
    const button = pressed(event);
    if (!button) return;
    const { do: action, value } = button.dataset;
    if (action === "look") this.send({ instance: value });
    else if (action === "sort") {
      const numbers = this.columns.find((each) => each.name === value).holds === "numbers", // the best first
        order = numbers ? [`-${value}`, value, ""] : [value, `-${value}`, ""];
      const sort = order[(order.indexOf(this.data.sort) + 1) % order.length];
      this.update({ ...this.data, sort });
      this.send({ sort });
    } else if (action === "back" || action === "on") {
      this.offset = Math.max(0, this.offset + (action === "on" ? PAGE : -PAGE));
      this.ask();
    } else if (action === "clear") {
      this.find("find").value = "";
      this.filter("");
    } else if (action === "add") {
      const [from, to] = ["from", "to"].map((end) => this.find(end).value || this.find(end).placeholder);
      if (from !== "" && to !== "") this.add(`${from}..${to}`);
    }
  }

  close() {
    this.listening.abort();
    clearTimeout(this.resting);
  }
}
