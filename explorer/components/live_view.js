// What every screen on the live path has: parts found by name, a socket with its state in words, one line for what went wrong.

import { Live } from "./live.js";

/** A view on the live path. */
export class LiveView {
  /** @param {HTMLElement} root @param {string} prefix  Of the data attributes that name its parts: data-PREFIX="failure". */
  constructor(root, prefix) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-${prefix}="${name}"]`);
    this.live = new Live((state, reason) => this.connection(state, reason));
    window.__live = this.live.stats; // read by the tests and the bench
  }

  connection(state, reason) {
    const words = { connecting: "connecting", open: "live", lost: "reconnecting" };
    Object.assign(this.find("connection"), { textContent: words[state], title: reason });
    this.find("connection").dataset.state = state;
    if (reason) this.fail(new Error(reason));
  }

  /**
   * Ask, and hand the answer on only if the page still shows the same (`key` says what). Refusals go to the line.
   *
   * @param {string} slot @param {number} priority @param {Record<string, any>} question @param {import("./live.js").Live} [socket]
   * @returns {Promise<import("./live.js").Answer | null>}
   */
  async ask(slot, priority, question, socket = this.live) {
    const { key } = this;
    try {
      const answer = await socket.ask(slot, question, priority);
      if (!answer || key !== this.key) return null;
      this.fail(null);
      return answer;
    } catch (error) {
      if (key === this.key) this.fail(error);
      return null;
    }
  }

  // From an input event's own time stamp to the moment after the frame with its answer was painted.
  painted(stamp) {
    const { stats } = this.live;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        const now = performance.now();
        stats.latencies.push(now - stamp);
        stats.paints.push(now);
        if (stats.paints.length > 5000) (stats.latencies.splice(0, 2500), stats.paints.splice(0, 2500));
      };
      channel.port2.postMessage(null);
    });
  }

  fail(error) {
    const line = this.find("failure");
    if (line.textContent !== (error?.message ?? "")) line.textContent = line.title = error?.message ?? "";
  }
}
