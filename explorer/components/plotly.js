// The server's own copy of Plotly, which every picture of a page shares.

import { clicks } from "./mount.js";

/**
 * Plotly, loaded once per page from the server's own copy.
 *
 * @returns {Promise<any>}
 */
export function loadPlotly() {
  window.__plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "api/static/plotly.min.js";
    script.onload = () => resolve(deaf(window.Plotly));
    script.onerror = () => {
      window.__plotly = undefined;
      reject(new Error("The chart library did not load. Reload the page."));
    };
    document.head.append(script);
  });
  return window.__plotly;
}

/**
 * Calls `pick` with the place on the axis across where a chart is clicked; a drag zooms, and is no click.
 *
 * @param {HTMLElement} plot @param {AbortSignal} signal @param {(x: number, event: PointerEvent) => void} pick
 * @returns {void}
 */
export function picks(plot, signal, pick) {
  clicks(plot, signal, (event) => {
    if (!plot._fullLayout?.xaxis) return;
    const { xaxis, _size: size } = plot._fullLayout,
      box = plot.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - size.l, event.clientY - box.top - size.t];
    if (x >= 0 && x <= size.w && y >= 0 && y <= size.h) pick(xaxis.p2l(x), event);
  });
}

// Plotly speaks from timers of its own (the wheel's, a resize's): a picture that was purged meanwhile is spoken to no more.
function deaf(Plotly) {
  const { purge } = Plotly;
  Plotly.purge = (picture) => Object.assign(purge(picture), { emit() {} });
  return Plotly;
}
