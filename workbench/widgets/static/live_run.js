// The live view of a sweep: a header with buttons, the chart of curves, the table of trials, and what is to be said. It draws
// what the traits say, sends {command, trial} back, and keeps in traits what a person chose, so that a reload loses nothing.
// Text from files enters the page by textContent only.

const WORDS = {
  queued: "waiting", running: "running", paused: "paused", stopping: "stopping", done: "done",
  failed: "failed", stopped: "stopped", lost: "lost: its worker is gone", gone: "gone",
};
const LIVE = ["queued", "running", "paused", "stopping"];
const ANSWER = 5000; // milliseconds within which the kernel should have heard of a press
const UNHEARD = "The kernel has not heard of this yet: it is busy, or was ended. In a new kernel wb.attach() shows this sweep again.";

class View {
  constructor(model, el) {
    this.model = model;
    this.hovered = null;
    this.pending = new Map();
    this.read();
    this.curves = new Curves(this);
    this.table = new TrialTable(this);
    this.build();
    el.append(this.root);
    this.resized = new ResizeObserver(() => this.curves.render());
    this.resized.observe(this.curves.plot);
    const redraw = () => { this.read(); this.draw(); this.later(); };
    const again = () => { this.points = null; this.later(); };
    this.calls = {
      "change:picture": redraw, "change:curves": again, "change:tail": again, "change:problem": () => { this.heard(); this.tell(); }, "change:asked": () => this.heard(), "change:answer": () => this.answered(), "change:pinned": () => this.emphasise(), "change:sorted_by": () => this.table.draw(),
    };
    for (const name of ["quantity", "log_x", "log_y", "smoothing"]) this.calls[`change:${name}`] = () => { this.switches(); this.later(); };
    for (const [event, call] of Object.entries(this.calls)) model.on(event, call);
    this.draw(); this.switches(); this.tell(); this.curves.render();
  }

  build() {
    this.status = make("span", { class: "wb-state", role: "status", "aria-live": "polite" });
    this.name = make("span", { class: "wb-name" });
    this.doing = make("span", { class: "wb-doing" });
    this.bar = make("progress", { class: "wb-progress", "aria-label": "Steps trained", max: 1, value: 0 });
    this.buttons = {};
    for (const [command, word, help] of [
      ["pause", "Pause", "Hold every trial before its next step"], ["resume", "Resume", "Let every paused trial go on where it was"],
      ["restart", "Restart", "Start a worker that goes on from the last checkpoints"], ["stop", "Stop", "Stop the sweep; what was trained is kept"],
    ]) this.buttons[command] = make("button", { class: "wb-button", type: "button", title: help, text: word, on: { click: () => this.ask(command) } });
    this.problem = make("div", { class: "wb-problem", role: "alert", hidden: true });
    this.add = make("button", { class: "wb-button wb-small", type: "button", text: "Add…", title: "Train another trial beside these", "aria-expanded": "false", on: { click: () => this.toggleForm("add") } });
    this.waiting = make("ul", { class: "wb-waiting", "aria-label": "Commands that wait", "aria-live": "polite" });
    this.formPlace = make("div", {});
    this.above = make("div", { class: "wb-above" }, this.waiting, this.add);
    this.toldList = make("ol", {});
    this.toldHead = make("summary", {});
    this.told = make("details", { class: "wb-told", hidden: true }, this.toldHead, this.toldList);
    this.notes = make("div", { class: "wb-notes" });
    this.log = make("pre", { tabindex: 0, "aria-label": "Last lines of the log" });
    this.details = make("details", { hidden: true }, make("summary", { text: "Last lines of the log" }), this.log);
    this.root = make("section", { class: "wb wb-live", "aria-label": "Live sweep" },
      make("header", {}, this.status, this.name, this.doing, make("span", { class: "wb-grow" }), ...Object.values(this.buttons)),
      this.bar, this.problem, this.head(), this.curves.node, this.above, this.formPlace, this.table.node, this.notes, this.told, this.details);
    // In a notebook's command mode plain letters are commands: they would cut the cell under a person's hand.
    this.root.addEventListener("keydown", (event) => { if (!event.ctrlKey && !event.metaKey && !event.altKey && event.key !== "Escape") event.stopPropagation(); });
  }

