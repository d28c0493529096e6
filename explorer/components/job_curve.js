// Curves of jobs over their steps as they grow: two charts above each other with one axis of steps. A run has a colour, and a
// dash of its own; what was measured on the training batch is thin, what was measured on validation thick, with points.

import { shareRange } from "./forms.js";
import { saveCsv } from "./csv.js";
import { loadPlotly, picks } from "./plotly.js";

const CURVE_TICKS = [-6, -5, -4, -3, -2, -1, 0, 1, 2, 3].flatMap((power) => [1, 3].map((digit) => Number(`${digit}e${power}`)));
/** @type {string[]} */
export const CURVE_DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];

/**
 * @typedef {{title: string, names: {name: string, label: string, thick: boolean}[], log?: boolean, percent?: boolean}} Chart
 */
export class JobCurve {
  /**
   * @param {HTMLElement} element @param {Chart[]} rows  The upper chart first.
   * @param {(step: number) => void} [onPick]  Told of a click.
   */
  constructor(element, rows, onPick) {
    this.element = element;
    this.rows = rows;
    this.listening = new AbortController();
    if (onPick) picks(element, this.listening.signal, onPick);
    this.observer = new ResizeObserver(() => this.drawn && this.Plotly.Plots.resize(element));
    this.observer.observe(element);
  }

  /** @param {import("./job_feed.js").Job[]} jobs @returns {Promise<void>} */
  async draw(jobs) {
    this.jobs = jobs;
    this.Plotly ??= await loadPlotly();
    if (this.closed) return;
    const style = getComputedStyle(this.element),
      token = (name) => style.getPropertyValue(`--st-${name}`).trim();
    await this.Plotly.react(this.element, this.traces(token), this.layout(token, style.fontFamily), {
      displayModeBar: false,
      responsive: false,
      doubleClick: "reset",
    });
    this.drawn = true;
  }

  traces(token) {
    const colours = token("chart-categorical-colors").split(","),
      traces = [],
      several = this.jobs.length > 1;
    this.jobs.forEach((job, run) => {
      this.rows.forEach((row, place) => {
        for (const { name, label, thick } of row.names) {
          const points = job.points.filter((point) => point[name] != null);
          const axis = place ? "y2" : "y",
            colour = colours[(several ? run : place ? 1 : 0) % colours.length].trim();
          const shown = several ? `${job.id}, ${label}` : label;
          traces.push({
            x: points.map((point) => point.step),
            y: points.map((point) => point[name]),
            yaxis: axis,
            name: several ? job.id : label,
            mode: thick && points.length < 60 ? "lines+markers" : "lines",
            line: {
              color: colour,
              width: thick ? 2.5 : 1.2,
              dash: thick ? CURVE_DASHES[(several ? run : 0) % CURVE_DASHES.length] : "solid",
            },
            marker: { size: 4, color: colour },
            opacity: thick ? 1 : 0.6,
            showlegend: points.length > 0 && (several ? thick && !place : true),
            hovertemplate: `%{y:${row.percent ? ".1%" : ".4g"}}<extra>${shown}</extra>`,
          });
        }
      });
    });
    return traces;
  }

  reached(row) {
    const points = this.jobs.flatMap((job) => job.points);
    return row.names.flatMap(({ name }) => points.map((point) => point[name]).filter((value) => value != null));
  }

  layout(token, family) {
    const text = token("text-color"),
      grid = token("border-color");
    const axis = { gridcolor: grid, zeroline: false, linecolor: grid, tickfont: { color: text } };
    const side = (row, domain) => ({
      ...axis,
      domain,
      title: { text: row.title, standoff: 4 },
      type: row.log ? "log" : "linear",
      ...(row.percent
        ? { tickformat: ".0%", range: shareRange(this.reached(row)) }
        : row.log
          ? { tickvals: CURVE_TICKS, ticktext: CURVE_TICKS.map(String) }
          : { nticks: 5 }),
    });
    const two = this.rows[1].names.length > 0;
    const stages =
      this.jobs.length === 1 ? this.jobs[0].points.filter((point, i, all) => i && point.stage !== all[i - 1].stage) : [];
    return {
      uirevision: this.jobs.map((job) => job.id).join(),
      margin: { l: 58, r: 12, t: 28, b: 40 },
      paper_bgcolor: token("background-color"),
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family, size: 12, color: text },
      hovermode: "x unified",
      hoverlabel: { bgcolor: token("secondary-background-color"), bordercolor: grid, font: { color: text, family } },
      legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" },
      xaxis: { ...axis, title: { text: "step", standoff: 6 }, rangemode: "tozero", anchor: two ? "y2" : "y" },
      yaxis: side(this.rows[0], [two ? 0.45 : 0, 1]),
      yaxis2: side(this.rows[1], [0, 0.36]),
      shapes: [...stages, ...(this.at == null ? [] : [{ step: this.at }])].map((point) => ({
        type: "line",
        x0: point.step,
        x1: point.step,
        yref: "paper",
        y0: 0,
        y1: 1,
        line: point.stage === undefined ? { color: text, width: 1.5 } : { color: grid, dash: "dot" },
      })),
      annotations: stages.map((point) => ({
        x: point.step,
        yref: "paper",
        y: 0.43,
        text: point.stage,
        showarrow: false,
        xanchor: "left",
        font: { size: 11 },
      })),
    };
  }

  save(kind, name) {
    if (!this.drawn) return;
    if (kind !== "csv")
      return this.Plotly.downloadImage(this.element, { format: kind, width: 1000, height: 640, scale: 2, filename: name });
    const names = [...new Set(this.jobs.flatMap((job) => job.points.flatMap(Object.keys)))].filter(
      (key) => !["xy", "xyz"].includes(key),
    );
    const rows = this.jobs.flatMap((job) => job.points.map((point) => [job.id, ...names.map((key) => point[key])]));
    saveCsv([["job", ...names], ...rows], name);
  }

  close() {
    this.closed = true;
    this.listening.abort();
    this.observer.disconnect();
    if (this.drawn) this.Plotly.purge(this.element);
  }
}
