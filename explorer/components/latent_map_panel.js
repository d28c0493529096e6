// What stands around the latent map: its legend, the panel about the selected instance, the cards.

import { signedRamp } from "./colours.js";
import { written } from "./forms.js";
import { GLYPHS, symbolOf } from "./latent_map_names.js";
import { within } from "./latent_map_runs.js";
import { Saved } from "./latent_map_save.js";
import { asTable } from "./latent_map_table.js";
import { disable, refill } from "./mount.js";

const SIDE = 112; // pixels of a shape's picture
const REST_MS = 500; // so long after its last movement where runs are played goes into the link

/** @param {string} tag @param {Record<string, any>} [attributes] @param {string | number} [text] @returns {HTMLElement} */
export function make(tag, attributes = {}, text) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = String(text);
  return element;
}

/** The map with what stands around it; see LatentMap for its fields. */
export class Around extends Saved {
  // What the server would not answer, in its words.
  refused = ({ message }) => this.say(message);

  controls(look) {
    for (const button of this.root.querySelectorAll('[data-do="dims"], [data-do="drag"]')) {
      button.setAttribute(
        "aria-pressed",
        String(button.dataset.value === (button.dataset.do === "dims" ? this.view.dims : this.drag)),
      );
      if (button.dataset.do === "drag") disable(button, this.view.dims === "3");
    }
    this.find("drags").title = this.view.dims === "3" ? "In 3D, dragging turns the picture; box and lasso work in 2D" : "";
    refill(
      this.find("colour"),
      Object.entries(this.data.screen.colours).map(([value, { short }]) => make("option", { value }, short)),
    );
    this.find("colour").value = this.view.colour;
    this.properties();
    this.clock();
    const by = this.by(),
      form = this.form(by),
      legend = document.createDocumentFragment();
    if (form.names) {
      const { codes, names } = this.table.named.get(by.name),
        counts = this.kept("counts", [codes], () => counted(codes));
      names.forEach((name, i) => {
        const glyph = GLYPHS[symbolOf(i, by.name, this.table.several)];
        const button = make("button", {
          type: "button",
          "data-do": "hide",
          "data-value": name,
          "aria-pressed": String(!this.hidden.has(name)),
          title: "Show or hide; with Shift, show it alone",
        });
        button.append(
          make("b", { style: `color:${look.names[i % look.names.length]}` }, glyph),
          ` ${name} `,
          make("small", {}, counts.get(i) ?? 0),
        );
        legend.append(button);
      });
    } else {
      const [low, high] = this.range();
      legend.append(
        form.end(low),
        make("i", { style: `background:linear-gradient(90deg,${look.stops.join(",")})` }),
        form.end(high),
      );
    }
    if (this.line() && (form.names || form.log)) {
      const { walked } = this.data.screen,
        [low, high] = this.lineRange().map(this.form(walked).end);
      legend.append(
        `\u2003Line: ${walked.short} ${low} to ${high}`,
        make("i", { style: `width:4rem;background:linear-gradient(90deg,${look.stops.join(",")})` }),
      );
    }
    refill(this.find("legend"), [...legend.childNodes]);
    this.find("next").textContent = this.hint();
    const count = this.selection.length;
    this.find("count").textContent = count ? `${count} selected` : "";
    this.find("unselect").hidden = !count;
  }

  // Shows what the table below shows: what its query finds.
  async sift() {
    const query = (this.query = this.data.find ?? ""),
      { table } = this,
      question = { op: "search", space: this.space, query, all: true, limit: 0 };
    const answer = query ? await this.live.ask("sift", question, 2).catch(() => null) : null; // the table says what is wrong with it
    if (query !== this.query || table !== this.table || (!answer && !this.sifted)) return;
    this.sifted = answer && new Uint8Array(table.total);
    for (const row of answer?.array("matches") ?? []) if (row < table.total) this.sifted[row] = 1;
    this.filter();
  }

