// A view's life over Streamlit's calls: made at the first, updated at each, closed by the clean-up of the last. Streamlit runs the
// clean-up of a call that newer data overtook, too: that one closes nothing.
//
// Nothing that a view throws reaches Streamlit, which would put a trace in its place and never ask it again. A view that throws is
// closed and made anew, on the HTML it began with and the data it had last; one that throws again soon gives way to a sentence and
// a button. What is thrown later, in an event or a promise, is known by this script's name in its trace, or Plotly's.

const mounted = new Map(); // parent element -> Life
const HERE = new URL(".", import.meta.url).href; // how traces name these scripts
const SOON_MS = 10_000; // a second failure within this is not tried again unasked

/**
 * @template View
 * @param {HTMLElement} parentElement @param {() => View} make @param {(view: View) => void} update  Called with the newest data.
 * @param {string} script  The script's own address, import.meta.url. @returns {() => void}  The clean-up.
 */
export function mount(parentElement, make, update, script) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, new Life(parentElement, script));
  return mounted.get(parentElement).take(make, update);
}

class Life {
  constructor(parent, script) {
    Object.assign(this, { parent, script, host: parent.firstElementChild ?? parent, turn: 0, failed: -Infinity });
    this.blank = [...this.host.childNodes].map((node) => node.cloneNode(true));
  }

  take(make, update) {
    Object.assign(this, { make, update });
    const turn = ++this.turn;
    this.stopped ? this.again() : this.run();
    return () => {
      if (this.turn !== turn) return;
      this.drop();
      mounted.delete(this.parent);
    };
  }

  run() {
    try {
      this.view ??= this.make();
      this.update(this.view);
    } catch (error) {
      console.error(error); // for who looks after it; the person gets the view, or a sentence
      this.fail();
    }
  }

  again() {
    this.stopped = false;
    this.clear();
    this.run();
  }

  fail() {
    const now = performance.now(),
      soon = now - this.failed < SOON_MS;
    this.failed = now;
    if (!soon) return this.again();
    this.clear();
    this.stopped = true;
    const words = document.createElement("div"),
      button = document.createElement("button");
    Object.assign(words, {
      className: "stopped",
      role: "alert",
      textContent: "This part of the page stopped working; what you selected is kept.",
    });
    Object.assign(button, { type: "button", textContent: "Reload it" });
    button.addEventListener("click", () => this.again());
    words.append(button);
    this.host.append(words);
  }

  clear() {
    this.drop();
    this.host.replaceChildren(...this.blank.map((node) => node.cloneNode(true)));
  }

  drop() {
    const { view } = this;
    this.view = null;
    try {
      view?.close();
    } catch (error) {
      console.error(error);
    }
  }
}

function traceOf(error) {
  return String(error?.stack ?? "");
}

// A failure is that of the views whose own script is in its trace; where it is in none, of all that may be meant.
for (const [type, of] of [
  ["error", (event) => event.error],
  ["unhandledrejection", (event) => event.reason],
])
  window.addEventListener(type, (event) => {
    const trace = traceOf(of(event));
    const plotly = trace.includes("plotly.min.js");
    if (!plotly && !trace.includes(HERE)) return;
    const lives = [...mounted.values()].filter((life) => life.view);
    const named = lives.filter((life) => trace.includes(life.script));
    const meant = plotly ? lives.filter((life) => life.host.querySelector(".js-plotly-plot")) : lives;
    for (const life of named.length ? named : meant) life.fail();
  });

/**
 * The children of a parent, made anew, taken over into those that are there: what a finger is on, or the keyboard's focus, stays.
 *
 * @param {Node} parent @param {Node[]} nodes @returns {void}
 */
export function refill(parent, nodes) {
  nodes.forEach((node, at) => {
    const old = parent.childNodes[at];
    if (!old) parent.append(node);
    else if (old.nodeType !== Node.ELEMENT_NODE || old.nodeName !== node.nodeName) old.isEqualNode(node) || old.replaceWith(node);
    else {
      for (const name of old.getAttributeNames()) node.hasAttribute(name) || old.removeAttribute(name);
      for (const name of node.getAttributeNames())
        old.getAttribute(name) === node.getAttribute(name) || old.setAttribute(name, node.getAttribute(name));
      refill(old, [...node.childNodes]);
    }
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild.remove();
}

/**
 * Calls `click` where a pointer was pressed and let go without having moved: a drag is not a click, nor are two fingers. Fingers shake.
 *
 * @param {Element} element @param {AbortSignal} signal @param {(event: PointerEvent) => void} [click]
 * @returns {{still: boolean}}  Whether the last press was a click.
 */
export function clicks(element, signal, click = () => {}) {
  const press = { still: false },
    on = (target, type, handler) => target.addEventListener(type, handler, { capture: true, signal });
  let down = null;
  on(element, "pointerdown", (event) => {
    press.still = false;
    down = event.isPrimary && event.button === 0 ? event : null;
  });
  on(window, "pointermove", (event) => {
    if (down && Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > (event.pointerType === "touch" ? 10 : 4))
      down = null;
  });
  on(window, "pointercancel", () => {
    down = null;
  });
  on(window, "pointerup", (event) => {
    // Plotly puts a cover over everything while a button is down
    press.still = down?.pointerId === event.pointerId;
    down = null;
    if (press.still) click(event);
  });
  return press;
}

/**
 * A button that has nothing to do just now. It keeps the keyboard's focus, which one with `disabled` would drop.
 *
 * @param {Element} button @param {boolean} disabled @returns {void}
 */
export function disable(button, disabled) {
  button.setAttribute("aria-disabled", String(disabled));
}

/**
 * The button under a click that has something to do.
 *
 * @param {Event} event @returns {HTMLElement | null}
 */
export function pressed(event) {
  return event.target.closest('[data-do]:not([aria-disabled="true"])');
}
