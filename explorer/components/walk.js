// Play, loop and speed of a slider, and Record: what was dragged or played, as a film that the server draws (engine/api/films.py).
// The controls stand beside the slider's value; what was recorded is offered in a box below, so that nothing moves.

import { saveBlob } from "./downloads.js";

const SWEEP_MS = 5000; // from end to end, at speed 1
const SPEEDS = [0.5, 1, 2, 4];
const RATE = 20,
  MOST = 300; // samples a second, and of a recording: a longer one is thinned
const FORMS = { gif: "GIF", mp4: "MP4", png: "Filmstrip PNG", svg: "Filmstrip SVG" };

/** Moves a share to and fro between 0 and 1. */
export class Sweep {
  /**
   * @param {{at: () => number, move: (share: number, timeStamp: number) => void, rest: () => void}} moved  What it moves; `rest` is told
   *   when it stands still again.
   * @param {(playing: boolean) => void} changed
   */
  constructor(moved, changed) {
    Object.assign(this, { moved, changed, playing: false, loop: false, speed: 1, ahead: 1 });
  }

  toggle() {
    this.playing ? this.pause() : this.play();
  }

  play() {
    this.share = this.moved.at();
    if (this.share >= 1) this.loop ? (this.ahead = -1) : (this.share = 0);
    if (!this.loop || this.share <= 0) this.ahead = 1;
    this.playing = true;
    this.last = null;
    this.changed(true);
    this.frame = requestAnimationFrame((now) => this.step(now));
  }

  step(now) {
    const gone = this.last === null ? 0 : Math.min(now - this.last, 200);
    this.last = now;
    this.share = Math.min(1, Math.max(0, this.share + (this.ahead * this.speed * gone) / SWEEP_MS));
    this.moved.move(this.share, now);
    if (this.ahead > 0 ? this.share >= 1 : this.share <= 0) {
      if (!this.loop) return this.pause();
      this.ahead = -this.ahead; // there and back: nothing jumps
    }
    this.frame = requestAnimationFrame((later) => this.step(later));
  }

  pause() {
    if (!this.playing) return;
    cancelAnimationFrame(this.frame);
    this.playing = false;
    this.changed(false);
    this.moved.rest();
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.playing = false;
  }
}

/** The controls of a slider. */
export class Walk {
  /**
   * @param {HTMLElement} place  Gets the controls, after what it holds.
   * @param {import("./gamma_slider.js").GammaSlider} slider
   * @param {() => {space: string, query: Record<string, string>, level?: number}} [film]  Of what it would be a film; none: nothing is
   *   recorded.
   */
  constructor(place, slider, film) {
    Object.assign(this, { slider, film, samples: null, listening: new AbortController() });
    const make = (tag, values, ...children) => {
      const element = Object.assign(document.createElement(tag), values);
      element.append(...children);
      return element;
    };
    const button = (name, words, title, press) => {
      const made = make("button", { type: "button", className: `wk-${name}`, title }, words);
      this.on(made, "click", press);
      return made;
    };
    this.sweep = new Sweep(
      {
        at: () => slider.gamma,
        move: (share, stamp) => slider.set(share, stamp),
        rest: () => slider.commit(),
      },
      (playing) => {
        this.play.textContent = playing ? "Pause" : "Play";
        if (playing) this.played = true;
      },
    );
    this.play = button("play", "Play", "Space, on the slider", () => this.sweep.toggle());
    this.loop = button("loop", "Loop", "There and back, on and on", () => {
      this.sweep.loop = !this.sweep.loop;
      this.loop.setAttribute("aria-pressed", String(this.sweep.loop));
    });
    this.loop.setAttribute("aria-pressed", "false");
    const speeds = SPEEDS.map((each) => new Option(`${each}×`, String(each), each === 1, each === 1)),
      speed = make("select", { className: "wk-speed" }, ...speeds);
    speed.setAttribute("aria-label", "Speed");
    this.on(speed, "change", () => (this.sweep.speed = Number(speed.value)));
    place.append(make("span", { className: "wk" }, this.play, this.loop, speed));
    if (film) {
      this.record = button("record", "Record", "Keep what is dragged or played as a film", () => this.toggle());
      this.words = make("span", {});
      this.words.setAttribute("role", "status");
      this.forms = Object.entries(FORMS).map(([form, words]) => button("form", words, "", () => this.save(form)));
      this.cancel = button("cancel", "Cancel", "", () => this.saving?.abort());
      const close = button("close", "Close", "", () => this.hide());
      const row = make("span", { className: "wk" }, ...this.forms, this.cancel, close);
      this.box = make("div", { className: "wk-box", hidden: true }, this.words, row);
      this.box.dataset.testid = "film";
      place.querySelector(".wk").append(this.record);
      place.append(this.box);
    }
    this.on(slider.element, "pointerdown", () => this.taken());
    this.on(slider.thumb, "keydown", (event) => {
      if (event.key !== " ") return event.key === "Tab" || this.taken();
      event.preventDefault();
      this.sweep.toggle();
    });
  }