  async search() {
    const search = this.find("search"),
      wanted = search.value.trim(),
      text = wanted.toLowerCase();
    const mine = (this.data.placed ?? []).find(({ id }) => text && id.toLowerCase().includes(text))?.id;
    const question = { op: "search", space: this.space, query: wanted, limit: 1 };
    let problem = `Nothing has “${wanted}”.`;
    const told = ({ message }) => void (problem = message);
    const answer = mine || !text ? null : await this.live.ask("search", question, 5).catch(told);
    const found = mine ?? answer?.header.rows?.[0]?.id;
    if (search.value.trim() !== wanted) return;
    search.setAttribute("aria-invalid", String(Boolean(text) && !found));
    this.say(text && !found ? problem : "");
    if (!found) return;
    search.value = found;
    this.set({ instance: found });
  }

  hint() {
    // what the next click does
    const { a, b, instance } = this.view;
    if (!instance) return "Click a point to inspect it";
    if (instance === this.data.preview || (this.next() === "b" && instance === a)) return "Click another point to inspect it";
    if (this.next() === "b") return "Click it again, or press B, to set anchor B";
    return b ? "Click it again, or press A, to start again at A" : "Click it again, or press A, to set anchor A";
  }

  within(row) {
    return (!this.sifted || this.sifted[row] === 1) && within(this.only, this.table.columns, row);
  }

  properties() {
    // what of a zoo's own columns is shown: a range of the one that is coloured, axes
    const { name, form } = this.by(),
      [low, high] = this.only.get(name) ?? [-Infinity, Infinity];
    this.find("range").hidden = !["number", "percent", "steps"].includes(form);
    this.find("everything").hidden = !this.only.size && !this.hidden.size;
    for (const [part, value] of [
      ["low", low],
      ["high", high],
    ])
      if (this.find(part) !== document.activeElement) this.find(part).value = Number.isFinite(value) ? value : "";
    this.root.dataset.axes = String(this.view.dims === "2" && !this.flatIsMap);
    this.find("axes").hidden = !this.data.properties.length || this.view.dims === "3";
    for (const part of ["across", "up"]) {
      const options = [["map", "map"], ...this.data.properties.map((each) => [each, each])];
      refill(
        this.find(part),
        options.map(([value, text]) => make("option", { value }, text)),
      );
      this.find(part).value = this.view[part];
    }
  }

  clock() {
    // of the runs: where they are
    const { count } = this.runs;
    this.find("runs").hidden = !count;
    if (!count) return;
    this.root.querySelector('[data-do="runs"]').setAttribute("aria-pressed", String(this.running));
    this.find("play").textContent = this.player.playing ? "Pause" : "Play";
    this.find("step").value = this.share ?? 0;
    this.find("at").textContent =
      this.share === null ? `${count.toLocaleString("en")} runs` : `step ${Math.round(this.runs.step(this.share)).toLocaleString("en")}`;
  }

  limit() {
    // the range of what is coloured that is shown
    const { name } = this.by(),
      [low, high] = ["low", "high"].map((end) => this.find(end).value);
    const only = new Map(this.only);
    if (low === "" && high === "") only.delete(name);
    else only.set(name, [low === "" ? -Infinity : Number(low), high === "" ? Infinity : Number(high)]);
    this.limited(only);
  }

  limited(only) {
    // the ranges that are shown go into the link
    this.only = only;
    this.view.only = only.size ? JSON.stringify(Object.fromEntries(only)) : null; // an open end is null
    this.filter();
    this.acts.set({ only: this.view.only });
  }

  restore() {
    // what of a zoo is shown and how far its runs are played, as the link says
    if (this.view.only !== this.onlyOf) {
      this.onlyOf = this.view.only;
      const ranges = Object.entries(JSON.parse(this.view.only ?? "{}"));
      this.only = new Map(ranges.map(([name, [low, high]]) => [name, [low ?? -Infinity, high ?? Infinity]]));
      this.filters += 1;
    }
    if (this.player.playing || this.view.played === (this.share?.toFixed(4) ?? null)) return;
    const share = this.view.played === null ? null : Number(this.view.played);
    Object.assign(this, { share, running: share !== null });
  }

  play() {
    this.running = true;
    this.player.playing ? this.player.stop() : this.player.play(this.share ?? 0);
    this.paint();
  }

  move(share) {
    // only what moves is drawn again
    const first = !this.running || this.share === null;
    Object.assign(this, { running: true, share });
    this.view.played = share.toFixed(4);
    this.acts.set({ played: this.view.played }, { rest: REST_MS });
    if (first || share >= 1) return this.paint();
    this.plot.set({ movers: this.movers() });
    this.clock();
  }

