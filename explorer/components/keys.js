// The keys of all pages: what each does and where (KEYS), those that hold wherever the focus is, and the dialog that shows a page its own.
//
// A key that moves something belongs to what it moves, whose script listens for it; it is said here.

const MOVE = "← → ↑ ↓";
/** @type {{of: string, at: string, keys: [string, string][]}[]}  Of what, found by which selector: its keys and what they do. */
const KEYS = [
  {
    of: "Slider",
    at: ".ip-thumb",
    keys: [
      ["← →", "By 0.01, with Shift by 0.001"],
      ["Page\u00a0Up, Page\u00a0Down", "By 0.1"],
      ["Home, End", "To its ends"],
      ["Space", "Play, pause"],
    ],
  },
  { of: "Level", at: '[data-sh="level"]', keys: [["← →", "By 0.005"], ["Space", "Play, pause"]] },
  {
    of: "Map",
    at: ".lm-stage",
    keys: [
      [MOVE, "To the nearest network that way"],
      ["Enter", "The selected network as the next anchor"],
      ["A, B", "The selected network as that anchor"],
    ],
  },
  {
    of: "Mesh",
    at: ".sh-stage",
    keys: [
      [MOVE, "Turn, with Shift move"],
      ["+, −", "Nearer, farther"],
      ["0", "Back to where the view started"],
    ],
  },
  {
    of: "Contact sheet",
    at: ".sh-grid",
    keys: [
      [MOVE, "From shape to shape"],
      ["Home, End", "First, last"],
      ["Enter", "Choose it"],
    ],
  },
  { of: "Square", at: ".cp-thumb", keys: [[MOVE, "By 0.02, with Shift by 0.1"]] },
  { of: "Plane", at: ".pl-thumb", keys: [[MOVE, "By 0.02, with Shift by 0.1"]] },
  {
    of: "PRep",
    at: ".pv canvas",
    keys: [
      [MOVE, "From cell to cell, with Shift by eight"],
      ["+, −", "Zoom"],
      ["0", "All of it"],
    ],
  },
  { of: "Kernels", at: "canvas[data-grid]", keys: [[MOVE, "From kernel to kernel"]] },
  {
    of: "Picker",
    at: '.pk input, [role="combobox"]',
    keys: [
      ["↑ ↓", "Through the list"],
      ["Enter, Escape", "Choose, close"],
    ],
  },
  { of: "Full screen", at: "[data-full]", keys: [["F", "The map, the meshes or the plane in full screen, and back"]] },
  {
    of: "Everywhere",
    at: "body",
    keys: [
      ["Tab, Enter", "First stop: to what the page is for"],
      ["Ctrl+Z", "Take back what was selected last on this page"],
      ["Ctrl+Shift+Z", "Select it again"],
      ["?", "These keys"],
    ],
  },
];
const TYPED = "input:not([type=range]), textarea, select, [contenteditable=true], [role=combobox]";

/** The keys of a page. */
export class Keys {
  /**
   * @param {HTMLDialogElement} dialog  Shows them. @param {HTMLElement} opens  Opens it.
   * @param {(back: boolean) => void} step  Takes back what was selected, or selects it again. @param {AbortSignal} signal  Ends it.
   */
  constructor(dialog, opens, step, signal) {
    Object.assign(this, { dialog, step });
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal });
    on(document, "keydown", (event) => this.key(event));
    on(document, "click", ({ target }) => target.closest("[data-full-screen]") && fullScreen(target.closest("[data-full]")));
    on(opens, "click", () => this.show());
    on(dialog, "click", ({ target }) => (target === dialog || target.closest("[data-close]")) && dialog.close()); // beside it, too
  }

  key(event) {
    if (event.defaultPrevented || event.altKey || event.target.closest(TYPED)) return;
    const command = event.ctrlKey || event.metaKey,
      key = event.key.toLowerCase();
    if (this.dialog.open) {
      if (key === "?") this.dialog.close();
    } else if (command && (key === "z" || (key === "y" && !event.shiftKey))) {
      event.preventDefault();
      this.step(key === "z" && !event.shiftKey);
    } else if (command) return;
    else if (key === "?") this.show();
    else if (key === "f") {
      const all = [...document.querySelectorAll("[data-full]")].filter((each) => each.checkVisibility());
      const meant = all.find((each) => each.contains(document.activeElement)) ?? all.find((each) => each.matches(":hover")) ?? all[0];
      if (meant) fullScreen(meant);
    }
  }

  // Those of what is on the page now.
  show() {
    const here = KEYS.filter(({ at }) => [...document.querySelectorAll(at)].some((each) => each.checkVisibility()));
    const make = (tag, ...children) => {
      const element = document.createElement(tag);
      element.append(...children);
      return element;
    };
    const named = (keys) => keys.split(/(, | (?=\S))/).map((part) => (/^(, | )$/.test(part) ? part : make("kbd", part)));
    const rows = ({ of, keys }) => [
      make("h3", of),
      make("dl", ...keys.map(([keys, words]) => make("div", make("dt", ...named(keys)), make("dd", words)))),
    ];
    this.dialog.querySelector("[data-keys]").replaceChildren(...here.map((each) => make("section", ...rows(each))));
    this.dialog.showModal();
  }
}

function fullScreen(element) {
  const done = document.fullscreenElement ? document.exitFullscreen() : element.requestFullscreen();
  done.catch(() => {}); // a browser may refuse, as inside another page's frame: all stays as it is
}
