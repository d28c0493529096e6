// The LSO screen's live part: the trajectory on the latent map, where a click chooses the start, and the curves of the runs.

import { FORMS, reached, written } from "./forms.js";
import { fetchJson } from "./frames.js";
import { CURVE_DASHES, JobCurve } from "./job_curve.js";
import { JOB_LIVE, JobFeed, jobWords } from "./job_feed.js";
import { clicks, disable, mount, pressed } from "./mount.js";
import { loadPlotly } from "./plotly.js";
import { Seen } from "./seen.js";

const MOST = 4000; // instances on the map: of more, so many stand for all

/**
 * @typedef {object} LsoData  (jobs.py, lso_view)
 * @property {string} space @property {string} version  Changes when the space's instances do.
 * @property {string | null} job @property {string[]} others  Ids of runs.
 * @property {{xy: number[], words: string} | null} start
 * @property {string} quality @property {string} form  Of the objective, as forms.js writes it.
 * @property {import("./forms.js").Column | null} column
 */

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {LsoData} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setTriggerValue  Tells Python what was done, once.
 * @returns {() => void}  The clean-up.
 */
export default function ({ data, parentElement, setTriggerValue }) {
  return mount(
    parentElement,
    () => new LsoScreen(parentElement.querySelector(".lso")),
    (screen) => {
      screen.say = (name, value) => setTriggerValue(name, value);
      screen.update(data);
    },
    import.meta.url,
  );
}

