// What a flat Plotly picture shows. Plotly forgets a person's zoom where one axis is bound to the other (`scaleanchor`) and widens
// the range with every change of the window; so the range is kept here and given to each drawing.

let drawings = 0;

/**
 * A new `uirevision`: the range or camera that is given with it holds.
 *
 * @returns {number}
 */
function newlySeen() {
  return ++drawings;
}

/** home: the box [left, right, bottom, top] that holds everything; box: what a person zoomed to, or null. */
export class Seen {
  /** @param {() => void} [moved]  Told of each change. */
  constructor(moved = () => {}) {
    Object.assign(this, { moved, home: null, box: null, fitting: 0 });
  }

  /**
   * The axes, drawn alike where both are pictures of the same space, each by itself where they are quantities (`title`).
   *
   * @param {Record<string, any>} across @param {Record<string, any>} [up] @returns {Record<string, any>}
   */
  axes(across, up = across) {
    const [left, right, bottom, top] = this.box ?? this.home,
      uirevision = newlySeen(); // a new one: the range given here holds
    return {
      xaxis: { ...across, range: [left, right], uirevision },
      yaxis: { ...up, range: [bottom, top], uirevision, ...(across.title?.text || up.title?.text ? {} : { scaleanchor: "x" }) },
    };
  }

  follow(picture) {
    const look = (change) => {
      if (this.fitting || !Object.keys(change).some((name) => /^[xy]axis\./.test(name))) return; // of another size, not of another place
      const { xaxis, yaxis } = picture._fullLayout;
      this.box = [...xaxis.range, ...yaxis.range].map((value) => Number(value.toPrecision(7)));
      this.moved();
    };
    picture.on("plotly_relayouting", look);
    picture.on("plotly_relayout", look);
    picture.on("plotly_doubleclick", () => this.wide(picture));
    this.observer = new ResizeObserver(() => this.fit(picture));
    this.observer.observe(picture);
  }

  wide(picture) {
    this.box = null;
    this.fit(picture);
    this.moved();
  }

  // The same place in the size that the picture has now.
  fit(picture) {
    if (!picture.offsetParent || !picture._fullLayout) return;
    const [left, right, bottom, top] = this.box ?? this.home;
    this.fitting += 1;
    const done = () => {
      this.fitting -= 1;
    };
    window.Plotly.relayout(picture, { autosize: true, "xaxis.range": [left, right], "yaxis.range": [bottom, top] }).then(
      done,
      done,
    );
  }

  close() {
    this.observer?.disconnect();
  }
}
