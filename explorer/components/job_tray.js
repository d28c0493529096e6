// What runs, on every page. job_feed.js comes before this file.

const trays = new WeakMap();
const TRAY_MS = 2000, TRAY_QUIET_MS = 5000;

export default function ({ data, parentElement }) {
  let tray = trays.get(parentElement);
  if (!tray) trays.set(parentElement, (tray = new Tray(parentElement.querySelector(".tray"))));
  tray.pages = data.pages;
  return () => {
    clearTimeout(tray.timer);
    tray.closed = true;
    trays.delete(parentElement);
  };
}

class Tray {
  constructor(root) {
    this.root = root;
    this.pages = {};
    this.look();
  }

  async look() {
    let rows = [];
    try {
      rows = document.hidden ? this.rows ?? [] : (await (await fetch(`${location.origin}/api/jobs?live`)).json()).jobs ?? [];
    } catch {
      rows = this.rows ?? []; // the server is away: say what was known
    }
    if (this.closed) return;
    this.rows = rows;
    this.root.hidden = !rows.length;
    this.root.dataset.jobs = rows.length;
    const links = rows.slice(0, 4).map((job) => {
      const link = document.createElement("a"), [name, bar, fill, words] = ["b", "i", "u", "span"].map((tag) => document.createElement(tag));
      link.href = `${this.pages[job.kind] ?? "/training"}?${new URLSearchParams({ ...(job.space ? { space: job.space } : {}), job: job.id })}`;
      link.dataset.job = job.id;
      name.textContent = job.title;
      fill.style.width = `${(100 * (job.step ?? 0)) / (job.total || 1)}%`;
      bar.append(fill);
      words.textContent = jobWords(job);
      link.append(name, bar, words);
      return link;
    });
    if (rows.length > 4) links.push(Object.assign(document.createElement("span"), { textContent: `and ${rows.length - 4} more` }));
    this.root.replaceChildren(...links);
    this.timer = setTimeout(() => this.look(), rows.length ? TRAY_MS : TRAY_QUIET_MS);
  }
}
