// The latent map: a Plotly picture in two and in three dimensions, a panel about the selected instance, and a hover card.
// Python's `data` holds only what is selected and what follows from it; what is drawn is in latent_map_picture.js, which
// latent_map.py puts before this file.

const REST_MS = 500; // so long after its last movement what is seen goes into the link
const OWN = ["dims", "colour", "range", "eye", "a", "b", "instance"]; // what a person sets here and the URL follows

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  return mount(parentElement, () => new LatentMap(parentElement.querySelector(".lm")), (map) => {
    map.act = (values) => setTriggerValue("act", values);
    map.select = (ids) => setStateValue("selection", ids);
    map.update(data);
  });
}

class LatentMap extends Saved {
  constructor(root) {
    super();
    this.root = root;
    this.find = (name) => root.querySelector(`[data-part="${name}"]`);
    this.view = { dims: "2", colour: "accuracy", range: null, eye: null, a: null, b: null, instance: null };
    this.listening = new AbortController();
    this.seen = new Seen(() => this.looked("range", this.seen.box && spell(this.seen.box)));
    this.over = null; // what the pointer is on, as `customdata` says it
    this.sent = {}; // what was set here and has not come back from Python yet
    this.drag = "pan";
    this.selection = [];
    this.drawn = 0; // selections so far: a new one wipes the outline of the last
    this.hidden = new Set();
    this.pictures = {};
    this.listen();
  }

  // ---- what comes from Python, and what goes there

  update(data) {
    if (data.space !== this.space) { this.sent = {}; clearTimeout(this.resting); }
    for (const name of OWN) {
      const value = data[name] ?? null;
      if (name in this.sent && this.sent[name] !== value) continue; // an older answer
      delete this.sent[name];
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
      this.root.dataset.state = "loading";
      Promise.all([fetchSpace(data.space), loadPlotly()])
        .then(([points]) => {
          if (this.space !== data.space || this.placed !== JSON.stringify(data.placed)) return;
          this.points = withPlaced(points, data.placed ?? []);
          this.seen.home = this.home();
          this.rows = new Map(this.points.table.id.map((id, row) => [id, row]));
          this.root.dataset.state = "ready";
          this.fillSearch();
          this.paint();
        }, (error) => {
          this.root.dataset.state = "failed";
          this.find("failure").textContent = `The map did not load: ${error.message}. Reload the page.`;
        });
    }
    this.paint();
  }

  set(values) {
    Object.assign(this.view, values);
    Object.assign(this.sent, values);
    this.act({ ...this.sent }); // all of it: of two acts in one breath Streamlit may keep the later alone
    this.paint();
  }

