// What a person set on a component and Python has not told back yet. Streamlit loses a value where two are set in one breath or
// a run is already on its way, so all of them go along with each, and once more while the page's answer does not hold them.

const LOST_MS = 3000; // an answer that takes longer may never come
const TRIES = 3; // after these, what Python says is taken: it refused the value

/** What was set here and Python does not hold yet. */
export class Acts {
  constructor() {
    this.send = () => {}; // how Streamlit is told: the newest call's
    this.last = {}; // what Python told last: setting that again would never be answered
    this.forget();
  }

  /**
   * New values, told now, or when the hand has rested for `rest` ms; `more` goes along once.
   *
   * @param {Record<string, unknown>} values
   * @param {{rest?: number, more?: Record<string, unknown>}} [how]
   */
  set(values, { rest = 0, more = {} } = {}) {
    const fresh = Object.entries(values).filter(([name, value]) => name in this.waiting || this.last[name] !== value);
    if (!fresh.length && !Object.keys(more).length) return;
    Object.assign(this.waiting, Object.fromEntries(fresh));
    this.tries = TRIES;
    clearTimeout(this.timer);
    if (rest) this.timer = setTimeout(() => this.say(), rest);
    else this.say(more);
  }

  say(more = {}) {
    clearTimeout(this.timer);
    this.send({ ...this.waiting, ...more });
    this.timer = setTimeout(() => this.again(), LOST_MS);
  }

  again() {
    if (!Object.keys(this.waiting).length) return;
    if (this.tries-- > 0) this.say();
    else this.forget();
  }

  /**
   * Whether a value that Python tells is to be taken: an older one than was set here is not.
   *
   * @param {string} name
   * @param {unknown} value
   * @returns {boolean}
   */
  takes(name, value) {
    this.last[name] = value;
    if (name in this.waiting && this.waiting[name] !== value) return false;
    delete this.waiting[name];
    return true;
  }

  forget() {
    clearTimeout(this.timer);
    this.waiting = {};
  }
}
