// The map's picture as a file: what is on the screen, with a title and what the colours mean.

import { capital } from "./forms.js";
import { Picture } from "./latent_map_picture.js";

/** The picture, and how it is saved as a file. */
export class Saved extends Picture {
  figure(traces, layout, look) {
    const by = this.by(),
      form = this.form(by),
      line = this.line(),
      [low, high] = this.range();
    const bar = (title, more) => ({
      title: { text: title, side: "top" },
      thickness: 14,
      len: 0.86,
      outlinewidth: 0,
      tickcolor: look.text,
      ...more,
    });
    const lengths = [1, 10, 100, 1000, 10_000, 100_000].map(Math.log10).filter((power) => power > low && power < high);
    const exact = [low, ...lengths, high];
    const ticks = form.log ? { tickvals: exact, ticktext: exact.map(form.end) } : { tickformat: form.tick };
    const { walked } = this.data.screen;
    const instances = traces.filter((trace) => typeof trace.customdata?.[0] === "number");
    const data = traces.map((trace) => {
      const marker = { ...trace.marker };
      if (form.names && instances.includes(trace)) return { ...trace, name: trace.name ?? "", showlegend: Boolean(trace.name) };
      if (trace === instances[0])
        return { ...trace, marker: { ...marker, showscale: true, colorbar: bar(capital(by.label), ticks) } };
      if (line && trace.customdata?.[0] === "p0" && (form.names || form.log) && line.values[0] !== null)
        return {
          ...trace,
          marker: {
            ...marker,
            showscale: true,
            colorbar: bar(`Line: ${walked.short}`, { x: form.names ? 1.02 : 1.12, tickformat: this.form(walked).tick }),
          },
        };
      return trace;
    });
    return {
      data,
      layout: {
        ...layout,
        autosize: false,
        paper_bgcolor: look.back,
        margin: { l: 24, r: 24, t: 64, b: 24 },
        showlegend: Boolean(form.names),
        legend: {
          title: { text: capital(by.label) },
          bgcolor: "rgba(0,0,0,0)",
          itemsizing: "constant",
          ...(line ? { y: 1.06, x: 0, orientation: "h", yanchor: "bottom" } : {}),
        },
        title: {
          text: `${this.data.title ?? this.space}: ${by.label}`,
          x: 0.02,
          xanchor: "left",
          font: { size: 20, color: look.text },
        },
      },
    };
  }
}
