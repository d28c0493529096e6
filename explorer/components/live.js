// The live path's client side, shared by the components: one WebSocket, latest-wins, at most one question in flight.
//
//   const live = new Live((state, reason) => ...);        // "connecting", "open", "lost"
//   const answer = await live.ask("step", { op: "step", space, a, b, gamma, want: ["accuracy"] });
//   if (answer) show(answer.header, answer.array("prep"));   // null: overtaken by a newer question of the same slot
//
// A slot holds the newest question not yet sent; a newer one takes its place, so nothing ever queues up. When an answer
// is in, the waiting question of the highest priority goes out. A lost connection is made again; the question that was in
// flight is asked again. A refusal of the server rejects with its sentence (error.kind says which).
//
// Addresses are relative to the page's ("api/live", "lso?job=..."): a proxy may serve the explorer below a path of its own, and
// every page lies directly in it.

import { unframe } from "./frames.js";

/**
 * On fewer than all images a CPU may answer in bfloat16, which rounds coarsely: then it is said.
 *
 * @param {{right: number, n: number, dtype: string}} figure @returns {string}
 */
export const rightOf = ({ right, n, dtype }) => `${right} of ${n}${dtype === "float32" ? "" : ` (${dtype})`}`;

const LIVE_RETRY_MS = [250, 500, 1000, 2000, 4000];
const LIVE_PATIENCE_MS = 20000;

/**
 * @typedef {object} Answer  A frame (frames.js) whose header has `ok`; of a JSON answer only the header.
 * @property {Record<string, any>} header @property {(name: string) => Float32Array | Uint32Array | Uint8Array} [array]
 */
export class Live {
  /**
   * @param {(state: "connecting" | "open" | "lost", reason: string) => void} [onState]
   * @param {string} [path]
   * @param {number} [patience]  Milliseconds.
   */
  constructor(onState = () => {}, path = "api/live", patience = LIVE_PATIENCE_MS) {
    this.patienceMs = patience; // an answer that takes longer never comes: connect again
    this.url = new URL(path, document.baseURI).href.replace(/^http/, "ws");
    this.onState = onState;
    this.waiting = new Map(); // slot -> entry
    this.flying = null;
    this.number = 0;
    this.failures = 0;
    this.closed = false;
    this.stats = { sent: 0, answered: 0, overtaken: 0, inFlight: 0, inFlightMax: 0, latencies: [], paints: [] };
    this.connect();
  }

  /**
   * @param {string} slot @param {Record<string, any>} question @param {number} [priority]
   * @returns {Promise<Answer | null>}  null: overtaken by a newer question of the slot. Rejects with the server's sentence.
   */
  ask(slot, question, priority = 0) {
    return new Promise((resolve, reject) => {
      this.drop(slot);
      this.waiting.set(slot, { slot, question, priority, resolve, reject });
      this.pump();
    });
  }

  // Forget the waiting question of a slot.
  drop(slot) {
    const old = this.waiting.get(slot);
    if (!old) return;
    this.waiting.delete(slot);
    this.stats.overtaken += 1;
    old.resolve(null);
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.patience);
    for (const slot of [...this.waiting.keys()]) this.drop(slot);
    this.flying?.resolve(null);
    this.flying = null;
    this.socket?.close();
  }

  connect() {
    this.onState("connecting", "");
    const socket = (this.socket = new WebSocket(this.url));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.failures = 0;
      this.onState("open", "");
      this.pump();
    };
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = (event) => this.lost(event.reason);
  }

  lost(reason) {
    if (this.closed) return;
    const entry = this.flying;
    this.land();
    if (entry && !this.waiting.has(entry.slot)) this.waiting.set(entry.slot, entry);
    else entry?.resolve(null);
    this.onState("lost", reason);
    const wait = LIVE_RETRY_MS[Math.min(this.failures, LIVE_RETRY_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => this.connect(), wait);
  }

  pump() {
    if (this.flying || this.socket.readyState !== WebSocket.OPEN || !this.waiting.size) return;
    let next = null;
    for (const entry of this.waiting.values()) if (!next || entry.priority > next.priority) next = entry;
    this.waiting.delete(next.slot);
    this.flying = next;
    next.id = ++this.number;
    this.stats.sent += 1;
    this.stats.inFlight += 1;
    this.stats.inFlightMax = Math.max(this.stats.inFlightMax, this.stats.inFlight);
    this.patience = setTimeout(() => this.socket.close(), this.patienceMs);
    this.socket.send(JSON.stringify({ id: next.id, ...next.question }));
  }

  land() {
    clearTimeout(this.patience);
    if (this.flying) this.stats.inFlight -= 1;
    this.flying = null;
  }

  receive(data) {
    const answer = typeof data === "string" ? { header: JSON.parse(data) } : unframe(data);
    const entry = this.flying;
    if (!entry || (answer.header.id !== entry.id && answer.header.id !== null)) return;
    this.land();
    this.stats.answered += 1;
    if (answer.header.ok) entry.resolve(answer);
    else entry.reject(Object.assign(new Error(answer.header.error), { kind: answer.header.kind }));
    // The promise's reactions run first: the answer is painted before the next question costs time.
    queueMicrotask(() => this.pump());
  }
}