  head() {
    const check = (trait, word, help) => {
      const box = make("input", { type: "checkbox", on: { change: (event) => this.keep(trait, event.target.checked) } });
      this.inputs[trait] = box;
      return make("label", { title: help }, box, word);
    };
    this.inputs = {};
    this.inputs.quantity = make("select", { "aria-label": "What is drawn", on: { change: (event) => this.keep("quantity", event.target.value) } });
    this.inputs.smoothing = make("input", { type: "range", min: 0, max: 0.99, step: 0.01, "data-lm-suppress-shortcuts": "true", on: { input: (event) => this.keep("smoothing", Number(event.target.value)) } });
    this.weight = make("output", { class: "wb-weight" });
    this.unpin = make("button", { class: "wb-button wb-small", type: "button", text: "All alike", title: "Let go of the curves kept in front", on: { click: () => this.keep("pinned", []) } });
    this.curveSwitches = make("span", { class: "wb-switches" },
      make("label", { title: "An exponential mean over the steps; the curve as it is stays faint behind it" }, "smoothing", this.inputs.smoothing, this.weight),
      check("log_x", "log2 steps", "Each doubling of the steps takes the same room"), check("log_y", "log values", "A logarithmic axis of values"));
    return make("div", { class: "wb-chart-head" }, this.inputs.quantity, make("span", { class: "wb-grow" }), this.unpin, this.curveSwitches);
  }

  close() {
    this.form?.close();
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
    this.pending.forEach((timer) => clearTimeout(timer));
    for (const [event, call] of Object.entries(this.calls)) this.model.off(event, call);
  }

  // What the picture says, looked up once for all that ask.
  read() {
    const trials = this.trials().filter((t) => t.state !== "control");
    this.settings = new Map(trials.map((t) => [t.name, t.setting || t.name]));
    const order = [...new Set(this.settings.values())];
    const seeds = new Map();
    for (const word of this.settings.values()) seeds.set(word, (seeds.get(word) || 0) + 1);
    this.styles = new Map(trials.map((t) => {
      const word = this.setting(t.name);
      const at = order.indexOf(word);
      return [t.name, { colour: at % COLOURS, dash: DASHES[Math.floor(at / COLOURS) % DASHES.length], seeds: seeds.get(word) }];
    }));
  }

  picture() { return this.model.get("picture") || {}; }
  trials() { return this.picture().trials || []; }
  base() { return this.trials().find((t) => t.state === "control"); }
  live() { return LIVE.includes(this.picture().state); }
  setting(name) { return this.settings.get(name) || name; }
  style(name) { return this.styles.get(name) || { colour: 7, dash: "", seeds: 1 }; }
  pinned() { return this.model.get("pinned") || []; }
  inFront() { return new Set(this.hovered ? [...this.pinned(), this.hovered] : this.pinned()); }
  asked(trial) { return (this.model.get("asked") || {})[trial] || ""; }
  isPending(trial) { return this.pending.has(trial); }
  keep(trait, value) { this.model.set(trait, value); this.model.save_changes(); }
  title(quantity) { return this.choices().find(([value]) => value === quantity)?.[1] || quantity; }
  nothing() { return this.drawn().quantity !== (this.model.get("quantity") || "loss") ? "Asked for from the kernel …" : this.live() ? "The first steps will appear here." : "No steps were recorded."; }

  choices() {
    const { quantities = [], evals = [] } = this.picture();
    return [...quantities.map(({ name, title }) => [name, title]), ...evals.map(({ name, title }) => [`score:${name}`, `Score: ${title}`])];
  }

  // What there is to draw: the base of the curves with the ends that belong to it.
  drawn() {
    const wanted = this.model.get("quantity") || "loss";
    const switches = { logX: this.model.get("log_x"), logY: this.model.get("log_y"), weight: this.model.get("smoothing") || 0 };
    if (wanted.startsWith("score:")) return { quantity: wanted, points: {}, ...switches, weight: 0 };
    const base = this.model.get("curves") || {};
    if (!this.points) {
      const tail = this.model.get("tail") || {};
      this.points = { ...base.points };
      if (tail.version === base.version) {
        for (const [name, [first, ends]] of Object.entries(tail.ends || {})) this.points[name] = [...(this.points[name] || []).slice(0, first), ...ends];
      }
    }
    return { quantity: base.quantity || wanted, points: this.points, ...switches };
  }