  on(target, type, handler) {
    target.addEventListener(type, handler, { signal: this.listening.signal });
  }

  // A hand takes the thumb from the clock.
  taken() {
    this.sweep.pause();
    this.dragged = true;
  }

  toggle() {
    this.samples ? this.stop() : this.begin();
  }

  begin() {
    this.hide();
    Object.assign(this, { samples: [], every: 1000 / RATE, dragged: false, played: this.sweep.playing, of: this.film() });
    this.record.textContent = "Stop";
    this.record.dataset.on = "";
    this.sample();
  }

  sample() {
    const { samples } = this,
      { level = 0 } = this.film();
    samples.push([this.slider.gamma, level]);
    if (samples.length >= MOST) {
      this.samples = samples.filter((_, at) => at % 2 === 0);
      this.every *= 2;
    }
    this.timer = setTimeout(() => this.sample(), this.every);
  }

  // What stood still before and after is not part of it.
  stop() {
    clearTimeout(this.timer);
    this.sweep.pause();
    this.samples.push([this.slider.gamma, this.film().level ?? 0]);
    const same = (one, other) => one[0] === other[0] && one[1] === other[1],
      all = this.samples;
    let [first, last] = [0, all.length - 1];
    while (first < last && same(all[first], all[first + 1])) first += 1;
    while (last > first && same(all[last], all[last - 1])) last -= 1;
    this.recorded = all.slice(first, last + 1);
    this.samples = null;
    this.record.textContent = "Record";
    delete this.record.dataset.on;
    const count = this.recorded.length;
    const moved = count > 1;
    this.say(
      moved
        ? `Recorded: ${((count * this.every) / 1000).toFixed(1)} s, ${count} frames. Save as`
        : "Nothing moved. Drag the thumb or press Play while it records.",
    );
    for (const each of this.forms) each.hidden = !moved;
    this.cancel.hidden = true;
    this.box.hidden = false;
  }

  say(words) {
    this.words.textContent = words;
  }

  async save(form) {
    if (this.saving) return;
    const { space, query } = this.of,
      places = this.recorded;
    const dark = Number.parseInt(getComputedStyle(this.box).getPropertyValue("--st-background-color").trim().slice(1, 3), 16) < 128;
    const asked = { ...query, format: form, theme: dark ? "dark" : "light", played: this.dragged || !this.played ? "0" : "1" };
    asked.gammas = places.map(([gamma]) => gamma).join("_");
    if (places.some(([, level]) => level)) asked.levels = places.map(([, level]) => level).join("_");
    asked.rate = String(Math.max(1, Math.round(1000 / this.every)));
    this.saving = new AbortController();
    this.cancel.hidden = false;
    this.say(`Drawing the ${FORMS[form]} ...`);
    try {
      const address = `api/spaces/${encodeURIComponent(space)}/film?${new URLSearchParams(asked)}`;
      const answer = await fetch(address, { signal: this.saving.signal });
      if (!answer.ok) throw new Error((await answer.json()).error);
      saveBlob(await answer.blob(), `${space}-${query.a}-${query.b}.${form}`);
      this.say(`Saved as ${FORMS[form]}.`);
    } catch (error) {
      this.say(error.name === "AbortError" ? "Cancelled." : error.message);
    }
    this.saving = null;
    this.cancel.hidden = true;
  }

  hide() {
    if (!this.box) return;
    this.saving?.abort();
    this.box.hidden = true;
  }

  // Other anchors: what was recorded is of the old ones.
  reset() {
    clearTimeout(this.timer);
    this.sweep.pause();
    if (this.samples) {
      this.samples = null;
      this.record.textContent = "Record";
      delete this.record.dataset.on;
    }
    this.hide();
  }

  close() {
    clearTimeout(this.timer);
    this.saving?.abort();
    this.sweep.close();
    this.listening.abort();
  }
}