class LsoScreen {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-part="${name}"]`);
    this.listening = new AbortController();
    const rows = [
      {
        title: "quality",
        names: [
          { name: "quality", label: "training batch" },
          { name: "val_quality", label: "validation", thick: true },
        ],
      },
      {
        title: "loss",
        names: [
          { name: "loss", label: "loss, training batch" },
          { name: "val_loss", label: "loss, validation", thick: true },
        ],
        log: true,
      },
    ];
    this.curve = new JobCurve(this.find("curve"), rows, (step) => this.choose(step));
    this.feed = new JobFeed([], (jobs, lost) => this.fed(jobs, lost));
    root.addEventListener("click", (event) => this.clicked(event), { signal: this.listening.signal });
    this.find("step").addEventListener("input", ({ target }) => this.choose(Number(target.value)), { signal: this.listening.signal });
    this.seen = new Seen();
  }

  // A step of the run that is looked at: the nearest that was measured.
  choose(step) {
    const points = this.looked();
    if (!points.length) return;
    this.curve.at = points.reduce((best, point) => (Math.abs(point.step - step) < Math.abs(best.step - step) ? point : best)).step;
    this.paint();
  }

  looked() {
    return this.jobs?.find((each) => each.id === this.data.job)?.points.filter((point) => point.val_quality != null) ?? [];
  }

  update(data) {
    this.data = data;
    Object.assign(this.curve.rows[0], { title: data.quality, percent: data.form === "percent" });
    this.feed.watch(data.job ? [data.job, ...data.others.filter((id) => id !== data.job)] : data.others);
    if (`${data.space} ${data.version}` !== this.space) {
      this.space = `${data.space} ${data.version}`;
      this.table = null;
      fetchJson(`api/spaces/${encodeURIComponent(data.space)}?most=${MOST}`)
        .then((answer) => {
          this.table = answer.instances;
          this.paint();
        })
        .catch((error) => this.tell(`The map did not load: ${error.message}`));
    }
    this.paint();
  }

  fed(jobs, lost) {
    if (!this.data) return; // nothing to watch yet
    const job = jobs.get(this.data.job),
      root = this.root;
    this.jobs = [...jobs.values()];
    const before = this.of === job?.id ? root.dataset.state : null; // of this job, not of another one
    if (this.of !== job?.id) this.curve.at = null;
    this.of = job?.id;
    root.dataset.state = job?.state ?? "none";
    this.tell(lost ? "The server does not answer; the job keeps running." : "");
    if (job && before && JOB_LIVE.includes(before) !== JOB_LIVE.includes(job.state))
      this.say("turned", { job: job.id, state: job.state });
    this.paint();
  }

  tell(words) {
    this.find("problem").textContent = words;
  }

  clicked(event) {
    const button = pressed(event);
    if (!button) return;
    const { do: action, value } = button.dataset;
    if (action === "save") return this.curve.save(value, this.data.job ?? "lso");
    disable(button, true);
    this.feed
      .tell(this.data.job, action)
      .catch((error) => this.tell(error.message))
      .finally(() => disable(button, false));
  }

  async paint() {
    const job = this.jobs?.find((each) => each.id === this.data.job),
      last = job?.points.at(-1);
    const curve = this.root.querySelector('[data-testid="lso-curve"]');
    curve.dataset.steps = last?.step ?? 0;
    curve.dataset.points = job?.points.length ?? 0;
    curve.classList.toggle("empty", !this.jobs?.some((each) => each.points.length));
    this.find("title").textContent = job ? job.title : "";
    this.find("words").textContent = job ? jobWords(job) : "";
    const progress = this.find("progress");
    progress.max = job?.total ?? 1;
    progress.value = job?.step ?? 0;
    progress.hidden = !job;
    this.find("stop").hidden = !job || !JOB_LIVE.includes(job.state);
    disable(this.find("stop"), job?.state === "stopping");
    this.find("resume").hidden = !job || !["stopped", "failed"].includes(job.state);
    this.figures(job);
    this.here();
    try {
      if (this.jobs?.some((each) => each.points.length)) await this.curve.draw(this.jobs);
      await this.map();
    } catch (error) {
      this.tell(error.message);
    }
  }

  figures(job) {
    const looked = this.looked(),
      first = looked[0],
      now = looked.at(-1);
    const best = now && looked.find((point) => point.step === now.best_step); // as the descent chose it: of equal ones the lowest loss
    for (const [name, point] of Object.entries({ first, now, best })) {
      this.find(name).textContent = point ? FORMS[this.data.form].write(point.val_quality) : "–";
      this.find(`${name}-step`).textContent = point ? `step ${point.step}` : "";
    }
  }

  // Of the step that was chosen, on the curve or by the slider; the last one where none was.
  here() {
    const points = this.looked(),
      [slider, { at }] = [this.find("step"), this.curve];
    this.find("chosen").hidden = points.length < 2;
    if (points.length < 2) return;
    const point = points.find((each) => each.step === at) ?? points.at(-1);
    Object.assign(slider, { min: points[0].step, max: points.at(-1).step, value: point.step });
    this.find("here").textContent = FORMS[this.data.form].write(point.val_quality);
    this.find("here-step").textContent = `step ${point.step}, validation`;
  }

  async map() {
    if (!this.table) return;
    this.Plotly ??= await loadPlotly();
    if (this.listening.signal.aborted) return;
    const element = this.find("map"),
      style = getComputedStyle(element),
      token = (name) => style.getPropertyValue(`--st-${name}`).trim();
    const { table } = this,
      { column } = this.data,
      [cmin, cmax] = column ? FORMS[column.form].range(reached(table[column.name])) : [0, 1];
    const text = token("text-color"),
      back = token("background-color"),
      colours = token("chart-categorical-colors").split(",");
    const kept = table.split.map((split) => ["kept", "placed"].includes(split));
    const stops = token("chart-sequential-colors").split(",");
    const rows = table.id.map((_, row) => row);
    const dots = (which, marker) => ({
      x: which.map((row) => table.x2[row]),
      y: which.map((row) => table.y2[row]),
      mode: "markers",
      type: "scatter",
      hoverinfo: "text",
      showlegend: false,
      text: which.map(
        (row) =>
          `${table.id[row]}${column ? `<br>${column.label} ${written(table, row, column)}` : ""}${far(table.outside_words?.[row])}`,
      ),
      marker: {
        color: which.map((row) => (column && table[column.name][row]) ?? cmin),
        cmin,
        cmax,
        colorscale: stops.map((c, i) => [i / (stops.length - 1), c.trim()]),
        ...marker,
      },
    });
    const traces = [
      dots(
        rows.filter((row) => !kept[row]),
        { size: 6 },
      ),
      dots(
        rows.filter((row) => kept[row]),
        {
          size: 12,
          symbol: rows.filter((row) => kept[row]).map((row) => (table.hollow?.[row] ? "star-open" : "star")),
          line: { width: 1, color: text },
        },
      ),
    ];
    const start = this.data.start;
    if (start)
      traces.push(spot(start.xy, { symbol: "circle-open", size: 17, color: text, line: { width: 2.5 } }));
    (this.jobs ?? []).forEach((job, run) => {
      const points = job.points.filter((point) => point.xy),
        colour = this.jobs.length > 1 ? colours[run % colours.length].trim() : text;
      if (!points.length) return;
      traces.push({
        x: points.map((p) => p.xy[0]),
        y: points.map((p) => p.xy[1]),
        mode: "lines",
        type: "scatter",
        hoverinfo: "skip",
        showlegend: false,
        line: { color: back, width: 6 },
      });
      traces.push({
        x: points.map((p) => p.xy[0]),
        y: points.map((p) => p.xy[1]),
        mode: "lines",
        type: "scatter",
        showlegend: false,
        line: { color: colour, width: 2.5, dash: CURVE_DASHES[run % CURVE_DASHES.length] },
        hoverinfo: "text",
        text: points.map((p) => `${job.id}, step ${p.step}${p.outside ? "<br>outside the zoo" : ""}`),
      });
      const last = points.at(-1);
      const symbol = last.outside ? "diamond-open" : "diamond";
      traces.push(spot(last.xy, { size: 13, symbol, color: colour, line: { width: 2, color: back } }));
    });
    const chosen = this.curve.at,
      run = this.jobs?.find((each) => each.id === this.data.job),
      at = chosen != null && run?.points.findLast((point) => point.xy && point.step <= chosen);
    if (at)
      traces.push(spot(at.xy, { size: 15, symbol: "circle", color: back, line: { width: 3, color: text } }, `step ${at.step}`));
    const { seen } = this,
      home = [...reach(table.x2), ...reach(table.y2)];
    if (String(seen.home) !== String(home)) Object.assign(seen, { home, box: null }); // of another space
    const bare = { showgrid: false, zeroline: false, showticklabels: false, ticks: "" };
    const layout = {
      margin: { l: 0, r: 0, t: 0, b: 0 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hovermode: "closest",
      dragmode: "pan",
      showlegend: false,
      font: { family: style.fontFamily, color: text },
      ...seen.axes(bare),
    };
    await this.Plotly.react(element, traces, layout, {
      displayModeBar: false,
      scrollZoom: true,
      responsive: false,
      doubleClick: false,
    });
    if (!this.mapped) {
      this.pickable(element);
      seen.follow(element);
    }
    this.mapped = true;
    const trajectory = this.jobs?.find((each) => each.id === this.data.job)?.points.filter((point) => point.xy).length ?? 0;
    Object.assign(this.find("map").parentElement.dataset, { trajectory, points: table.id.length });
  }

  // A click near a point starts there, a click elsewhere at that place; a drag only moves the picture.
  pickable(element) {
    clicks(element, this.listening.signal, (event) => {
      const box = element.getBoundingClientRect(),
        { xaxis, yaxis } = element._fullLayout;
      const px = event.clientX - box.left - xaxis._offset,
        py = event.clientY - box.top - yaxis._offset;
      const away = this.table.id.map((_, row) =>
        Math.hypot(xaxis.l2p(this.table.x2[row]) - px, yaxis.l2p(this.table.y2[row]) - py),
      );
      const near = away.indexOf(Math.min(...away));
      this.say("start", away[near] < 9 ? { a: this.table.id[near] } : { xy: [xaxis.p2l(px), yaxis.p2l(py)] });
    });
  }

  close() {
    this.listening.abort();
    this.seen.close();
    this.feed.close();
    this.curve.close();
    if (this.mapped) this.Plotly.purge(this.find("map"));
  }
}

// How far outside of the zoo something lies, as lines of a hover text.
const far = (words) => (words ? `<br>${words.replace(/(.{38}\S*) /g, "$1<br>")}` : "");

function reach(values) {
  const low = Math.min(...values),
    high = Math.max(...values),
    room = 0.08 * (high - low) || 1;
  return [low - room, high + room];
}

// A trace of one point; `words` are shown where the mouse is on it.
function spot([x, y], marker, words = "") {
  const hover = words ? { hoverinfo: "text", text: words } : { hoverinfo: "skip" };
  return { x: [x], y: [y], mode: "markers", type: "scatter", showlegend: false, marker, ...hover };
}
