// A guided tour: a box in a corner that says what a page is for and does it. It blocks nothing: all of the page works beside it, and
// Escape ends it. Which step it is at is kept for the tab, so that a page that is loaded anew goes on with it.

import { STEPS } from "./tour_steps.js";

const STEP = "tour-step", // of the tab
  OFFERED = "tour-offered"; // of the browser
const PATIENCE_MS = 30_000,
  TRIES = 4,
  LOOK_MS = 150,
  STILL_MS = 900,
  KEY_MS = 90; // slow enough to be seen

/** The box, its buttons, and the step it is at. */
export class Tour {
  /**
   * @param {HTMLElement} root  Holds the tour's HTML (guide.html).
   * @param {AbortSignal} signal  Ends it.
   */
  constructor(root, signal) {
    this.root = root;
    this.signal = signal;
    const on = (part, handler) => this.part(part).addEventListener("click", handler, { signal });
    on("open", () => this.go(0));
    on("next", () => this.go(this.step + 1));
    on("back", () => this.go(this.step - 1));
    on("end", () => this.end());
    document.addEventListener("keydown", (event) => event.key === "Escape" && !this.part("box").hidden && this.end(), { signal });
    this.step = Number(read(sessionStorage, STEP) ?? -1);
    if (this.step >= 0) this.show();
    else if (!read(localStorage, OFFERED) && here() === "") this.offer();
  }

  part(name) {
    return this.root.querySelector(`[data-tour="${name}"]`);
  }

  // Once, at the first visit of Home; the button stays where it is.
  offer() {
    write(localStorage, OFFERED, "yes");
    this.part("open").textContent = "New here? Take the tour";
    this.part("open").classList.add("offered");
  }

  show() {
    const { step } = this;
    this.part("title").textContent = `Tour, ${step + 1} of ${STEPS.length}`;
    this.part("words").textContent = STEPS[step].says;
    this.part("next").textContent = step === STEPS.length - 1 ? "Done" : "Next";
    this.part("back").hidden = step < 1;
    this.part("box").dataset.step = String(step + 1);
    this.part("box").hidden = false;
  }

  async go(step) {
    if (step >= STEPS.length) return this.end();
    this.part("open").textContent = "Tour";
    this.part("open").classList.remove("offered");
    this.step = step;
    write(sessionStorage, STEP, String(step));
    this.show();
    this.part("next").focus();
    const { page, does } = STEPS[step];
    for (let tries = 0; tries < TRIES && here() !== page && this.step === step; tries += 1) {
      await this.quiet(step); // what was just dragged is told first: a page left before that comes back
      linkTo(page)?.click();
      await until(() => here() === page, () => this.step === step, PATIENCE_MS / TRIES);
    }
    await does?.(hand(() => this.step === step && !this.signal.aborted));
    if (this.step === step) this.part("box").dataset.done = String(step + 1);
  }

  async quiet(step) {
    const wanted = () => this.step === step;
    await rest(STILL_MS);
    await until(() => document.querySelector(".stApp")?.dataset.testScriptState === "notRunning", wanted, PATIENCE_MS / TRIES);
  }

  end() {
    this.step = -1;
    this.part("box").hidden = true;
    write(sessionStorage, STEP, null);
  }
}

const last = (path) => path.match(/[^/]*$/)[0];
const here = () => last(location.pathname);

// Of the bar, which carries what is selected from page to page.
function linkTo(page) {
  const links = [...document.querySelectorAll(".st-key-links a")];
  return page ? links.find((link) => last(new URL(link.href, document.baseURI).pathname) === page) : links[0];
}

const rest = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(found, wanted = () => true, patience = PATIENCE_MS) {
  for (const end = Date.now() + patience; Date.now() < end && wanted(); await rest(LOOK_MS)) {
    const what = found();
    if (what) return what;
  }
  return null;
}

/** @param {() => boolean} wanted  False once another step is shown. @returns {import("./tour_steps.js").Hand} */
function hand(wanted) {
  const seen = (selector) => [...document.querySelectorAll(selector)].find((each) => each.checkVisibility() && !each.disabled);
  const find = async (selector) => {
    const element = await until(() => seen(selector), wanted);
    element?.scrollIntoView({ block: "nearest" });
    return element && wanted() ? element : null;
  };
  return {
    find,
    async press(selector, keys) {
      await find(selector);
      await rest(1000); // what has just come is still being drawn
      for (const key of keys) {
        if (!wanted()) return;
        seen(selector)?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        await rest(KEY_MS);
      }
    },
    async still(selector) {
      let text = "",
        since = 0;
      await until(() => {
        const now = seen(selector)?.textContent ?? "";
        if (now !== text) [text, since] = [now, Date.now()];
        return text && Date.now() - since > STILL_MS;
      }, wanted);
    },
    async click(selector) {
      (await find(selector))?.click();
    },
    async drop(selector, name, text) {
      const input = await until(() => document.querySelector(selector), wanted); // an uploader's own is hidden
      if (!input || !wanted()) return;
      const files = new DataTransfer();
      files.items.add(new File([text], name));
      input.files = files.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      input.closest("section, div")?.scrollIntoView({ block: "center" });
    },
  };
}

// Storage may be forbidden: then the tour is offered again.
function read(storage, key) {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

function write(storage, key, value) {
  try {
    value === null ? storage.removeItem(key) : storage.setItem(key, value);
  } catch {
    // nothing is kept
  }
}
