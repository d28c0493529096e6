// Images that networks are: one slider, and the picture of the network here beside those of mixed weights.

import { showCaption } from "./caption.js";
import { paintBytes } from "./colours.js";
import { GammaSlider } from "./gamma_slider.js";
import { LiveView } from "./live_view.js";
import { mount } from "./mount.js";
import { Walk } from "./walk.js";

const MOVING = 64,
  RESTING = 256; // pixels a side while the thumb moves, and when it rests
const REST_MS = 160;
const PATHS = ["embedding", "weights", "aligned"];
const GREYS = Uint32Array.from({ length: 256 }, (_, level) => (255 << 24) | (level << 16) | (level << 8) | level);

class Signals extends LiveView {
  constructor(root) {
    super(root, "sg");
    this.pending = []; // gammas on their way to Python and back
    this.canvases = Object.fromEntries(PATHS.map((path) => [path, root.querySelector(`[data-testid="signal-${path}"]`)]));
    const input = (gamma, stamp) => this.input(gamma, stamp),
      commit = (gamma) => this.commit(gamma);
    this.slider = new GammaSlider(root.querySelector(".ip-slider"), input, commit);
    const filmed = () => ({ space: this.data.space, query: { a: this.data.a, b: this.data.b } });
    this.walk = new Walk(root.querySelector(".ip-gamma"), this.slider, filmed);
  }

  update(data, setStateValue) {
    Object.assign(this, { data, setStateValue });
    showCaption(this.find("caption"), data.caption);
    const key = [data.space, data.a, data.b].join("\n");
    if (key === this.key) return this.adopt(data.gamma);
    this.key = key;
    this.pending = [];
    this.walk.reset();
    for (const end of ["a", "b"]) this.find(`name-${end}`).textContent = data[end];
    this.show(data.gamma);
  }

  // A gamma from the page: an echo of what was committed here changes nothing, one from elsewhere moves the thumb.
  adopt(gamma) {
    const at = this.pending.indexOf(gamma);
    if (at >= 0) this.pending.splice(0, at + 1);
    else if (!this.pending.length && !this.slider.busy() && gamma !== this.slider.gamma) this.show(gamma);
  }

  show(gamma) {
    this.slider.place(gamma);
    this.look(gamma, RESTING);
  }

  input(gamma, stamp) {
    this.look(gamma, MOVING, stamp);
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.look(this.slider.gamma, RESTING), REST_MS);
  }

  commit(gamma) {
    this.pending.push(gamma);
    this.setStateValue("gamma", { space: this.data.space, a: this.data.a, b: this.data.b, gamma, at: Date.now() });
  }

  async look(gamma, pixels, stamp) {
    this.find("gamma").textContent = gamma.toFixed(3);
    const { space, a, b } = this.data;
    const answer = await this.ask("picture", 1, { op: "signal", space, a, b, gamma, pixels });
    if (!answer) return;
    const { header } = answer;
    for (const path of PATHS) {
      const canvas = this.canvases[path],
        near = header.psnr[path];
      paintBytes(canvas, answer.array(path), header.pixels, header.pixels, GREYS);
      Object.assign(canvas.dataset, { gamma: header.gamma, pixels: header.pixels });
      this.find(path).textContent = `${near.a.toFixed(1)} dB to A, ${near.b.toFixed(1)} dB to B`;
    }
    this.slider.say(`gamma ${header.gamma}: ${this.find("embedding").textContent}`);
    this.find("far").textContent = header.outside?.outside ? header.outside.words : "";
    this.root.classList.remove("waiting");
    if (stamp) this.painted(stamp);
  }

  close() {
    clearTimeout(this.rest);
    this.walk.close();
    this.slider.close();
    this.live.close();
  }
}

/**
 * @typedef {object} SignalsData  (signals.py)
 * @property {string} space @property {string} a @property {string} b  Ids of the space and of the anchors.
 * @property {number} gamma @property {[string, string]} caption
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {SignalsData} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setStateValue  Tells Python what is selected.
 * @returns {() => void}  The clean-up.
 */
export default function ({ parentElement, data, setStateValue }) {
  return mount(
    parentElement,
    () => new Signals(parentElement.querySelector(".ip")),
    (view) => view.update(data, setStateValue),
    import.meta.url,
  );
}
