// Below the kernels: which filters a NeRN keeps (paper, fig. 5 right), smoothness and permutations (eq. 6, fig. 2 and 7), and
// positional embeddings (fig. 8). A view is the NernView that holds them.

import { colourTable, paintBytes } from "./colours.js";
import { megabytes, PANEL, percent, SHOW } from "./nern_words.js";

const KINDS = { none: "as in the network", "in-filter": "in-filter", "cross-filter": "cross-filter" };
const ORDER_KERNELS = 4096; // the largest layer whose permutations are drawn

/** The panels below the kernels. */
export class NernPanels {
  /** @param {any} view  The NernView that holds them. */
  constructor(view) {
    this.view = view;
    this.find = view.find;
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal: view.listening.signal });
    on(this.find("class"), "change", () => {
      this.class = this.find("class").value === "" ? null : Number(this.find("class").value);
      view.act({ class: this.class });
      this.importance();
    });
    for (const name of ["base", "levels", "at"]) on(this.find(name), "input", () => this.embedding());
  }

  start(data) {
    this.class = data.class;
    this.found = {};
    this.find("class").replaceChildren(
      new Option("some of all classes", ""),
      ...data.classes.map((name, at) => new Option(name, at)),
    );
    this.find("class").value = data.class === null ? "" : String(data.class);
    for (const [name, value] of [
      ["base", data.base],
      ["levels", data.levels],
      ["at", 31],
    ])
      this.find(name).value = value;
    this.layer();
    this.smoothness();
    this.embedding();
  }

  // Another layer was chosen.
  layer() {
    if (this.view.data.nern) this.importance();
    this.orders();
    this.select();
  }

  // The sliders rest somewhere else.
  looked() {
    this.importance();
  }

  paint() {
    if (this.found.importance) this.paintImportance();
    if (this.found.orders) this.paintOrders();
    if (this.found.embedding) this.paintEmbedding();
  }

  async importance() {
    const layer = this.view.kernels.state.layer;
    const answer = await this.view.ask("importance", PANEL, {
      op: "nern_importance",
      ...this.view.look(),
      layer,
      class: this.class,
      count: 6,
    });
    if (!answer) return;
    this.found.importance = answer;
    this.paintImportance();
  }

  paintImportance() {
    const { header, array } = this.found.importance,
      error = array("error");
    const ranked = Array.from(error.keys()).sort((one, other) => error[one] - error[other]);
    const kind = (filter) =>
      header.best_filters.includes(filter) ? "accent" : header.worst_filters.includes(filter) ? "other" : "grey";
    const traces = [
      ["kept best", "accent"],
      ["between", "grey"],
      ["kept worst", "other"],
    ]
      .map(([name, colour]) => {
        const places = ranked.map((filter, place) => [place, filter]).filter(([, filter]) => kind(filter) === colour);
        return {
          type: "scatter",
          mode: "markers",
          name,
          x: places.map(([place]) => place + 1),
          y: places.map(([, filter]) => error[filter]),
          text: places.map(([, filter]) => `filter ${filter}`),
          marker: { color: colour, size: 7, symbol: { accent: "circle", grey: "line-ew-open", other: "x" }[colour] },
          hovertemplate: "%{text}<br>rank %{x}, error %{y:.3f}<extra></extra>",
        };
      })
      .filter((trace) => trace.x.length);
    this.find("ranks").dataset.layer = header.layer;
    this.view.draw(this.find("ranks"), traces, {
      xaxis: { title: { text: "filters by error" } },
      yaxis: { title: { text: "relative error" }, rangemode: "tozero" },
    });
    const maps = this.find("maps");
    maps.replaceChildren();
    if (!header.images) return;
    const [count] = header.images.shape,
      plasma = colourTable(this.view.root, "--st-chart-sequential-colors"),
      greys = Uint32Array.from({ length: 256 }, (_, at) => (255 << 24) | (at * 0x010101));
    const top = Math.max(...array("best"), ...array("worst")) || 1;
    maps.style.setProperty("--count", count);
    const cell = (values, at, [, rows, cols], high, table) => {
      const canvas = document.createElement("canvas"),
        part = values.subarray(at * rows * cols, (at + 1) * rows * cols);
      paintBytes(
        canvas,
        Uint8Array.from(part, (value) => Math.min(255, (255 * value) / high)),
        rows,
        cols,
        table,
      );
      return canvas;
    };
    for (const [name, words, table, high] of [
      ["images", "image", greys, 1],
      ["best", `mean of the ${header.best_filters.length} kept best`, plasma, top],
      ["worst", `mean of the ${header.worst_filters.length} kept worst`, plasma, top],
    ]) {
      maps.append(Object.assign(document.createElement("span"), { textContent: words }));
      for (let at = 0; at < count; at++) maps.append(cell(array(name), at, header[name].shape, high, table));
    }
    maps.append(
      document.createElement("span"),
      ...header.labels.map((label) => Object.assign(document.createElement("em"), { textContent: header.classes[label] })),
    );
  }

  async smoothness() {
    const kernels = this.view.data.layers.reduce((sum, { filters, channels }) => sum + filters * channels, 0);
    this.find("smooth").replaceChildren(`Working out the orders of ${kernels.toLocaleString("en")} kernels …`);
    const answer = await this.view.ask("smoothness", PANEL, { op: "nern_smoothness", ...this.view.subject() }, this.view.later);
    if (!answer) return;
    const { layers, bits, learnable_bits } = answer.header;
    const table = document.createElement("table"),
      row = (cells, tag = "td") => {
        const line = document.createElement("tr");
        line.append(...cells.map((text) => Object.assign(document.createElement(tag), { textContent: text })));
        return line;
      };
    const head = document.createElement("thead"),
      body = document.createElement("tbody"),
      foot = document.createElement("tfoot");
    head.append(row(["layer", ...Object.values(KINDS)], "th"));
    for (const layer of layers) {
      const line = row([layer.name, ...Object.keys(KINDS).map((kind) => layer[kind].toFixed(1))]);
      line.dataset.layer = layer.name;
      line.addEventListener("click", () => this.view.kernels.choose({ layer: layer.name, filter: 0, channel: 0 }));
      body.append(line);
    }
    const total = (kind) => layers.reduce((sum, layer) => sum + layer[kind], 0).toFixed(1);
    foot.append(row(["all layers", ...Object.keys(KINDS).map(total)]));
    foot.append(
      row([
        "to store",
        ...Object.keys(KINDS).map((kind) => `${megabytes(bits[kind] / 8)} (${percent(bits[kind] / learnable_bits)})`),
      ]),
    );
    table.append(head, body, foot);
    this.find("smooth").replaceChildren(table);
    this.select();
  }

  select() {
    for (const line of this.find("smooth").querySelectorAll("tr[data-layer]"))
      line.setAttribute("aria-selected", String(line.dataset.layer === this.view.kernels.state.layer));
  }

  async orders() {
    const { name, filters, channels } = this.view.kernels.layer;
    this.found.orders = null;
    if (filters * channels > ORDER_KERNELS)
      return this.find("orders").replaceChildren(`${name} has ${filters * channels} kernels, too many to draw one by one.`);
    const answer = await this.view.ask(
      "orders",
      PANEL,
      { op: "nern_orders", ...this.view.subject(), layer: name },
      this.view.later,
    );
    if (!answer || answer.header.layer !== this.view.kernels.state.layer) return;
    this.found.orders = answer;
    this.paintOrders();
  }

  paintOrders() {
    const { header, array } = this.found.orders,
      { filters, channels } = header;
    const colours = colourTable(this.view.root, "--st-chart-sequential-colors");
    this.find("orders").dataset.layer = header.layer;
    this.find("orders").replaceChildren(
      ...Object.entries(KINDS).map(([kind, words]) => {
        const figure = document.createElement("figure"),
          canvas = document.createElement("canvas");
        const shades = Uint8Array.from(array(kind), (number) =>
          Math.round((255 * Math.floor(number / channels)) / Math.max(1, filters - 1)),
        );
        paintBytes(canvas, shades, filters, channels, colours);
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `Kernels of ${header.layer}, ${words}, coloured by the filter that they belong to`);
        figure.append(Object.assign(document.createElement("figcaption"), { textContent: words }), canvas);
        return figure;
      }),
    );
  }

  async embedding() {
    const [base, levels, at] = ["base", "levels", "at"].map((name) => Number(this.find(name).value));
    for (const [name, text] of [
      ["base", base.toFixed(2)],
      ["levels", levels],
      ["at", at],
    ])
      this.find(`${name}-of`).textContent = text;
    const answer = await this.view.ask("embedding", SHOW, { op: "nern_embedding", base, levels, at, count: 64 });
    if (!answer) return;
    this.found.embedding = answer;
    this.paintEmbedding();
  }

  async paintEmbedding() {
    const { header, array } = this.found.embedding,
      values = Array.from(array("similarity"));
    await this.view.draw(
      this.find("embedding"),
      [
        {
          x: values.map((_, at) => at),
          y: values,
          mode: "lines",
          line: { color: "accent", width: 2 },
          hovertemplate: "channel %{x}: %{y:.3f}<extra></extra>",
        },
      ],
      {
        xaxis: { title: { text: `channel c of (0, 0, c)` } },
        yaxis: { title: { text: `similarity to (0, 0, ${header.at})` }, range: [Math.min(-0.3, ...values) - 0.05, 1.05] },
        showlegend: false,
      },
    );
    Object.assign(this.find("embedding").dataset, { base: header.base, levels: header.levels }); // of what is drawn
  }
}
