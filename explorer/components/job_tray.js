// What runs, on every page.

import { jobWords } from "./job_feed.js";
import { mount, refill } from "./mount.js";

const TRAY_MS = 2000,
  TRAY_QUIET_MS = 5000,
  TRAY_ROOM = 2;

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {{pages: Record<string, string>}} args.data  What Python sends.
 * @returns {() => void}  The clean-up.
 */
export default function ({ data, parentElement }) {
  return mount(
    parentElement,
    () => new Tray(parentElement.querySelector(".tray")),
    (tray) => {
      tray.pages = data.pages;
    },
    import.meta.url,
  );
}

class Tray {
  constructor(root) {
    this.root = root;
    this.pages = {};
    this.look();
  }

  close() {
    clearTimeout(this.timer);
    this.closed = true;
  }

  async look() {
    let rows = [];
    try {
      rows = document.hidden ? (this.rows ?? []) : ((await (await fetch("api/jobs?live")).json()).jobs ?? []);
    } catch {
      rows = this.rows ?? []; // the server is away: say what was known
    }
    if (this.closed) return;
    this.rows = rows;
    this.root.hidden = !rows.length;
    this.root.dataset.jobs = rows.length;
    const links = rows.slice(0, TRAY_ROOM).map((job) => {
      const link = document.createElement("a"),
        [name, bar, fill, words] = ["b", "i", "u", "span"].map((tag) => document.createElement(tag));
      const share = (job.step ?? 0) / (job.total || 1);
      const query = new URLSearchParams({ ...(job.space ? { space: job.space } : {}), job: job.id });
      link.href = `${this.pages[job.kind] ?? "training"}?${query}`;
      link.title = `${job.title}: ${jobWords(job)}`;
      Object.assign(link.dataset, { job: job.id, state: job.state });
      name.textContent = { lso: "LSO", import: "Import" }[job.kind] ?? "Training";
      fill.style.width = `${100 * share}%`;
      bar.append(fill);
      words.textContent =
        job.state === "running" ? `${Math.floor(100 * share)}\u202f%` : job.state === "queued" ? "waits" : job.state;
      link.append(name, bar, words);
      return link;
    });
    if (rows.length > TRAY_ROOM)
      links.push(Object.assign(document.createElement("span"), { textContent: `+${rows.length - TRAY_ROOM}` }));
    refill(this.root, links);
    this.timer = setTimeout(() => this.look(), rows.length ? TRAY_MS : TRAY_QUIET_MS);
  }
}
