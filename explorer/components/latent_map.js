// The latent map: a Plotly picture in two and in three dimensions, a panel about the selected instance, and a hover card.
// Python's `data` holds only what is selected and what follows from it; what is drawn is in latent_map_picture.js.

import { Acts } from "./acts.js";
import { Around } from "./latent_map_panel.js";
import { fetchSpace, make, numbers, spell, withPlaced } from "./latent_map_picture.js";
import { Player, Runs } from "./latent_map_runs.js";
import { clicks, mount, pressed } from "./mount.js";
import { loadPlotly } from "./plotly.js";
import { Seen } from "./seen.js";

const REST_MS = 500; // so long after its last movement what is seen goes into the link
const OWN = ["dims", "colour", "across", "up", "range", "eye", "a", "b", "instance"]; // what a person sets here and the URL follows

/**
 * @typedef {object} MapData  (latent_map.py)
 * @property {string} space @property {string} title
 * @property {{page: string, pictures: string, colours: Record<string, import("./forms.js").Column>,
 *   card: import("./forms.js").Column[], quality: import("./forms.js").Column | null, walked: import("./forms.js").Column}} screen
 * @property {"2" | "3"} dims @property {string} colour  One of the screen's.
 * @property {string} across @property {string} up  What the flat picture's axes are: "map", or a property's name.
 * @property {string[]} properties  Those that an axis can be.
 * @property {string | null} range @property {string | null} eye  Four and nine numbers, "1_2.5_-3".
 * @property {Record<string, any>[]} placed  Rows as the table's. @property {string | null} preview  The id of the one that is not
 *   kept: it is looked at, and is no anchor.
 * @property {string | null} a @property {string | null} b @property {string | null} instance  Ids.
 * @property {{of: string, ids: string[], distances: number[]} | null} neighbours
 * @property {object | null} line  (explorer/maps.py)
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {MapData} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setStateValue  Tells Python what is selected.
 * @param {(name: string, value: unknown) => void} args.setTriggerValue  Tells Python what was done, once.
 * @returns {() => void}  The clean-up.
 */
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  return mount(
    parentElement,
    () => new LatentMap(parentElement.querySelector(".lm")),
    (map) => {
      map.acts.send = (values) => setTriggerValue("act", values);
      map.select = (ids) => setStateValue("selection", ids);
      map.update(data);
    },
    import.meta.url,
  );
}

class LatentMap extends Around {
  constructor(root) {
    super();
    this.root = root;
    this.find = (name) => root.querySelector(`[data-part="${name}"]`);
    this.view = { dims: "2", colour: "accuracy", across: "map", up: "map", range: null, eye: null, a: null, b: null, instance: null };
    this.listening = new AbortController();
    this.seen = new Seen(() => this.looked("range", this.seen.box && spell(this.seen.box)));
    this.over = null; // what the pointer is on, as `customdata` says it
    this.acts = new Acts();
    this.drag = "pan";
    this.selection = [];
    this.drawn = 0; // selections so far: a new one wipes the outline of the last
    this.hidden = new Set();
    this.only = new Map(); // column -> the range of it that is shown
    this.runs = new Runs({});
    Object.assign(this, { running: false, share: null }); // whether runs are lines; how far through their steps
    this.player = new Player((share) => this.move(share));
    this.pictures = {};
    this.listen();
  }

  // ---- what comes from Python, and what goes there

  update(data) {
    if (data.space !== this.space) this.acts.forget();
    for (const name of OWN) {
      const value = data[name] ?? null;
      if (!this.acts.takes(name, value)) continue;
      if (name === "eye" && this.view.eye !== value) this.turned = false;
      this.view[name] = value;
    }
    this.data = data;
    const box = numbers(this.view.range, 4);
    this.seen.box = box && box[0] < box[1] && box[2] < box[3] ? box : null;
    if (data.space !== this.space || JSON.stringify(data.placed) !== this.placed) {
      this.space = data.space;
      this.placed = JSON.stringify(data.placed);
      this.points = null;
      this.selection = [];
      this.player.stop();
      this.only.clear();
      Object.assign(this, { running: false, share: null });
      this.root.dataset.state = "loading";
      Promise.all([fetchSpace(data.space, data.screen.pictures), loadPlotly()]).then(
        ([points]) => {
          if (this.space !== data.space || this.placed !== JSON.stringify(data.placed)) return;
          this.points = withPlaced(points, data.placed ?? []);
          this.runs = Object.assign(new Runs(this.points.table), { keep: (row) => this.within(row) });
          this.rows = new Map(this.points.table.id.map((id, row) => [id, row]));
          this.root.dataset.state = "ready";
          this.fillSearch();
          this.paint();
        },
        (error) => {
          this.root.dataset.state = "failed";
          this.find("failure").textContent = `The map did not load: ${error.message}. Reload the page.`;
        },
      );
    }
    this.paint();
  }

  set(values) {
    Object.assign(this.view, values);
    this.acts.set(values);
    this.paint();
  }

  // What is seen has moved. It is told once it rests; until then an answer from Python to something else leaves it alone.
  looked(name, text) {
    this.view[name] = text;
    this.acts.set({ [name]: text }, { rest: REST_MS });
  }

