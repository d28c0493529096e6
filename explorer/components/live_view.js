// What every screen on the live path has: parts found by name, a socket with its state in words, one line for what went wrong.
// Needs live.js.

class LiveView {
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

  fail(error) {
    const line = this.find("failure");
    if (line.textContent !== (error?.message ?? "")) line.textContent = line.title = error?.message ?? "";
  }
}