  // What is seen has moved. It is told once it rests; until then an answer from Python to something else leaves it alone.
  looked(name, text) {
    this.view[name] = this.sent[name] = text;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.act({ ...this.sent }), REST_MS);
  }

  next() {
    return this.view.a && !this.view.b ? "b" : "a";
  }

  pickRow(row) {
    if (typeof row === "number") this.pick(this.points.table.id[row]);
  }

  pick(id) {
    if (this.next() === "b" && id === this.view.a) return this.set({ instance: id }); // a line needs two ends
    this.set(this.next() === "b" ? { b: id, instance: id } : { a: id, b: null, instance: id });
  }

  listen() {
    this.root.addEventListener("click", (event) => {
      const button = pressed(event);
      if (!button) return;
      const { do: action, value } = button.dataset;
      const { a, b, instance } = this.view;
      if (action === "dims" || action === "colour") this.set({ [action]: value });
      else if (action === "drag") { this.drag = value; this.paint(); }
      else if (action === "a") this.set(instance === b ? { a: instance, b: null } : { a: instance });
      else if (action === "b") this.set(instance === a ? { b: instance, a: null } : { b: instance });
      else if (action === "clear") this.set({ a: null, b: null });
      else if (action === "show") this.set({ instance: value });
      else if (action === "hide") { this.hidden.has(value) ? this.hidden.delete(value) : this.hidden.add(value); this.paint(); }
      else if (action === "unselect") this.selected([]);
      else if (action === "reset") this.reset();
      else if (action === "save") this.save(value);
      else if (action === "go" && !(event.metaKey || event.ctrlKey || event.shiftKey)) { event.preventDefault(); this.act({ ...this.sent, go: true }); }
    });
    this.find("colour").addEventListener("change", (event) => { this.hidden.clear(); this.set({ colour: event.target.value }); });
    const search = this.find("search");
    const choose = () => {
      const text = search.value.trim().toLowerCase();
      const ids = this.points && text ? this.points.table.id : [];
      const found = ids.find((id) => id.toLowerCase() === text) ?? ids.find((id) => id.toLowerCase().endsWith(text)) ?? ids.find((id) => id.toLowerCase().includes(text));
      search.setAttribute("aria-invalid", String(Boolean(text) && !found));
      this.find("miss").textContent = text && !found ? `No instance has “${search.value.trim()}” in its id.` : "";
      if (found) { search.value = found; this.set({ instance: found }); }
    };
    search.addEventListener("change", choose);
    search.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
    this.find("stage").addEventListener("mousemove", (event) => { this.pointer = event; });
    this.find("stage").addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (step && this.points) { event.preventDefault(); this.walk(step); }
      if (event.key === "Enter" && this.view.instance) this.pick(this.view.instance);
    });
    clicks(this.find("solid"), this.listening.signal, ({ pointerType }) => { // Plotly's own event comes with each frame while a button is down
      setTimeout(() => this.pickRow(this.over), pointerType === "mouse" ? 0 : 150); // a finger is over a point only once it has tapped it
    });
    this.flatPress = clicks(this.find("flat"), this.listening.signal);
    this.observer = new ResizeObserver(() => this.pictures[3]?.offsetParent && window.Plotly.Plots.resize(this.pictures[3]));
    this.observer.observe(this.find("solid"));
  }

  close() {
    this.listening.abort();
    clearTimeout(this.resting);
    this.observer.disconnect();
    this.seen.close();
    Object.values(this.pictures).forEach((picture) => window.Plotly.purge(picture));
  }

  // ---- things a person does

  walk([dx, dy]) { // to the nearest point that way, as seen in the 2D picture
    const { id, x2, y2 } = this.points.table;
    const here = this.rows.get(this.view.instance) ?? 0;
    let best = null, least = Infinity;
    for (let row = 0; row < id.length; row++) {
      const x = x2[row] - x2[here], y = y2[row] - y2[here];
      const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (row !== here && ahead > aside && ahead + 2 * aside < least) { best = row; least = ahead + 2 * aside; }
    }
    if (best !== null) this.set({ instance: id[best] });
  }

  selected(rows) { // outside of Plotly's own event, which painting would start again
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
    const solid = this.view.dims === "3", look = this.tokens();
    const figure = this.figure(this.traces(solid, look), this.layout(solid, look), look);
    window.Plotly.downloadImage(figure, { format, filename: `${this.space}-map-${this.view.dims}d`, width: 1200, height: 800, scale: format === "png" ? 2 : 1 });
  }

  // ---- painting

  paint() {
    this.root.dataset.ready = String(Boolean(this.points));
    if (!this.points) return;
    const look = this.tokens(), solid = this.view.dims === "3", key = this.view.dims;
    this.find("flat").hidden = solid;
    this.find("solid").hidden = !solid;
    const picture = this.find(solid ? "solid" : "flat"), made = this.pictures[key];
    this.painting = true;
    window.Plotly.react(picture, this.traces(solid, look), this.layout(solid, look), { displayModeBar: false, scrollZoom: true, responsive: false, doubleClick: false });
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
        if (event && !this.painting) this.selected([...new Set(event.points.map((point) => point.customdata).filter((row) => typeof row === "number"))]);
      });
      picture.on("plotly_deselect", () => { if (!this.painting) this.selected([]); });
    }
    this.controls(look);
    this.panel(look);
    const line = this.line();
    Object.assign(this.root.dataset, { dims: this.view.dims, points: this.points.table.id.length, line: line ? line.accuracy.length : 0, selected: this.selection.length });
  }

  // ---- what stands around the picture

  controls(look) {
    for (const button of this.root.querySelectorAll('[data-do="dims"], [data-do="drag"]')) {
      button.setAttribute("aria-pressed", String(button.dataset.value === (button.dataset.do === "dims" ? this.view.dims : this.drag)));
      if (button.dataset.do === "drag") disable(button, this.view.dims === "3");
    }
    this.find("drags").title = this.view.dims === "3" ? "In 3D, dragging turns the picture; box and lasso work in 2D" : "";
    const { shapes } = this.points;
    for (const option of this.find("colour").options) option.hidden = option.disabled = option.dataset.of !== undefined && (option.dataset.of === "shapes") !== shapes;
    this.find("colour").value = this.view.colour;
    const by = COLOURS[this.view.colour], legend = document.createDocumentFragment();
    if (by.names) {
      const all = [...new Set(this.points.table[by.column])];
      const names = this.view.colour === "split" ? SPLITS.filter((name) => all.includes(name)) : all;
      const single = new Set(this.points.table.architecture).size === 1;
      names.forEach((name, i) => {
        const glyph = { circle: "●", diamond: "◆", square: "■", cross: "✚", x: "✖" }[SYMBOLS[this.view.colour === "split" && !single ? 0 : i % SYMBOLS.length]];
        const count = this.points.table[by.column].filter((value) => value === name).length;
        const button = make("button", { type: "button", "data-do": "hide", "data-value": name, "aria-pressed": String(!this.hidden.has(name)), title: "Show or hide" });
        button.append(make("b", { style: `color:${look.names[i % look.names.length]}` }, glyph), ` ${name} `, make("small", {}, count));
        legend.append(button);
      });
    } else {
      const [low, high] = this.range(), write = by.log ? (value) => Math.round(10 ** value).toLocaleString("en") : by.iou ? (value) => value.toFixed(1) : (value) => `${Math.round(100 * value)}\u202f%`;
      legend.append(write(low), make("i", { style: `background:linear-gradient(90deg,${look.stops.join(",")})` }), write(high));
    }
    if (this.line() && (by.names || by.log)) legend.append(shapes ? "\u2003Line: IoU 0 to 1" : "\u2003Line: accuracy 0 to 100\u202f%", make("i", { style: `width:4rem;background:linear-gradient(90deg,${look.stops.join(",")})` }));
    refill(this.find("legend"), [...legend.childNodes]);
    const next = this.find("next");
    next.textContent = { a: this.view.b ? "Next click starts again at A" : "Next click sets anchor A", b: "Next click sets anchor B" }[this.next()];
    const count = this.selection.length;
    this.find("count").textContent = count ? `${count} selected` : "";
    this.find("unselect").hidden = !count;
  }

  panel(look) {
    const { a, b, instance } = this.view, row = this.rows.get(instance);
    this.find("nobody").hidden = row !== undefined;
    this.find("somebody").hidden = row === undefined;
    if (row !== undefined) {
      this.find("who").replaceChildren(...this.card(row, look));
      disable(this.find("set-a"), instance === a);
      disable(this.find("set-b"), instance === b);
      const near = this.near(), list = this.find("near");
      refill(list, (near ? near.ids : Array(6).fill(null)).map((id, i) => {
        if (id === null) return make("li", { class: "lm-bone" });
        const item = make("li", {}), button = make("button", { type: "button", "data-do": "show", "data-value": id });
        button.append(make("span", {}, id), make("span", {}, this.quality(this.rows.get(id))), make("b", {}, near.distances[i].toFixed(3)));
        item.append(button);
        return item;
      }));
    }
    for (const name of ["a", "b"]) this.find(`name-${name}`).textContent = this.points.table.name?.[this.rows.get(this.view[name])] ?? this.view[name] ?? "not set";
    this.find("quality").textContent = this.points.shapes ? "IoU, distance" : "accuracy, distance";
    disable(this.find("clear"), !a && !b);
    const line = this.line(), words = this.find("line"), go = this.find("go");
    words.classList.toggle("lm-bone", Boolean(a && b && !line));
    words.textContent = !a || !b ? "Click two points, and the networks that live between them are decoded and measured." : !line ? "" :
      this.points.shapes ? `IoU with the nearer anchor: ${overlap(line.accuracy[0])} at A, ${overlap(line.accuracy.at(-1))} at B, lowest on the way ${overlap(Math.min(...line.accuracy))}: ${line.accuracy.length} decoded shapes, each on ${line.n.toLocaleString("en")} cells.` :
      !line.n ? `${line.accuracy.length} networks are decoded along the line; they are not measured, as the images are not here.` : `Predicted by the space: ${percent(line.accuracy[0])} at A, ${percent(line.accuracy.at(-1))} at B, lowest on the way ${percent(Math.min(...line.accuracy))}; ${line.accuracy.length} decoded networks, each on ${line.n} ${line.split} images${line.coarse}.`;
    go.classList.toggle("lm-off", !(a && b));
    if (a && b) go.href = `${this.points.shapes ? "shapes" : "interpolation"}?${new URLSearchParams({ space: this.space, a, b })}`;
    else go.removeAttribute("href");
  }

  card(row, look) {
    if (this.points.shapes) return this.shapeCard(row);
    const { table } = this.points, canvas = make("canvas", { "aria-label": "PRep of the target, thumbnail" });
    this.thumbnail(canvas, row, look);
    const facts = make("dl", {});
    const rows = [["accuracy, trained", percent(table.test_accuracy[row])], ["accuracy, predicted by the space", percent(table.predicted_test_accuracy[row])], ["split", table.split[row]], ["trained for", table.steps[row] == null ? "found by LSO" : `${table.steps[row].toLocaleString("en")} steps`]];
    if (new Set(table.architecture).size > 1) rows.push(["architecture", table.architecture[row]]);
    for (const [name, value] of rows) facts.append(make("dt", {}, name), make("dd", {}, value));
    return [make("h4", {}, table.id[row]), canvas, facts, ...this.far(table.outside_words?.[row])];
  }

  shapeCard(row) {
    const { table, pictures } = this.points, id = table.id[row], picture = pictures.get(id), canvas = make("canvas", { class: "lm-shape", "aria-label": "Picture of the target" });
    Object.assign(canvas, { width: 112, height: 112 });
    if (picture) canvas.getContext("2d").drawImage(picture.image, picture.x, picture.y, picture.side, picture.side, 0, 0, 112, 112);
    const facts = make("dl", {}), arms = table.arms?.[row] ? ", arms" : "", slats = table.slats?.[row] ? `, ${table.slats[row]} slats` : "";
    const rows = [["IoU, predicted", overlap(table.predicted_iou[row])], ["IoU, fit", overlap(table.fit_iou?.[row])], ["split", table.split[row]]];
    if (table.legs) rows.push(["kind", `${table.legs[row]}${slats}${arms}`]);
    for (const [name, value] of rows) facts.append(make("dt", {}, name), make("dd", {}, value));
    return [make("h4", {}, table.name?.[row] ?? id), canvas, facts, ...this.far(table.outside_words?.[row])];
  }

  far(words) { // how far outside of the zoo something lies, as the engine says it
    return words ? [make("p", { class: "lm-far" }, words)] : [];
  }

  quality(row) { // of an instance, in a list
    return this.points.shapes ? overlap(this.points.table.predicted_iou[row]) : percent(this.points.table.test_accuracy[row]);
  }

  thumbnail(canvas, row, look) {
    const { rows, cols, shape, pixels } = this.points.thumbnails, height = rows ?? shape[1], width = cols ?? shape[2];
    canvas.width = width;
    canvas.height = height;
    const picture = new ImageData(width, height), ramp = look.ramp ?? (look.ramp = signedRamp(this.root));
    for (let i = 0; i < width * height; i++) picture.data.set([...ramp[pixels[row * width * height + i]], 255], 4 * i);
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  follow(picture) { // the solid picture's camera
    const look = (change) => {
      if (!("scene.camera" in change)) return;
      const { eye, center, up } = picture._fullLayout.scene._scene.getCamera();
      this.turned = true;
      this.looked("eye", spell([eye, center, up].flatMap(({ x, y, z }) => [x, y, z])));
    };
    picture.on("plotly_relayouting", look);
    picture.on("plotly_relayout", look);
    picture.on("plotly_doubleclick", () => this.reset());
    picture.on("plotly_webglcontextlost", () => setTimeout(() => { // the driver was reset, or other tabs draw too much: on another canvas
      if (this.listening.signal.aborted || this.pictures[3] !== picture) return;
      const scene = picture._fullLayout.scene._scene;
      window.Plotly.purge(picture);
      Object.assign(scene, { glplot: { gl: { isContextLost: () => false } }, initializeGLPlot: () => true, plot() {} }); // ends Plotly's own wait for it
      delete this.pictures[3];
      this.paint();
    }, 100));
  }

  hover(what, event) {
    this.over = what ?? null;
    const card = this.find("card"), line = this.line();
    card.hidden = what === null || what === undefined || (typeof what === "string" && !line);
    if (card.hidden) return;
    const look = this.tokens();
    if (typeof what === "number") card.replaceChildren(...this.card(what, look));
    else {
      const i = Number(what.slice(1)), facts = make("dl", {});
      for (const [name, value] of [["gamma", line.gammas[i].toFixed(2)], ...(this.points.shapes ? [["IoU, nearer anchor", overlap(line.accuracy[i])]] : line.n ? [["accuracy", percent(line.accuracy[i])], ["measured on", `${line.n} ${line.split} images${line.coarse}`]] : [["accuracy", "not measured"]])]) facts.append(make("dt", {}, name), make("dd", {}, value));
      card.replaceChildren(make("h4", {}, "Decoded on the line"), facts, ...this.far(line.outside?.[i]?.words));
    }
    const stage = this.find("stage").getBoundingClientRect(), where = event?.clientX === undefined ? this.pointer : event;
    const x = (where?.clientX ?? stage.left) - stage.left, y = (where?.clientY ?? stage.top) - stage.top;
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