  swatch(name) {
    const { colour, dash } = this.style(name);
    return draw("svg", { class: "wb-swatch", width: 16, height: 8, "aria-hidden": "true" },
      draw("line", { class: `wb-line wb-c${colour}`, x1: 0, x2: 16, y1: 4, y2: 4, "stroke-dasharray": dash || null }));
  }

  later() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      const began = performance.now();
      this.curves.render();
      this.root.dataset.frame = (performance.now() - began).toFixed(1);
    });
  }

  hover(name) {
    if (this.hovered === name) return;
    this.hovered = name;
    this.emphasise();
  }

  pin(name) {
    const pinned = this.pinned();
    this.keep("pinned", pinned.includes(name) ? pinned.filter((one) => one !== name) : [...pinned, name]);
    this.emphasise();
  }

  emphasise() {
    if (this.curves.lines) this.curves.emphasise();
    this.table.emphasise();
    this.unpin.hidden = !this.pinned().length;
  }

  // A press is told at once; should the kernel not hear of it, that is said too.
  ask(command, trial = "") {
    this.model.send({ command, trial });
    clearTimeout(this.pending.get(trial));
    this.pending.set(trial, setTimeout(() => {
      this.pending.delete(trial);
      this.draw();
      this.say(UNHEARD);
    }, ANSWER));
    this.draw();
  }

  heard() {
    this.pending.forEach((timer) => clearTimeout(timer));
    this.pending.clear();
    this.draw();
  }

  // One form at a time: under the row of the trial that is cloned, or above the table.
  toggleForm(command, trial = "") {
    const wasOpen = this.form && this.form.command === command && this.form.trial === trial;
    this.form?.close();
    if (wasOpen) return;
    this.form = new NewcomerForm(this, { command, trial, close: () => this.closeForm() });
    if (trial) this.table.open(this.form); else this.formPlace.append(this.form.node);
    this.expanded();
    this.form.focus();
  }

  closeForm() {
    const { form } = this;
    this.form = null;
    const within = form.node.contains(document.activeElement);
    form.node.remove();
    this.table.shut();
    this.expanded();
    if (within) (form.trial ? this.table.rows.get(form.trial)?.buttons.clone : this.add)?.focus();
  }

  expanded() {
    this.add.setAttribute("aria-expanded", String(this.form?.command === "add"));
    for (const [name, row] of this.table.rows) row.buttons?.clone?.setAttribute("aria-expanded", String(this.form?.trial === name && this.form.command === "clone"));
  }

  answered() { this.form?.heard(this.model.get("answer") || {}); }

  say(text) { this.problem.hidden = !text; put(this.problem, text); }
  tell() { this.say(this.model.get("problem")); }

  switches() {
    const quantity = this.model.get("quantity") || "loss";
    this.inputs.quantity.value = quantity;
    for (const trait of ["log_x", "log_y"]) this.inputs[trait].checked = Boolean(this.model.get(trait));
    const weight = this.model.get("smoothing") || 0;
    if (document.activeElement !== this.inputs.smoothing) this.inputs.smoothing.value = weight;
    put(this.weight, weight ? weight.toFixed(2) : "off");
    const isScore = quantity.startsWith("score:");
    for (const trait of ["log_x", "smoothing"]) this.inputs[trait].disabled = isScore;
  }

  draw() {
    const picture = this.picture();
    const state = picture.state || "queued";
    if (this.root.dataset.state !== state) this.root.dataset.state = state;
    put(this.status, WORDS[state] || state);
    put(this.name, picture.name || "");
    put(this.doing, this.describe(picture));
    this.bar.max = picture.total || 1;
    this.bar.value = picture.done || 0;
    const trials = this.trials();
    const on = {
      pause: state === "running" && trials.some((t) => ["running", "queued"].includes(t.state)),
      resume: state === "paused" || (state === "running" && trials.some((t) => t.state === "paused")),
      restart: ["lost", "stopped", "failed"].includes(state), stop: ["queued", "running", "paused"].includes(state),
    };
    for (const [command, button] of Object.entries(this.buttons)) {
      button.hidden = !on[command];
      button.disabled = Boolean(this.asked("") || this.isPending(""));
    }
    this.add.hidden = !(["running", "paused"].includes(state) && trials.some((t) => ["running", "paused", "queued"].includes(t.state)));
    if (this.add.hidden && this.form?.command === "add") this.form.close();
    this.drawWaiting(picture.waiting || []);
    this.above.hidden = this.add.hidden && !(picture.waiting || []).length;
    put(this.buttons.restart, state === "stopped" ? "Go on" : "Restart");
    this.choose();
    this.table.draw();
    this.table.emphasise();
    this.unpin.hidden = !this.pinned().length;
    this.drawNotes(picture);
  }

  choose() {
    const choices = this.choices();
    const told = JSON.stringify(choices);
    if (told === this.chosen) return;
    this.chosen = told;
    this.inputs.quantity.replaceChildren(...choices.map(([value, text]) => make("option", { value, text })));
    this.inputs.quantity.value = this.model.get("quantity") || "loss";
  }

  describe(picture) {
    const asked = this.asked("");
    if (asked) return `asked to ${asked} …`;
    const parts = [];
    if (picture.total) parts.push(`step ${many(picture.done)} of ${many(picture.total)}`);
    if (picture.tally) parts.push(picture.tally);
    // "training r1, r2" is what the rows say already; how long it takes they do not.
    const left = picture.seconds_left;
    if (left !== null && left !== undefined) parts.push(left < 1 ? "training: under 1 s left" : `training: about ${duration(left)} left`);
    else if (picture.doing) parts.push(picture.doing);
    return parts.join(" · ");
  }

  drawNotes(picture) {
    const shape = JSON.stringify([picture.message, picture.advice, this.trials().map((t) => t.message), picture.warnings]);
    if (shape !== this.noted) {
      this.noted = shape;
      const said = [];
      if (picture.message) said.push(make("p", { class: "wb-said wb-strongly", text: picture.message.charAt(0).toUpperCase() + picture.message.slice(1) }));
      if (picture.advice) said.push(make("p", { class: "wb-said wb-strongly", text: picture.advice }));
      for (const trial of this.trials()) if (trial.message) said.push(make("p", { class: "wb-said wb-bad", text: `${trial.name}: ${trial.message}` }));
      for (const warning of picture.warnings || []) said.push(make("p", { class: "wb-said", text: warning }));
      this.notes.replaceChildren(...said);
    }
    this.drawTold(picture.told || []);
    this.details.hidden = !(picture.log || []).length;
    put(this.log, (picture.log || []).join("\n"));
    const bad = ["failed", "lost"].includes(picture.state);
    if (bad && !this.opened) this.details.open = true;
    this.opened = bad;
  }

  // What waits for its step may be taken back until then.
  drawWaiting(waiting) {
    const shape = JSON.stringify(waiting);
    if (shape === this.waitingShape) return;
    this.waitingShape = shape;
    const within = this.waiting.contains(document.activeElement);
    this.waiting.replaceChildren(...waiting.map(({ words, until, file }) => make("li", {}, make("span", { text: `${words}: ${until}` }),
      ...(file ? [make("button", { class: "wb-button wb-small", type: "button", text: "Take back", "aria-label": `Take back ${words}`, title: "It is not followed, and nothing is told of it", on: { click: () => this.model.send({ command: "withdraw", file }) } })] : []))));
    if (within) (this.waiting.querySelector("button") || this.add).focus();
  }

  // What the worker was told, by whomever, and what it made of it.
  drawTold(told) {
    const shape = JSON.stringify(told);
    if (shape === this.toldShape) return;
    this.toldShape = shape;
    this.told.hidden = !told.length;
    const refused = told.filter((one) => one.refused).length;
    put(this.toldHead, `What was told: ${several(told.length, "command")}${refused ? `, ${many(refused)} refused` : ""}`);
    this.toldList.replaceChildren(...told.map((one) => make("li", {},
      make("span", { class: "wb-told-step", text: `step ${many(one.step)}` }), make("code", { text: one.words }),
      make("span", { class: one.refused ? "wb-is-refused" : null, text: one.refused ? `refused: ${one.refused}` : "followed" }))));
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
