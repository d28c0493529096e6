// The way around a page: the first stop of the Tab key is a link to what the page is for; its keys, and the tour.

import { Keys } from "./keys.js";
import { mount } from "./mount.js";
import { Tour } from "./tour.js";

const STOPS = 'a[href], button, input, select, textarea, canvas[tabindex], [tabindex="0"]';

class Guide {
  constructor(root) {
    this.listening = new AbortController();
    const [dialog, opens] = [root.querySelector(".keys"), root.querySelector("[data-opens]")];
    this.keys = new Keys(dialog, opens, (back) => this.step(back), this.listening.signal);
    this.tour = new Tour(root, this.listening.signal);
    root.querySelector(".skip").addEventListener("click", () => this.skip(), { signal: this.listening.signal });
  }

  update({ hero }, step) {
    Object.assign(this, { hero, step });
  }

  skip() {
    const hero = [...document.querySelectorAll(this.hero)].find((each) => each.checkVisibility({ visibilityProperty: true }));
    if (!hero) return;
    const target = hero.matches(STOPS) ? hero : hero.querySelector(STOPS);
    if (!target) hero.tabIndex = -1;
    (target ?? hero).focus();
  }

  close() {
    this.listening.abort();
  }
}

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {{hero: string}} args.data  The selector of what the page is for.
 * @param {(name: string, value: unknown) => void} args.setTriggerValue  Tells Python what was done, once.
 * @returns {() => void}  The clean-up.
 */
export default function ({ parentElement, data, setTriggerValue }) {
  return mount(
    parentElement,
    () => new Guide(parentElement),
    (view) => view.update(data, (back) => setTriggerValue("step", back ? "back" : "again")),
    import.meta.url,
  );
}