  next() {
    return this.view.a && !this.view.b ? "b" : "a";
  }

  pickRow(row) {
    if (typeof row === "number") this.pick(this.points.table.id[row]);
  }

  pick(id) {
    const alone = id === this.data.preview || (this.next() === "b" && id === this.view.a); // a line needs two ends
    if (alone) return this.set({ instance: id });
    this.set(this.next() === "b" ? { b: id, instance: id } : { a: id, b: null, instance: id });
  }

  listen() {
    this.root.addEventListener("click", (event) => {
      const button = pressed(event);
      if (!button) return;
      const { do: action, value } = button.dataset;
      const { a, b, instance } = this.view;
      if (action === "dims" || action === "colour") this.set({ [action]: value });
      else if (action === "drag") {
        this.drag = value;
        this.paint();
      } else if (action === "a") this.set(instance === b ? { a: instance, b: null } : { a: instance });
      else if (action === "b") this.set(instance === a ? { b: instance, a: null } : { b: instance });
      else if (action === "clear") this.set({ a: null, b: null });
      else if (action === "show") this.set({ instance: value });
      else if (action === "hide") {
        this.hidden.has(value) ? this.hidden.delete(value) : this.hidden.add(value);
        this.paint();
      } else if (action === "everything") {
        this.only.clear();
        this.hidden.clear();
        this.paint();
      } else if (action === "runs") {
        this.player.stop();
        Object.assign(this, { running: !this.running, share: null });
        this.paint();
      } else if (action === "play") this.play();
      else if (action === "unselect") this.selected([]);
      else if (action === "reset") this.reset();
      else if (action === "save") this.save(value);
      else if (action === "go" && !(event.metaKey || event.ctrlKey || event.shiftKey)) {
        event.preventDefault();
        this.acts.set({}, { more: { go: true } });
      }
    });
    this.find("colour").addEventListener("change", (event) => {
      this.hidden.clear();
      this.set({ colour: event.target.value });
    });
    for (const end of ["low", "high"]) this.find(end).addEventListener("change", () => this.limit());
    for (const name of ["across", "up"])
      this.find(name).addEventListener("change", (event) => {
        this.seen.box = null;
        this.set({ [name]: event.target.value, range: null });
      });
    this.find("step").addEventListener("input", (event) => {
      this.player.stop();
      this.move(Number(event.target.value));
    });
    const search = this.find("search");
    const choose = () => {
      const text = search.value.trim().toLowerCase();
      const ids = this.points && text ? this.points.table.id : [];
      const found =
        ids.find((id) => id.toLowerCase() === text) ??
        ids.find((id) => id.toLowerCase().endsWith(text)) ??
        ids.find((id) => id.toLowerCase().includes(text));
      search.setAttribute("aria-invalid", String(Boolean(text) && !found));
      this.find("miss").textContent = text && !found ? `No instance has “${search.value.trim()}” in its id.` : "";
      if (found) {
        search.value = found;
        this.set({ instance: found });
      }
    };
    search.addEventListener("change", choose);
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") choose();
    });
    this.find("stage").addEventListener("mousemove", (event) => {
      this.pointer = event;
    });
    this.find("stage").addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (step && this.points) {
        event.preventDefault();
        this.walk(step);
      }
      if (event.key === "Enter" && this.view.instance) this.pick(this.view.instance);
    });
    clicks(this.find("solid"), this.listening.signal, ({ pointerType }) => {
      // Plotly's own event comes with each frame while a button is down
      setTimeout(() => this.pickRow(this.over), pointerType === "mouse" ? 0 : 150); // a finger is over a point only once it has tapped it
    });
    this.flatPress = clicks(this.find("flat"), this.listening.signal);
    this.observer = new ResizeObserver(() => this.pictures[3]?.offsetParent && window.Plotly.Plots.resize(this.pictures[3]));
    this.observer.observe(this.find("solid"));
  }

  close() {
    this.listening.abort();
    this.acts.forget();
    this.observer.disconnect();
    this.seen.close();
    this.player.stop();
    Object.values(this.pictures).forEach((picture) => window.Plotly.purge(picture));
  }

  // ---- things a person does

  walk([dx, dy]) {
    // to the nearest point that way, as seen in the 2D picture
    const { id } = this.points.table,
      [x2, y2] = this.axes(false).map((name) => this.points.table[name]);
    const here = this.rows.get(this.view.instance) ?? 0;
    let best = null,
      least = Infinity;
    for (let row = 0; row < id.length; row++) {
      const x = x2[row] - x2[here],
        y = y2[row] - y2[here];
      const ahead = x * dx + y * dy,
        aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (row !== here && ahead > aside && ahead + 2 * aside < least) {
        best = row;
        least = ahead + 2 * aside;
      }
    }
    if (best !== null) this.set({ instance: id[best] });
  }

  selected(rows) {
    // outside of Plotly's own event, which painting would start again
    if (rows.length === this.selection.length && rows.every((row, i) => row === this.selection[i])) return;
    this.selection = rows;
    this.drawn += 1;
    this.select(rows.map((row) => this.points.table.id[row]));
    setTimeout(() => this.paint());
  }

  reset() {
    if (this.view.dims === "2") return this.seen.wide(this.pictures[2]);
    this.turned = false;
    this.looked("eye", null);
    this.paint();
  }

  save(format) {
    const solid = this.view.dims === "3",
      look = this.tokens();
    const figure = this.figure(this.traces(solid, look), this.layout(solid, look), look);
    window.Plotly.downloadImage(figure, {
      format,
      filename: `${this.space}-map-${this.view.dims}d`,
      width: 1200,
      height: 800,
      scale: format === "png" ? 2 : 1,
    });
  }

  // ---- painting

  paint() {
    this.root.dataset.ready = String(Boolean(this.points));
    if (!this.points) return;
    this.seen.home = this.home();
    const look = this.tokens(),
      key = this.view.dims,
      solid = key === "3";
    this.find("flat").hidden = solid;
    this.find("solid").hidden = !solid;
    const picture = this.find(solid ? "solid" : "flat"),
      made = this.pictures[key];
    this.painting = true;
    window.Plotly.react(picture, this.traces(solid, look), this.layout(solid, look), {
      displayModeBar: false,
      scrollZoom: true,
      responsive: false,
      doubleClick: false,
    });
    this.painting = false;
    if (!made) {
      this.pictures[key] = picture;
      if (solid) this.follow(picture);
      else {
        this.seen.follow(picture);
        picture.on("plotly_click", ({ points: [point] }) => this.flatPress.still && this.pickRow(point.customdata));
      }
      picture.on("plotly_hover", ({ points: [point], event }) => this.hover(point.customdata, event));
      picture.on("plotly_unhover", () => this.hover(null));
      picture.on("plotly_selected", (event) => {
        if (event && !this.painting)
          this.selected([...new Set(event.points.map((point) => point.customdata).filter((row) => typeof row === "number"))]);
      });
      picture.on("plotly_deselect", () => {
        if (!this.painting) this.selected([]);
      });
    }
    this.controls(look);
    this.panel(look);
    const line = this.line();
    Object.assign(this.root.dataset, {
      dims: this.view.dims,
      points: this.points.table.id.length,
      line: line ? line.values.length : 0,
      selected: this.selection.length,
      shown: this.shown(),
      runs: this.running ? this.runs.count : 0,
    });
  }

  follow(picture) {
    // the solid picture's camera
    const look = (change) => {
      if (!("scene.camera" in change)) return;
      const { eye, center, up } = picture._fullLayout.scene._scene.getCamera();
      this.turned = true;
      this.looked("eye", spell([eye, center, up].flatMap(({ x, y, z }) => [x, y, z])));
    };
    picture.on("plotly_relayouting", look);
    picture.on("plotly_relayout", look);
    picture.on("plotly_doubleclick", () => this.reset());
    picture.on("plotly_webglcontextlost", () =>
      setTimeout(() => {
        // the driver was reset, or other tabs draw too much: on another canvas
        if (this.listening.signal.aborted || this.pictures[3] !== picture) return;
        const scene = picture._fullLayout.scene._scene;
        window.Plotly.purge(picture);
        const lost = { glplot: { gl: { isContextLost: () => false } }, initializeGLPlot: () => true, plot() {} };
        Object.assign(scene, lost); // ends Plotly's own wait for it
        delete this.pictures[3];
        this.paint();
      }, 100),
    );
  }

  hover(what, event) {
    this.over = what ?? null;
    const card = this.find("card"),
      line = this.line();
    card.hidden = what === null || what === undefined || (typeof what === "string" && !line);
    if (card.hidden) return;
    const look = this.tokens();
    if (typeof what === "number") card.replaceChildren(...this.card(what, look));
    else {
      const i = Number(what.slice(1)),
        facts = make("dl", {});
      const { walked } = this.data.screen,
        value = line.values[i];
      const said = [
        ["gamma", line.gammas[i].toFixed(2)],
        [walked.label, value == null ? "not measured" : this.form(walked).write(value)],
      ];
      if (line.basis) said.push(["measured on", line.basis]);
      for (const [name, text] of said) facts.append(make("dt", {}, name), make("dd", {}, text));
      card.replaceChildren(make("h4", {}, "Decoded on the line"), facts, ...this.far(line.outside?.[i]?.words));
    }
    const stage = this.find("stage").getBoundingClientRect(),
      where = event?.clientX === undefined ? this.pointer : event;
    const x = (where?.clientX ?? stage.left) - stage.left,
      y = (where?.clientY ?? stage.top) - stage.top;
    card.style.left = `${x + 18 + card.offsetWidth > stage.width ? Math.max(4, x - card.offsetWidth - 18) : x + 18}px`;
    card.style.top = `${Math.max(4, Math.min(y + 12, stage.height - card.offsetHeight - 4))}px`;
  }

  fillSearch() {
    const list = this.find("ids");
    list.id = `ids-${this.space}`;
    this.find("search").setAttribute("list", list.id);
    list.replaceChildren(...this.points.table.id.map((id) => make("option", { value: id })));
  }
}
