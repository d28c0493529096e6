// Target, predicted and difference PRep of one instance on canvases with one zoom, as three pictures, as a swipe, or one alone.
// The PReps are fetched as float32 and coloured here; Python learns the view and the part that is shown.
// Legend: a *cell* is a place in the flat order of parameters; the picture wraps that order into `cols` columns (raw: the PRep's own).

import { Acts } from "./acts.js";
import { fetchFrame, fetchJson } from "./frames.js";
import { mount } from "./mount.js";
import { PrepPicture } from "./prep_picture.js";

/** @type {string[]} */
export const NAMES = ["target", "predicted", "difference"];
const spaces = new Map();

/**
 * @typedef {object} PrepData  (prep_view.py)
 * @property {string} space @property {string} instance  Ids.
 * @property {string} view @property {"wrapped" | "raw"} form
 * @property {Record<string, number>} aspect  Of the pictures in each view.
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {PrepData} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setStateValue  Tells Python what is selected.
 * @param {(name: string, value: unknown) => void} args.setTriggerValue  Tells Python what was done, once.
 * @returns {() => void}  The clean-up.
 */
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  return mount(
    parentElement,
    () => new PrepView(parentElement.querySelector(".pv")),
    (view) => {
      view.acts.send = (values) => setTriggerValue("act", values);
      view.tell = (crop) => setStateValue("crop", crop);
      view.update(data);
    },
    import.meta.url,
  );
}

async function fetchPrep(space, instance, which) {
  const address = `api/spaces/${encodeURIComponent(space)}/preps/${encodeURIComponent(instance)}?which=${which}`;
  const { header, array } = await fetchFrame(address);
  return { ...header, values: array("prep") };
}

class PrepView extends PrepPicture {
  constructor(root) {
    super();
    this.root = root;
    this.find = (name) => root.querySelector(`[data-part="${name}"]`);
    this.panels = NAMES.map((name) => ({
      name,
      figure: this.find(name),
      canvas: this.find(name).querySelector("canvas"),
      picture: document.createElement("canvas"),
    }));
    this.mode = "pair";
    this.form = "wrapped";
    this.acts = new Acts();
    this.zoom = { k: 1, x: 0.5, y: 0.5 };
    this.cell = null; // under the pointer or the keyboard's cursor
    this.layer = null; // pointed at in the list of layers
    this.divider = 0.5;
    this.listen();
  }

  // ---- what comes from Python

  update(data) {
    this.aspect = data.aspect;
    for (const [name, key] of [
      ["view", "mode"],
      ["form", "form"],
    ]) {
      if (this.acts.takes(name, data[name]) && this[key] !== data[name]) this.arrange({ [key]: data[name] });
    }
    if (data.space !== this.space || data.instance !== this.instance) {
      Object.assign(this, { space: data.space, instance: data.instance });
      this.root.dataset.state = "loading";
      if (!spaces.has(data.space)) spaces.set(data.space, fetchJson(`api/spaces/${encodeURIComponent(data.space)}?most=0`));
      Promise.all([
        spaces.get(data.space),
        fetchPrep(data.space, data.instance, "target"),
        fetchPrep(data.space, data.instance, "predicted"),
      ])
        .then(([space, target, predicted]) => {
          if (this.instance !== data.instance || this.space !== data.space) return; // an older answer
          const { values } = target;
          this.prep = {
            layers: space.layers,
            rows: target.prep.rows,
            width: target.prep.cols,
            count: target.parameters,
            high: target.prep.vmax,
            target: values,
            predicted: predicted.values,
            difference: values.map((value, i) => predicted.values[i] - value),
          };
          this.cell = null;
          this.listLayers();
          this.root.dataset.state = "ready";
          this.root.dataset.instance = data.instance;
          this.colour();
        })
        .catch((error) => {
          spaces.delete(data.space);
          this.root.dataset.state = "failed";
          this.find("failure").textContent = `The PReps did not load: ${error.message}. Reload the page.`;
        });
    }
    this.colour(); // the theme may have changed
  }

