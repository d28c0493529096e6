// What the page of shapes shows of an answer: meshes, figures, files to download.

import { meshShadow } from "./colours.js";
import { offer } from "./downloads.js";
import { LiveView } from "./live_view.js";
import { Sweep, Walk } from "./walk.js";

/** What the page of shapes shows of an answer; see Shapes for its fields. */
export class ShapeAnswers extends LiveView {
  show(at, answer, coarse) {
    const { header } = answer,
      { vertices, faces } = this.read(answer),
      { figure, stage, surface, find } = this.panes[at];
    surface.show(vertices ?? null, faces ?? null);
    const count = faces ? faces.length / 3 : 0,
      resolution = `${header.resolution}³`;
    Object.assign(stage.dataset, {
      faces: count,
      vertices: vertices ? vertices.length / 3 : 0,
      gamma: header.gamma,
      resolution: header.resolution,
      surface: header.surface,
      path: header.path,
    });
    find("facts").textContent =
      header.path === "original"
        ? `${count.toLocaleString("en")} triangles`
        : `${coarse ? "coarse " : ""}${resolution}, ${count.toLocaleString("en")} triangles`;
    find("none").hidden = Boolean(faces);
    find("none").textContent = faces
      ? ""
      : `No surface: at level ${header.level.toFixed(3).replace("-", "\u2212")} the whole cube lies ${header.surface} of the shape.`;
    figure.classList.remove("waiting");
    this.root.classList.remove("waiting");
    if (at) return;
    this.far(header.outside);
    this.shown = JSON.stringify(this.question("mesh", "", 0, header.gamma));
    this.slider.say(`gamma ${header.gamma.toFixed(3)}, ${count} triangles`);
    this.links(header);
  }

  // How far outside of the zoo the shape under the thumb lies, as the engine says it.
  far(outside) {
    this.find("outside").textContent = outside?.words ?? "";
    this.root.dataset.known = String(outside?.known ?? "");
  }

  links({ gamma, level, path }) {
    const [a, b] = this.ends(),
      base = `api/spaces/${encodeURIComponent(this.data.space)}`;
    const asked = { a, b, gamma, path };
    offer(this.find("network"), this.data.formats, (format) => `${base}/network?${new URLSearchParams({ ...asked, format })}`);
    const meshed = { ...asked, level, resolution: this.view.resolution };
    for (const link of this.root.querySelectorAll("[data-take]"))
      link.href = `${base}/mesh?${new URLSearchParams({ ...meshed, format: link.dataset.take })}`;
  }

  // ---- play and record: the slider, and the level, which plays too

  walks() {
    this.walk = new Walk(this.root.querySelector(".ip-gamma"), this.slider, () => {
      const { a, b, level } = this.view;
      return { space: this.data.space, query: { a, b, camera: this.camera.text() }, level };
    });
    const [input, button] = [this.find("level"), this.find("level-play")],
      [low, high] = [Number(input.min), Number(input.max)],
      tell = (type) => input.dispatchEvent(new Event(type, { bubbles: true }));
    const moved = {
      at: () => (Number(input.value) - low) / (high - low),
      move: (share) => {
        const value = Math.round((low + share * (high - low)) / Number(input.step)) * Number(input.step);
        if (Math.abs(value - Number(input.value)) < 1e-9) return;
        input.value = value;
        tell("input");
      },
      rest: () => tell("change"),
    };
    this.levels = new Sweep(moved, (playing) => {
      button.textContent = playing ? "Pause" : "Play";
      button.setAttribute("aria-label", `${button.textContent} the level`);
    });
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal: this.listening.signal });
    on(button, "click", () => this.levels.toggle());
    on(input, "pointerdown", () => this.levels.pause());
    on(input, "keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      this.levels.toggle();
    });
  }

  // ---- look

  colours() {
    const shadow = meshShadow(this.root);
    this.panes.forEach(({ surface }, at) => {
      surface.look = { colour: at ? [0.66, 0.66, 0.655] : [0.56, 0.66, 0.74], shadow };
      surface.invalidate();
    });
    this.film.look = { colour: [0.56, 0.66, 0.74], shadow };
    if (this.shadow !== String(shadow)) this.film.redraw();
    this.shadow = String(shadow);
  }

  saveFilm() {
    const style = getComputedStyle(this.root),
      read = (name) => style.getPropertyValue(name).trim();
    const words = { title: `${this.view.a} to ${this.view.b}`, caption: `${this.data.space}: ${this.data.captions.film.join(" ")}` };
    this.film
      .save(words, { back: read("--st-background-color"), text: read("--st-text-color") }, style.fontFamily)
      .then(() => this.film.redraw());
  }
}
