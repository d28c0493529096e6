// What a word of the glossary means, where it stands: to those who point at it, tap it, or have the keyboard's focus on what it is in.
//
// The page is Streamlit's, which puts its texts in place anew as it likes: so nothing is wrapped around words. They are found under the
// pointer, and marked as highlights, which are no elements. Marking waits until the page has been still: a drag never pays for it.

import { mount } from "./mount.js";

const STILL_MS = 900,
  REST_MS = 120;
const PLAIN = "input, textarea, code, pre, svg, [role=option]"; // in which nothing is marked

class Words {
  constructor(root) {
    this.tip = root;
    this.listening = new AbortController();
    const on = (type, handler) => document.addEventListener(type, handler, { signal: this.listening.signal, passive: true });
    on("pointermove", (event) => this.later(event));
    on("pointerup", (event) => event.pointerType !== "mouse" && this.later(event));
    on("focusin", (event) => this.focused(event.target));
    for (const type of ["focusout", "scroll", "wheel", "pointerdown"]) on(type, () => this.hide());
    on("keydown", (event) => event.key === "Escape" && this.hide());
    this.observer = new MutationObserver(() => this.changed());
  }

  update(words) {
    this.words = new Map(Object.entries(words).map(([word, meaning]) => [word.toLowerCase(), { word, meaning }]));
    // An abbreviation as it is written, or with a plural's s; a plain word in either case.
    this.pattern = new RegExp(`\\b(${Object.keys(words).map(either).join("|")})s?\\b`, "g");
    this.observer.observe(document.body, { childList: true, subtree: true, characterData: true });
    this.changed();
  }

  changed() {
    clearTimeout(this.still);
    if (window.Highlight) this.still = setTimeout(() => this.mark(), STILL_MS);
  }

  mark() {
    const ranges = [],
      texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      const found = [...text.data.matchAll(this.pattern)];
      if (!found.length || text.parentElement?.closest(PLAIN)) continue;
      for (const { 0: word, index } of found) {
        const range = new StaticRange({ startContainer: text, startOffset: index, endContainer: text, endOffset: index + word.length });
        ranges.push(range);
      }
    }
    CSS.highlights.set("glossary", new Highlight(...ranges));
  }

  later({ clientX, clientY, buttons }) {
    clearTimeout(this.rest);
    if (buttons) return;
    this.rest = setTimeout(() => this.point(clientX, clientY), REST_MS);
  }

  // The word under a place of the window.
  point(x, y) {
    const caret = document.caretPositionFromPoint?.(x, y) ?? document.caretRangeFromPoint?.(x, y),
      node = caret?.offsetNode ?? caret?.startContainer,
      at = caret?.offset ?? caret?.startOffset;
    if (node?.nodeType !== Node.TEXT_NODE) return this.hide();
    const found = [...node.data.matchAll(this.pattern)].find(({ 0: word, index }) => index <= at && at <= index + word.length);
    if (!found) return this.hide();
    const range = document.createRange();
    range.setStart(node, found.index);
    range.setEnd(node, found.index + found[0].length);
    const box = range.getBoundingClientRect();
    if (x < box.left - 2 || x > box.right + 2 || y < box.top - 2 || y > box.bottom + 2) return this.hide(); // beside the text
    this.show(found[1], box);
  }

  focused(element) {
    const found = element.matches?.(":focus-visible") && [...(element.textContent ?? "").slice(0, 200).matchAll(this.pattern)][0];
    if (found) this.show(found[1], element.getBoundingClientRect());
  }

  show(written, box) {
    const { word, meaning } = this.words.get(written.toLowerCase()),
      { tip } = this;
    tip.textContent = `${word}: ${meaning}`;
    tip.hidden = false;
    const { offsetWidth: wide, offsetHeight: high } = tip;
    const above = box.top - high - 6 > 0; // what follows a word is not covered
    Object.assign(tip.style, {
      left: `${Math.max(6, Math.min(window.innerWidth - wide - 6, box.left))}px`,
      top: `${above ? box.top - high - 6 : box.bottom + 6}px`,
    });
  }

  hide() {
    clearTimeout(this.rest);
    this.tip.hidden = true;
  }

  close() {
    this.listening.abort();
    this.observer.disconnect();
    clearTimeout(this.still);
    clearTimeout(this.rest);
    window.CSS.highlights?.delete("glossary");
  }
}

const either = (word) => (word === word.toLowerCase() ? `[${word[0].toUpperCase()}${word[0]}]${word.slice(1)}` : word);

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {Record<string, string>} args.data  Word -> meaning.
 * @returns {() => void}  The clean-up.
 */
export default function ({ parentElement, data }) {
  return mount(
    parentElement,
    () => new Words(parentElement.querySelector(".word")),
    (view) => view.update(data),
    import.meta.url,
  );
}
