// A training job as it goes: curves, progress, the end of its log.

import { JobCurve } from "./job_curve.js";
import { JOB_LIVE, JobFeed, jobWords } from "./job_feed.js";
import { disable, mount, pressed } from "./mount.js";

/**
 * @param {object} args
 * @param {HTMLElement} args.parentElement  Holds the component's HTML.
 * @param {{job: string}} args.data  What Python sends.
 * @param {(name: string, value: unknown) => void} args.setTriggerValue  Tells Python what was done, once.
 * @returns {() => void}  The clean-up.
 */
export default function ({ data, parentElement, setTriggerValue }) {
  return mount(
    parentElement,
    () => new TrainingJob(parentElement.querySelector(".tj")),
    (watcher) => {
      watcher.say = (name, value) => setTriggerValue(name, value);
      watcher.id = data.job;
      watcher.feed.watch([data.job]);
    },
    import.meta.url,
  );
}

class TrainingJob {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-part="${name}"]`);
    this.curve = new JobCurve(this.find("curve"), [
      { title: "loss", names: [{ name: "loss", label: "loss", thick: true }], log: true },
      { title: "validation", names: [] },
    ]);
    this.feed = new JobFeed([], (jobs, lost) => this.fed(jobs, lost), true);
    this.onClick = (event) => {
      const button = pressed(event);
      if (!button) return;
      if (button.dataset.do === "save") return this.curve.save(button.dataset.value, this.id);
      this.feed.tell(this.id, button.dataset.do).catch((error) => (this.find("problem").textContent = error.message));
    };
    root.addEventListener("click", this.onClick);
  }

  fed(jobs, lost) {
    const job = jobs.get(this.id),
      before = this.of === this.id ? this.root.dataset.state : null; // of this job, not of another one
    this.of = this.id;
    if (!job) return;
    this.root.dataset.state = job.state;
    this.root.dataset.steps = job.points.at(-1)?.step ?? 0;
    this.find("problem").textContent = lost ? "The server does not answer; the job keeps running." : "";
    this.find("title").textContent = `${job.title}${job.stage && job.stage !== job.spec?.id ? ` (now ${job.stage})` : ""}`;
    this.find("words").textContent =
      jobWords(job) + (job.restarts ? `, begun again ${job.restarts} time${job.restarts > 1 ? "s" : ""}` : "");
    const progress = this.find("progress");
    progress.max = job.total ?? 1;
    progress.value = job.step ?? 0;
    this.find("stop").hidden = !JOB_LIVE.includes(job.state);
    disable(this.find("stop"), job.state === "stopping");
    this.find("resume").hidden = !["stopped", "failed"].includes(job.state);
    const log = this.find("log"),
      atEnd = log.scrollTop + log.clientHeight > log.scrollHeight - 8;
    log.textContent = job.log || "Nothing yet.";
    if (atEnd) log.scrollTop = log.scrollHeight;
    const names = [...new Set(job.points.flatMap(Object.keys))].filter((name) => name.startsWith("val_"));
    this.curve.rows[1].names = names.map((name) => ({ name, label: name.slice(4).replaceAll("_", " "), thick: true }));
    this.find("curve").parentElement.classList.toggle("empty", !job.points.length);
    if (job.points.length) this.curve.draw([job]).catch((error) => (this.find("problem").textContent = error.message));
    if (before && JOB_LIVE.includes(before) !== JOB_LIVE.includes(job.state))
      this.say("turned", { job: job.id, state: job.state });
  }

  close() {
    this.root.removeEventListener("click", this.onClick);
    this.feed.close();
    this.curve.close();
  }
}
