// What jobs have measured so far, asked for again and again for as long as one of them goes on. Nothing is asked twice: each
// question says how far the answers have come.
//
//   const feed = new JobFeed(["lso-0003"], (jobs) => ...);   // {id: {state, title, step, total, eta, reason, points: [...], ...}}

/**
 * @typedef {object} Job  The answer of /api/jobs/ID (engine/jobs/views.py), with all points so far.
 * @property {string} id @property {string} title @property {string} state @property {string} reason
 * @property {number} step @property {number | null} total @property {number | null} eta  Steps; seconds.
 * @property {Record<string, any>[]} points  Metrics of a step each.
 * @property {Record<string, any>} result @property {string} [log]
 */

/** @type {string[]} */
export const JOB_LIVE = ["queued", "running", "stopping"];
const JOB_POLL_MS = 300,
  JOB_WAIT_MS = 700,
  JOB_LOST_MS = 2000;

/** Asks for jobs until none of them is live. */
export class JobFeed {
  /**
   * @param {string[]} ids @param {(jobs: Map<string, Job>, lost: boolean) => void} onChange  `lost`: the server does not answer.
   * @param {boolean} [log]  Whether the end of the log is wanted.
   */
  constructor(ids, onChange, log = false) {
    this.jobs = new Map();
    this.onChange = onChange;
    this.log = log;
    this.ids = ids;
    this.round();
  }

  get live() {
    return [...this.jobs.values()].some((job) => JOB_LIVE.includes(job.state));
  }

  // Other jobs; what is known of those that stay is kept.
  watch(ids) {
    if (ids.join() === this.ids.join()) return;
    this.ids = ids;
    for (const id of [...this.jobs.keys()]) if (!ids.includes(id)) this.jobs.delete(id);
    this.wake();
  }

  wake() {
    clearTimeout(this.timer);
    if (!this.asking) this.round();
  }

  async round() {
    if (this.closed) return;
    this.asking = true;
    let lost = false;
    const asked = this.ids;
    for (const id of asked) {
      const known = this.jobs.get(id);
      if (known && !JOB_LIVE.includes(known.state) && !this.changed?.has(id)) continue;
      try {
        const since = known?.points.at(-1)?.step ?? -1;
        const response = await fetch(`api/jobs/${encodeURIComponent(id)}?since=${since}${this.log ? "&log" : ""}`);
        const answer = await response.json();
        if (!response.ok) this.jobs.set(id, { id, state: "gone", title: id, reason: answer.error, points: [] });
        else this.jobs.set(id, { ...answer, points: [...(known?.points ?? []), ...answer.metrics] });
        this.changed?.delete(id);
      } catch {
        lost = true; // the server is away: what is known stays on the screen
      }
    }
    this.asking = false;
    if (this.closed) return;
    this.lost = lost;
    this.onChange(this.jobs, lost);
    if (asked !== this.ids) this.round();
    else if (lost || this.live)
      this.timer = setTimeout(() => this.round(), lost ? JOB_LOST_MS : this.points ? JOB_POLL_MS : JOB_WAIT_MS);
  }

  get points() {
    return [...this.jobs.values()].some((job) => job.points.length);
  }

  // Tell a job to "stop" or "resume". Rejects with the server's sentence.
  async tell(id, action) {
    const response = await fetch(`api/jobs/${encodeURIComponent(id)}/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    });
    if (!response.ok)
      throw new Error((await response.json().catch(() => ({}))).error ?? `The server answered ${response.status}.`);
    (this.changed ??= new Set()).add(id);
    this.wake();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}

// "1 min 20 s"
function jobDuration(seconds) {
  if (seconds == null) return "";
  const s = Math.max(0, Math.round(seconds));
  return s < 90
    ? `${s} s`
    : s < 5400
      ? `${Math.round(s / 60)} min`
      : s < 172800
        ? `${(s / 3600).toFixed(1)} h`
        : `${(s / 86400).toFixed(1)} days`;
}

/**
 * How far a job is, in words.
 *
 * @param {Job} job @returns {string}
 */
export function jobWords(job) {
  if (job.state === "running" && job.total) {
    const left = job.eta == null ? "" : `, ${jobDuration(job.eta)} left`;
    return `${job.step.toLocaleString("en")} of ${job.total.toLocaleString("en")} steps${left}`;
  }
  const words = {
    queued: "queued",
    running: "begins",
    stopping: "stops",
    done: "done",
    failed: "failed",
    stopped: "stopped",
    gone: "is gone",
  };
  return `${words[job.state] ?? job.state}${job.reason && job.state !== "stopped" ? `: ${job.reason}` : ""}`;
}