  panel(look) {
    const { a, b, instance } = this.view,
      row = this.table.rows.get(instance);
    this.find("nobody").hidden = row !== undefined;
    this.find("somebody").hidden = row === undefined;
    if (row !== undefined) {
      this.find("who").replaceChildren(...this.card(row, look, "panel"));
      for (const [name, anchor] of [
        ["set-a", a],
        ["set-b", b],
      ]) {
        disable(this.find(name), [anchor, this.data.preview].includes(instance));
        this.find(name).title = instance === this.data.preview ? "Keep it first" : "";
      }
      const near = this.near(),
        list = this.find("near");
      refill(
        list,
        (near ? near.ids : Array(6).fill(null)).map((id, i) => {
          if (id === null) return make("li", { class: "lm-bone" });
          const item = make("li", {}),
            button = make("button", { type: "button", "data-do": "show", "data-value": id });
          button.append(
            make("span", {}, id),
            make("span", {}, this.quality(this.table.rows.get(id))),
            make("b", {}, near.distances[i].toFixed(3)),
          );
          item.append(button);
          return item;
        }),
      );
    }
    for (const name of ["a", "b"]) {
      const facts = this.table.facts.get(this.table.rows.get(this.view[name]));
      this.find(`name-${name}`).textContent = facts?.name ?? this.view[name] ?? "not set";
    }
    this.find("quality").textContent = this.data.screen.quality ? `${this.data.screen.quality.label}, distance` : "distance";
    disable(this.find("clear"), !a && !b);
    const line = this.line(),
      words = this.find("line"),
      go = this.find("go");
    words.classList.toggle("lm-bone", Boolean(a && b && !line));
    words.textContent =
      !a || !b ? "Set two anchors, and the networks that live between them are decoded and measured." : line ? line.words : "";
    go.classList.toggle("lm-off", !(a && b));
    if (a && b) go.href = `${this.data.screen.page}?${new URLSearchParams({ space: this.space, a, b })}`;
    else go.removeAttribute("href");
  }

  card(row, look, slot) {
    // its picture comes a moment later, into the room that is kept for it
    const facts = this.table.facts.get(row),
      table = asTable(facts),
      list = make("dl", {}),
      canvas = make("canvas");
    const say = (name, value) => list.append(make("dt", {}, name), make("dd", {}, value));
    const found = this.table.pictures.get(row);
    this.sized(canvas);
    if (found) this.pictured(canvas, found, look);
    else
      this.table.seen(row, slot).then((answer) => {
        if (answer) this.pictured(canvas, answer, look);
        else if (!this.table.pictured(row)) canvas.hidden = true;
      });
    for (const column of this.data.screen.card)
      if (column.form === "parts" ? column.parts[0] in facts : column.name in facts) say(column.label, written(table, 0, column));
    if (this.table.several && !facts.name) say("architecture", facts.architecture);
    return [make("h4", {}, facts.name ?? facts.id), canvas, list, ...this.far(facts.outside_words)];
  }

  far(words) {
    // how far outside of the zoo something lies, as the engine says it
    return words ? [make("p", { class: "lm-far" }, words)] : [];
  }

  quality(row) {
    // of an instance, in a list
    const { quality } = this.data.screen,
      facts = this.table.facts.get(row);
    return quality && facts ? written(asTable(facts), 0, quality) : "";
  }

  sized(canvas) {
    const { surfaces } = this.table;
    canvas.setAttribute("aria-label", surfaces ? "Picture of the target" : "PRep of the target, thumbnail");
    if (surfaces) Object.assign(canvas, { width: SIDE, height: SIDE, className: "lm-shape" });
  }

  pictured(canvas, { header, array }, look) {
    const [, height, width, channels] = header.pictures.shape,
      picture = new ImageData(width, height),
      pixels = array("pictures");
    Object.assign(canvas, { width, height });
    if (channels) picture.data.set(pixels);
    else {
      const ramp = look.ramp ?? (look.ramp = signedRamp(this.root));
      for (let i = 0; i < width * height; i++) picture.data.set([...ramp[pixels[i]], 255], 4 * i);
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }
}

/** @param {Uint32Array} codes @returns {Map<number, number>}  How often each occurs. */
function counted(codes) {
  const found = new Map();
  for (const code of codes) found.set(code, (found.get(code) ?? 0) + 1);
  return found;
}
