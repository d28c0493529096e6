// The map's picture as a file: what is on the screen, with a title and what the colours mean. Comes before latent_map.js.

class Saved extends Picture {
  figure(traces, layout, look) {
    const by = COLOURS[this.view.colour], line = this.line(), [low, high] = this.range();
    const bar = (title, more) => ({ title: { text: title, side: "top" }, thickness: 14, len: 0.86, outlinewidth: 0, tickcolor: look.text, ...more });
    const lengths = [1, 10, 100, 1000, 10_000, 100_000].map(Math.log10).filter((power) => power > low && power < high);
    const ticks = by.log ? { tickvals: [low, ...lengths, high], ticktext: [low, ...lengths, high].map((power) => Math.round(10 ** power).toLocaleString("en")) } : by.iou ? {} : { tickformat: ".0%" };
    const instances = traces.filter((trace) => typeof trace.customdata?.[0] === "number");
    const data = traces.map((trace) => {
      const marker = { ...trace.marker };
      if (by.names && instances.includes(trace)) return { ...trace, name: trace.name ?? "", showlegend: Boolean(trace.name) };
      if (trace === instances[0]) return { ...trace, marker: { ...marker, showscale: true, colorbar: bar(by.label, ticks) } };
      if (line && trace.customdata?.[0] === "p0" && (by.names || by.log) && line.accuracy[0] !== null)
        return { ...trace, marker: { ...marker, showscale: true, colorbar: bar(this.points.shapes ? "Line: IoU" : "Line: accuracy", { x: by.names ? 1.02 : 1.12, tickformat: this.points.shapes ? "" : ".0%" }) } };
      return trace;
    });
    return {
      data,
      layout: {
        ...layout, autosize: false, paper_bgcolor: look.back, margin: { l: 24, r: 24, t: 64, b: 24 }, showlegend: Boolean(by.names),
        legend: { title: { text: by.label }, bgcolor: "rgba(0,0,0,0)", itemsizing: "constant", ...(line ? { y: 1.06, x: 0, orientation: "h", yanchor: "bottom" } : {}) },
        title: { text: `${this.data.title ?? this.space}: ${by.label.toLowerCase()}`, x: 0.02, xanchor: "left", font: { size: 20, color: look.text } },
      },
    };
  }
}
