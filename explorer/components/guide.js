// The way around a page: the first stop of the Tab key is a link to what the page is for, and F shows that in full screen.

import { fullScreens } from "./full_screen.js";
import { mount } from "./mount.js";
import { Tour } from "./tour.js";

const STOPS = 'a[href], button, input, select, textarea, canvas[tabindex], [tabindex="0"]';

class Guide {
  constructor(root) {
    this.listening = new AbortController();
    fullScreens(this.listening.signal);
    this.tour = new Tour(root, this.listening.signal);
    root.querySelector(".skip").addEventListener("click", () => this.skip(), { signal: this.listening.signal });
  }

  update({ hero }) {
    this.hero = hero;
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
 * @returns {() => void}  The clean-up.
 */
export default function ({ parentElement, data }) {
  return mount(
    parentElement,
    () => new Guide(parentElement),
    (view) => view.update(data),
    import.meta.url,
  );
}
