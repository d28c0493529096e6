// The server's own copy of Plotly, which every picture of a page shares.

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

// Plotly speaks from timers of its own (the wheel's, a resize's): a picture that was purged meanwhile is spoken to no more.
function deaf(Plotly) {
  const { purge } = Plotly;
  Plotly.purge = (picture) => Object.assign(purge(picture), { emit() {} });
  return Plotly;
}