  // ---- hands

  listen() {
    this.root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (!button || !this.prep) return;
      const { do: action, value } = button.dataset;
      if (action === "zoom") value === "0" ? this.zoomBy(0) : this.zoomBy(value === "+" ? 1.5 : 1 / 1.5);
      else {
        this.acts.set({ [action]: value });
        this.arrange({ [action === "view" ? "mode" : "form"]: value });
      }
    });
    for (const { canvas } of this.panels) {
      const whole = (event) => {
        const box = canvas.getBoundingClientRect(),
          at = this.place(canvas);
        return [(event.clientX - box.left - at.ox) / (at.cols * at.sx), (event.clientY - box.top - at.oy) / (at.rows * at.sy)];
      };
      let held = null;
      canvas.addEventListener("pointerdown", (event) => {
        held = whole(event);
        canvas.setPointerCapture(event.pointerId);
      });
      canvas.addEventListener("pointerup", () => {
        held = null;
        this.report();
      });
      canvas.addEventListener("pointermove", (event) => {
        if (!this.prep) return;
        if (held && this.zoom.k > 1) {
          const now = whole(event);
          this.zoom.x += held[0] - now[0];
          this.zoom.y += held[1] - now[1];
        }
        this.point(this.cellAt(event), canvas);
      });
      canvas.addEventListener("pointerleave", () => {
        if (this.prep) this.point(null);
      });
      canvas.addEventListener("dblclick", (event) => this.zoomBy(2, ...whole(event)));
      canvas.addEventListener(
        "wheel",
        (event) => {
          if (!this.prep || !(event.ctrlKey || document.activeElement === canvas)) return; // else the page scrolls
          event.preventDefault();
          this.zoomBy(Math.exp(-event.deltaY / 400), ...whole(event));
        },
        { passive: false },
      );
      canvas.addEventListener("keydown", (event) => this.key(event, canvas));
      canvas.addEventListener("blur", () => {
        if (this.prep) this.point(null);
      });
    }
    const bar = this.find("divider");
    const drag = (event) => {
      const box = this.panels[0].canvas.getBoundingClientRect();
      this.slide((event.clientX - box.left) / box.width);
    };
    bar.addEventListener("pointerdown", (event) => {
      bar.setPointerCapture(event.pointerId);
      drag(event);
    });
    bar.addEventListener("pointermove", (event) => {
      if (bar.hasPointerCapture(event.pointerId)) drag(event);
    });
    bar.addEventListener("keydown", (event) => {
      const step = {
        ArrowLeft: -0.02,
        ArrowDown: -0.02,
        ArrowRight: 0.02,
        ArrowUp: 0.02,
        PageDown: -0.1,
        PageUp: 0.1,
        Home: -1,
        End: 1,
      }[event.key];
      if (!step) return;
      event.preventDefault();
      this.slide(this.divider + step);
    });
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.find("stage"));
  }

  key(event, canvas) {
    const { cols } = this.prep ? this.grid() : {};
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -cols, ArrowDown: cols }[event.key];
    if (step) {
      const cell = Math.min(
        this.prep.count - 1,
        Math.max(0, this.cell === null ? 0 : this.cell + step * (event.shiftKey ? 8 : 1)),
      );
      const { rows } = this.grid(),
        x = ((cell % cols) + 0.5) / cols,
        y = (Math.floor(cell / cols) + 0.5) / rows,
        half = 0.45 / this.zoom.k;
      Object.assign(this.zoom, {
        x: Math.min(x + half, Math.max(x - half, this.zoom.x)),
        y: Math.min(y + half, Math.max(y - half, this.zoom.y)),
      });
      this.point(cell, canvas);
    } else if (event.key === "+" || event.key === "=") this.zoomBy(1.5);
    else if (event.key === "-") this.zoomBy(1 / 1.5);
    else if (event.key === "0") this.zoomBy(0);
    else return;
    event.preventDefault();
  }

  close() {
    clearTimeout(this.resting);
    this.acts.forget();
    this.observer.disconnect();
  }
}
