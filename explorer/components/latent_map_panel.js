// What stands around the latent map: its legend, the panel about the selected instance, the cards.

import { signedRamp } from "./colours.js";
import { written } from "./forms.js";
import { nameOf, namesIn, symbolOf } from "./latent_map_names.js";
import { make } from "./latent_map_picture.js";
import { within } from "./latent_map_runs.js";
import { Saved } from "./latent_map_save.js";
import { disable, refill } from "./mount.js";

/** The map with what stands around it; see LatentMap for its fields. */
export class Around extends Saved {
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
      namesIn(this.points.table, by.name).forEach((name, i) => {
        const glyph = { circle: "●", diamond: "◆", square: "■", cross: "✚", x: "✖" }[symbolOf(i, this.points.table, by.name)];
        const count = this.points.table[by.name].filter((value) => nameOf(value) === name).length;
        const button = make("button", {
          type: "button",
          "data-do": "hide",
          "data-value": name,
          "aria-pressed": String(!this.hidden.has(name)),
          title: "Show or hide",
        });
        button.append(
          make("b", { style: `color:${look.names[i % look.names.length]}` }, glyph),
          ` ${name} `,
          make("small", {}, count),
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
    const next = this.find("next");
    next.textContent = {
      a: this.view.b ? "Next click starts again at A" : "Next click sets anchor A",
      b: "Next click sets anchor B",
    }[this.next()];
    const count = this.selection.length;
    this.find("count").textContent = count ? `${count} selected` : "";
    this.find("unselect").hidden = !count;
  }

  shown() {
    // how many points are not left out by a range
    return this.points.table.id.filter((_, row) => this.within(row)).length;
  }

  within(row) {
    return within(this.only, this.points.table, row);
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
    if (low === "" && high === "") this.only.delete(name);
    else this.only.set(name, [low === "" ? -Infinity : Number(low), high === "" ? Infinity : Number(high)]);
    this.paint();
  }

  play() {
    this.running = true;
    this.player.playing ? this.player.stop() : this.player.play(this.share ?? 0);
    this.paint();
  }

  move(share) {
    // only what moves is drawn again
    const first = !this.running || this.share === null,
      solid = this.view.dims === "3",
      picture = this.pictures[this.view.dims];
    Object.assign(this, { running: true, share });
    if (first || !picture || share >= 1) return this.paint();
    const [x, y, z] = this.runs.at(this.axes(solid), this.runs.step(share));
    window.Plotly.restyle(picture, { x: [x], y: [y], ...(solid ? { z: [z] } : {}) }, [picture.data.length - 1]);
    this.clock();
  }

  panel(look) {
    const { a, b, instance } = this.view,
      row = this.rows.get(instance);
    this.find("nobody").hidden = row !== undefined;
    this.find("somebody").hidden = row === undefined;
    if (row !== undefined) {
      this.find("who").replaceChildren(...this.card(row, look));
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
            make("span", {}, this.quality(this.rows.get(id))),
            make("b", {}, near.distances[i].toFixed(3)),
          );
          item.append(button);
          return item;
        }),
      );
    }
    for (const name of ["a", "b"])
      this.find(`name-${name}`).textContent =
        this.points.table.name?.[this.rows.get(this.view[name])] ?? this.view[name] ?? "not set";
    this.find("quality").textContent = this.data.screen.quality ? `${this.data.screen.quality.label}, distance` : "distance";
    disable(this.find("clear"), !a && !b);
    const line = this.line(),
      words = this.find("line"),
      go = this.find("go");
    words.classList.toggle("lm-bone", Boolean(a && b && !line));
    words.textContent =
      !a || !b ? "Click two points, and the networks that live between them are decoded and measured." : line ? line.words : "";
    go.classList.toggle("lm-off", !(a && b));
    if (a && b) go.href = `${this.data.screen.page}?${new URLSearchParams({ space: this.space, a, b })}`;
    else go.removeAttribute("href");
  }

  card(row, look) {
    const { table, sheet } = this.points,
      id = table.id[row],
      facts = make("dl", {}),
      canvas = make("canvas");
    const say = (name, value) => facts.append(make("dt", {}, name), make("dd", {}, value));
    sheet ? this.target(canvas, id) : this.thumbnail(canvas, row, look);
    for (const column of this.data.screen.card)
      if (column.form === "parts" ? table[column.parts[0]] : table[column.name]) say(column.label, written(table, row, column));
    if (new Set(table.architecture).size > 1 && !table.name) say("architecture", table.architecture[row]);
    return [make("h4", {}, table.name?.[row] ?? id), canvas, facts, ...this.far(table.outside_words?.[row])];
  }

  far(words) {
    // how far outside of the zoo something lies, as the engine says it
    return words ? [make("p", { class: "lm-far" }, words)] : [];
  }

  quality(row) {
    // of an instance, in a list
    const { quality } = this.data.screen;
    return quality ? written(this.points.table, row, quality) : "";
  }

  target(canvas, id) {
    // the picture of an instance, from the sheet of all
    Object.assign(canvas, { width: 112, height: 112, className: "lm-shape" });
    canvas.setAttribute("aria-label", "Picture of the target");
    const picture = this.points.sheet.get(id);
    if (picture)
      canvas.getContext("2d").drawImage(picture.image, picture.x, picture.y, picture.side, picture.side, 0, 0, 112, 112);
  }

  thumbnail(canvas, row, look) {
    if (row >= this.points.count) return (canvas.hidden = true); // placed, not kept: it has none
    canvas.setAttribute("aria-label", "PRep of the target, thumbnail");
    const { rows, cols, shape, pixels } = this.points.thumbnails,
      height = rows ?? shape[1],
      width = cols ?? shape[2];
    canvas.width = width;
    canvas.height = height;
    const picture = new ImageData(width, height),
      ramp = look.ramp ?? (look.ramp = signedRamp(this.root));
    for (let i = 0; i < width * height; i++) picture.data.set([...ramp[pixels[row * width * height + i]], 255], 4 * i);
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }
}
