// The gamma slider: a role="slider" that mouse, touch and keyboard move alike. It calls onInput(gamma, timeStamp) for every
// change and onCommit(gamma) when the person lets go (keys: a moment after the last one). timeStamp is the event's own.

const GAMMA_STEP = 0.01;
const GAMMA_PAGE = 0.1;
const GAMMA_FINE = 0.001; // with Shift, and the grain of the mouse
const COMMIT_MS = 350;

/** @param {number} gamma @returns {number}  From 0 to 1, in grains of GAMMA_FINE. */
export const tidy = (gamma) => Math.round(Math.min(1, Math.max(0, gamma)) / GAMMA_FINE) / Math.round(1 / GAMMA_FINE);

/** A slider from 0 (anchor A) to 1 (anchor B). */
export class GammaSlider {
  /**
   * @param {HTMLElement} element @param {(gamma: number, timeStamp: number) => void} onInput @param {(gamma: number) => void} onCommit
   */
  constructor(element, onInput, onCommit) {
    this.element = element;
    this.thumb = element.querySelector('[role="slider"]');
    this.onInput = onInput;
    this.onCommit = onCommit;
    this.gamma = 0.5;
    this.dragging = false;
    this.uncommitted = false;
    this.listening = new AbortController();
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal: this.listening.signal });
    on(element, "pointerdown", (event) => this.press(event));
    on(element, "pointermove", (event) => this.dragging && this.follow(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) on(element, end, () => this.release());
    on(this.thumb, "keydown", (event) => this.key(event));
    on(this.thumb, "blur", () => this.commit());
  }

  /**
   * Move the thumb without telling anyone.
   *
   * @param {number} gamma
   */
  place(gamma) {
    this.gamma = tidy(gamma);
    this.element.style.setProperty("--gamma", this.gamma);
    this.thumb.setAttribute("aria-valuenow", this.gamma);
  }

  say(text) {
    this.thumb.setAttribute("aria-valuetext", text);
  }

  busy() {
    return this.dragging || this.uncommitted;
  }

  close() {
    this.listening.abort();
    clearTimeout(this.timer);
  }

  press(event) {
    if (event.button !== 0) return;
    event.preventDefault(); // no text selection; so the focus is set by hand
    this.thumb.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    this.dragging = true;
    this.element.classList.add("dragging");
    const { left, width } = this.thumb.getBoundingClientRect();
    const centre = left + width / 2;
    const off = event.clientX - centre;
    this.grip = Math.abs(off) <= width / 2 ? off : 0; // no jump when the thumb is grasped off its centre
    this.follow(event);
  }

  follow(event) {
    const { left, width } = this.element.getBoundingClientRect();
    this.set((event.clientX - this.grip - left) / width, event.timeStamp);
  }

  release() {
    if (!this.dragging) return;
    this.dragging = false;
    this.element.classList.remove("dragging");
    this.commit();
  }

  key(event) {
    const small = event.shiftKey ? GAMMA_FINE : GAMMA_STEP;
    const moves = {
      ArrowRight: small,
      ArrowUp: small,
      ArrowLeft: -small,
      ArrowDown: -small,
      PageUp: GAMMA_PAGE,
      PageDown: -GAMMA_PAGE,
      Home: -1,
      End: 1,
    };
    if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.set(this.gamma + moves[event.key], event.timeStamp);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.commit(), COMMIT_MS);
  }

  set(gamma, timeStamp) {
    if (tidy(gamma) === this.gamma) return;
    this.place(gamma);
    this.uncommitted = true;
    this.onInput(this.gamma, timeStamp);
  }

  /**
   * A hand elsewhere, a click on a curve say, moves the thumb and lets go.
   *
   * @param {number} gamma @param {number} [timeStamp]
   */
  go(gamma, timeStamp) {
    this.set(gamma, timeStamp);
    this.commit();
  }

  commit() {
    clearTimeout(this.timer);
    if (!this.uncommitted || this.dragging) return;
    this.uncommitted = false;
    this.onCommit(this.gamma);
  }
}
