// The NeRN screen: pruning and bits with what they do to the accuracy, live, and the panels below.
//
// Two sockets: `live` answers the thumb; `later` brings what rests on the orders of all kernels, a minute's work for a large network.

import { showCaption } from "./caption.js";
import { Acts } from "./acts.js";
import { signedTable } from "./colours.js";
import { GammaSlider } from "./gamma_slider.js";
import { inSight } from "./in_sight.js";
import { Live } from "./live.js";
import { LiveView } from "./live_view.js";
import { mount } from "./mount.js";
import { NernKernels } from "./nern_kernels.js";
import { NernPanels } from "./nern_panels.js";
import { megabytes, percent } from "./nern_words.js";
import { loadPlotly, picks } from "./plotly.js";
import { Walk } from "./walk.js";

const PRUNE_MAX = 0.95;
const OWN = ["prune", "bits", "layer", "filter", "channel", "window", "order", "class"]; // what a person sets here
const NERN_BITS = [32, 16, 8, 6, 4];
const REST_MS = 160; // so long after the last movement the whole split is measured, and the curve goes on
const CURVE_STEPS = 19;
const LATER_PATIENCE_MS = 300000;
const DRAG = 3,
  FILL = 0; // priorities, beside SHOW and PANEL

class NernView extends LiveView {
  constructor(root) {
    super(root, "nv");
    this.value = root.querySelector('[data-testid="nern-accuracy"]');
    this.slider = new GammaSlider(
      root.querySelector(".ip-slider"),
      () => this.input(),
      () => this.commit(),
    );
    this.walk = new Walk(root.querySelector(".ip-gamma"), this.slider);
    this.listening = new AbortController();
    for (const bits of NERN_BITS) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: bits });
      button.setAttribute("role", "radio");
      button.setAttribute("aria-label", `${bits} bits`);
      button.addEventListener("click", () => this.choose(bits), { signal: this.listening.signal });
      this.root.querySelector(".nv-bits").append(button);
    }
    picks(this.find("curve"), this.listening.signal, (prune, event) => this.slider.go(prune / PRUNE_MAX, event.timeStamp));
    this.acts = new Acts();
    this.kernels = new NernKernels(this);
    this.panels = new NernPanels(this);
  }

  // New data from Python, or another theme.
  update(data, act) {
    this.acts.send = act;
    this.data = data;
    this.root.classList.toggle("brief", Boolean(data.brief));
    if (data.brief && !this.visible) {
      this.unseen ??= inSight(this.root, () => {
        this.visible = true;
        this.update(this.data, act);
      });
      return;
    }
    for (const name of OWN) this.acts.takes(name, data[name] ?? null);
    this.table = signedTable(this.root);
    for (const [name, caption] of Object.entries(data.captions)) showCaption(this.find(`caption-${name}`), caption);
    for (const part of this.root.querySelectorAll("[data-needs-nern]")) part.hidden = !data.nern;
    this.find("live").hidden = !data.nern;
    const key = JSON.stringify([data.original, data.nern]);
    if (key !== this.key) {
      this.key = key;
      this.acts.forget();
      this.walk.reset();
      for (const slot of ["look", "whole", "curve"]) this.live.drop(slot);
      this.later?.close(); // what it may be waiting for is of another network
      this.later = new Live(() => {}, "api/live", LATER_PATIENCE_MS);
      this.curve = new Map();
      this.bits = data.bits;
      this.slider.place(data.prune / PRUNE_MAX);
      this.root.classList.add("waiting");
      delete this.value.dataset.prune;
      this.showBits();
      this.kernels.start(data);
      if (!data.brief) this.panels.start(data);
      if (data.nern) this.input();
    } else {
      this.kernels.paint();
      if (!data.brief) this.panels.paint();
      this.drawCurve();
    }
  }

  get prune() {
    return Math.round(this.slider.gamma * PRUNE_MAX * 1e4) / 1e4;
  }

  look() {
    return { nern: this.data.nern, prune: this.prune, bits: this.bits };
  }

  subject() {
    // what the panels ask about: the NeRN as the sliders have it, or the original alone
    return this.data.nern ? this.look() : { original: this.data.original };
  }

  choose(bits) {
    if (bits === this.bits) return;
    this.bits = bits;
    this.curve = new Map();
    this.showBits();
    this.input();
    this.commit();
  }

  showBits() {
    for (const button of this.root.querySelectorAll(".nv-bits button"))
      button.setAttribute("aria-checked", String(Number(button.textContent) === this.bits));
  }

  act(values) {
    this.acts.set(values);
  }

  commit() {
    this.act({ prune: this.prune, bits: this.bits });
  }

  async input() {
    this.find("prune").textContent = percent(this.prune);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.rest();
    }, REST_MS);
    const answer = await this.ask("look", DRAG, { op: "nern", ...this.look() });
    if (!answer) return;
    this.few = Math.ceil(answer.header.reconstructed?.n / 2); // images that a drag may have to wait for
    this.paint(answer.header);
    this.kernels.load(); // the newest look wins here, too
    if (!this.timer) this.rest();
  }

  // The thumb rests: the panels, then image after image until the figures are of all of them. A few at a time, so that a drag
  // that begins waits for few.
  async rest() {
    const { dataset } = this.value,
      { prune, bits } = this;
    const here = () =>
      !this.timer &&
      this.prune === prune &&
      this.bits === bits &&
      dataset.prune === String(prune) &&
      dataset.bits === String(bits);
    if (!here()) return; // its answer calls again
    if (!this.data.brief) this.panels.looked();
    while (dataset.images !== dataset.total) {
      const images = Math.min(Number(dataset.images) + this.few, Number(dataset.total));
      const answer = await this.ask("whole", FILL, { op: "nern", ...this.look(), images });
      if (!answer || !here()) return;
      this.paint(answer.header);
    }
    this.fill();
  }

  paint(header) {
    const { sizes, reconstructed, original, agreement } = header;
    Object.assign(this.value.dataset, { prune: header.prune, bits: header.bits });
    this.find("weight-error").textContent = header.weight_error.toFixed(3);
    for (const name of ["learnable", "predictor", "permutation"]) {
      const row = this.find(`size-${name}`);
      row.style.setProperty("--share", Math.min(1, sizes[name] / sizes.learnable));
      row.querySelector("b").textContent = megabytes(sizes[name]);
    }
    this.find("ratio").textContent = percent(sizes.ratio);
    this.find("compression").textContent = `of the original, ${(1 / sizes.ratio).toFixed(1)} times smaller`;
    this.root.classList.remove("waiting");
    this.root.classList.toggle("stored-only", !reconstructed);
    if (!reconstructed) return this.paintStored(header);
    this.value.textContent = percent(reconstructed.value);
    Object.assign(this.value.dataset, { images: reconstructed.n, total: header.total, value: reconstructed.value });
    this.find("interval").textContent = `${(100 * reconstructed.low).toFixed(1)} to ${percent(reconstructed.high)}`;
    const [n, total] = [reconstructed.n, header.total].map((count) => count.toLocaleString("en"));
    const coarse = header.dtype === "float32" ? "" : ` (${header.dtype})`; // its kernels
    this.find("images").textContent = (n === total ? `on all ${total} test images` : `on ${n} of ${total} test images`) + coarse;
    this.find("original").textContent = percent(original.value);
    this.find("agreement").textContent = percent(agreement.value);
    const bar = this.find("bar").style;
    for (const name of ["low", "high", "value"]) bar.setProperty(`--${name}`, reconstructed[name]);
    this.slider.say(`${percent(header.prune)} pruned, ${header.bits} bits, accuracy ${percent(reconstructed.value)}`);
    this.originalAccuracy = original.value;
    this.curve.set(header.prune, reconstructed);
    this.drawCurve();
  }

  // Without the images: what was measured when the NeRN was made, of the predictor as it is; of a pruned one nothing is known.
  paintStored({ prune, bits }) {
    const { stored } = this.data,
      whole = stored && prune === 0 && bits === 32;
    Object.assign(this.value.dataset, { images: 0, total: 0 });
    delete this.value.dataset.value;
    this.value.textContent = whole ? percent(stored.reconstructed) : "–";
    this.find("images").textContent = whole ? `stored, of ${stored.n.toLocaleString("en")} ${stored.split}` : "needs the images";
    this.find("original").textContent = stored ? `${percent(stored.original)} stored` : "–";
    this.find("agreement").textContent = whole ? `${percent(stored.agreement)} stored` : "–";
    this.slider.say(
      `${percent(prune)} pruned, ${bits} bits, ${whole ? `stored accuracy ${percent(stored.reconstructed)}` : "accuracy needs the images"}`,
    );
  }

  // Fill figure 5 (left) while the thumb rests.
  async fill() {
    if (this.filling || this.data.brief || !this.data.nern || this.value.dataset.images === "0") return;
    this.filling = true;
    const curve = this.curve;
    for (let step = 0; step <= CURVE_STEPS && !this.timer && curve === this.curve; step++) {
      const prune = Math.round((step / CURVE_STEPS) * PRUNE_MAX * 1e4) / 1e4;
      if (curve.has(prune)) continue;
      const answer = await this.ask("curve", FILL, { op: "nern", nern: this.data.nern, prune, bits: this.bits });
      if (!answer) break;
      if (answer.header.bits === this.bits && curve === this.curve) curve.set(prune, answer.header.reconstructed);
      this.drawCurve();
    }
    this.filling = false;
    if (curve !== this.curve && !this.timer) this.fill();
  }

  async drawCurve() {
    if (!this.curve.size || this.data.brief) return;
    const plot = this.find("curve");
    const points = [...this.curve].filter(([, figure]) => figure).sort(([one], [other]) => one - other);
    plot.dataset.points = points.length;
    const here = this.curve.get(this.prune);
    await this.draw(
      plot,
      [
        {
          x: [0, PRUNE_MAX],
          y: [this.originalAccuracy, this.originalAccuracy],
          mode: "lines",
          name: "original",
          line: { color: "grey", dash: "dash", width: 1.5 },
          hoverinfo: "skip",
        },
        {
          x: points.map(([prune]) => prune),
          y: points.map(([, figure]) => figure.value),
          mode: "lines+markers",
          name: `${this.bits} bits`,
          line: { color: "accent", width: 2 },
          marker: { size: 5 },
          customdata: points.map(([, f]) => [f.low, f.high]),
          hovertemplate: "%{y:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%})<extra>%{x:.0%} pruned</extra>",
        },
        ...(here
          ? [
              {
                x: [this.prune],
                y: [here.value],
                mode: "markers",
                marker: { size: 13, color: "accent", symbol: "diamond" },
                showlegend: false,
                hoverinfo: "skip",
              },
            ]
          : []),
      ],
      {
        xaxis: { title: { text: "share of the predictor's weights pruned" }, tickformat: ".0%", range: [-0.02, 0.97] },
        yaxis: { title: { text: "test accuracy" }, tickformat: ".0%", range: [0, 1.04] },
      },
    );
  }

  // A small Plotly chart in the page's colours: "accent" and "grey" are the theme's.
  async draw(plot, traces, layout) {
    try {
      this.Plotly ??= await loadPlotly();
    } catch (error) {
      return this.fail(error);
    }
    if (this.listening.signal.aborted) return;
    const style = getComputedStyle(this.root),
      token = (name) => style.getPropertyValue(name).trim();
    const colours = {
      accent: token("--ip-accent"),
      grey: token("--st-gray-color"),
      other: token("--st-chart-categorical-colors").split(",")[1] ?? token("--st-text-color"),
    };
    for (const trace of traces)
      for (const part of [trace.line, trace.marker]) if (part?.color in colours) part.color = colours[part.color];
    const axis = {
      gridcolor: token("--st-border-color"),
      linecolor: token("--st-border-color"),
      zeroline: false,
      automargin: true,
    };
    await this.Plotly.react(
      plot,
      traces,
      {
        margin: { l: 52, r: 8, t: 34, b: 40 },
        paper_bgcolor: "transparent",
        plot_bgcolor: "transparent",
        hovermode: "closest",
        font: { family: style.fontFamily, size: 12, color: token("--st-text-color") },
        legend: { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom" }, // below: the toolbar has the strip above
        ...layout,
        xaxis: { ...axis, ...layout.xaxis },
        yaxis: { ...axis, ...layout.yaxis },
      },
      {
        displaylogo: false,
        responsive: true,
        modeBarButtonsToRemove: ["select2d", "lasso2d"],
        toImageButtonOptions: { format: "svg", filename: `${this.data.nern ?? this.data.original}` },
      },
    );
  }

  close() {
    clearTimeout(this.timer);
    this.unseen?.();
    this.acts.forget();
    this.key = null;
    this.listening.abort();
    this.walk.close();
    this.slider.close();
    this.live.close();
    this.later?.close();
  }
}

/**
 * @typedef {object} NernData  (nern_view.py)
 * @property {string} original @property {string | null} nern  Ids.
 * @property {import("./nern_kernels.js").Layer[]} layers @property {string[]} classes
 * @property {number} base @property {number} levels  Of the positional embedding.
 * @property {Record<string, any> | null} stored  What the manifest says of the NeRN.
 * @property {number} prune @property {number} bits @property {string} layer @property {number} filter @property {number} channel
 * @property {boolean} [brief]  Slider, figures and kernels alone; `layers` is empty, classes, base and levels are not there.
 * @property {number} window @property {string} order @property {number | null} class
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {NernData} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setTriggerValue  Tells Python what was done, once.
 * @returns {() => void}  The clean-up.
 */
export default function ({ parentElement, data, setTriggerValue }) {
  return mount(
    parentElement,
    () => new NernView(parentElement.querySelector(".nv")),
    (view) => view.update(data, (values) => setTriggerValue("act", values)),
    import.meta.url,
  );
}
