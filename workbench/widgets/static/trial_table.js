// The rows of a live sweep: state, step, a small curve, losses, scores, what is left, and what can be asked of each trial.
// Rows stay where they are while a hand is over them: a button that moves between press and release would lose the click.

const STATES = {
  queued: "waiting", running: "running", paused: "paused", stopping: "stopping", done: "done", failed: "failed",
  stopped: "stopped", pruned: "pruned", dropped: "dropped", lost: "lost", trained: "trained", gone: "gone", control: "base",
};
const MEANING = {
  pruned: "Ended because others had a lower held-out loss; its adapter is kept, and no eval asks it",
  dropped: "Given up by a person; nothing of it is kept, and no eval asks it",
  stopped: "Ended by a person; its adapter is kept",
};
const ASKED = { stop: "stopping …", pause: "pausing …", resume: "resuming …", restart: "starting …", drop: "dropping …" };
const SPARK = { width: 84, height: 18 };
const MANY = 12;

class TrialTable {
  constructor(ui) {
    this.ui = ui;
    this.table = make("table", { class: "wb-table" });
    this.node = make("div", { class: "wb-scroll" }, this.table);
    this.rows = new Map();
    this.order = "";
    this.held = false;
    this.node.addEventListener("pointerenter", () => { this.held = true; });
    this.node.addEventListener("pointerleave", () => { this.held = false; });
  }

  columns() {
    const { evals = [] } = this.ui.picture();
    const trials = this.ui.trials();
    const asked = (name) => [...new Set(trials.map((t) => t.scores[name]?.n).filter((n) => n))];
    const columns = [
      { key: "name", head: "Trial", value: (t) => t.name },
      { key: "state", head: "State", value: (t) => STATES[t.state] || t.state },
      { key: "step", head: "Step", number: true, value: (t) => t.step, text: (t) => (t.total_steps ? `${many(t.step)} / ${many(t.total_steps)}` : "") },
      { key: "spark", head: "Loss so far" },
      { key: "loss", head: "Loss", number: true, value: (t) => t.loss, text: (t) => (t.state === "control" ? "" : t.loss === null ? (t.step ? "not a number" : "") : figures(t.loss, 4)) },
    ];
    if (trials.some((t) => t.held_out !== null && t.held_out !== undefined)) {
      columns.push({ key: "held_out", head: "Held out", number: true, title: "The last loss on rows that are not trained on", value: (t) => t.held_out, text: (t) => figures(t.held_out, 4) });
    }
    for (const { name, title, unit } of evals) {
      const ns = asked(name);
      columns.push({
        key: `score:${name}`, head: ns.length === 1 ? `${name}, n = ${ns[0]}` : name, number: true,
        title: `${title} (${unit}), with its 95 % interval`, value: (t) => t.scores[name]?.value ?? null, text: (t) => score(t.scores[name], unit),
      });
    }
    if (this.ui.live()) columns.push({ key: "left", head: "Left", number: true, title: "About how long its training takes from here", value: (t) => t.seconds_left, text: (t) => duration(t.seconds_left) });
    columns.push({ key: "do", head: "" });
    return columns;
  }

  draw() {
    const columns = this.columns();
    const shape = JSON.stringify(columns.map((c) => [c.key, c.head]));
    if (shape !== this.shape) this.build(columns, shape); else this.meet(columns);
    this.columnsNow = columns;
    for (const trial of this.ui.trials()) this.fill(this.rows.get(trial.name), trial, columns);
    this.heads(columns);
    if (!this.held && !this.table.tBodies[0].contains(document.activeElement)) this.sort();
  }

  build(columns, shape) {
    this.shape = shape;
    this.order = "";
    const within = this.formRow?.contains(document.activeElement) && document.activeElement;
    this.rows = new Map(this.ui.trials().map((trial) => [trial.name, this.row(trial, columns)]));
    this.headNodes = columns.map((column) => this.head(column));
    this.table.replaceChildren(
      make("caption", { class: "wb-hidden", text: "Trials of this sweep" }),
      make("thead", {}, make("tr", {}, ...this.headNodes)),
      make("tbody", {}, ...[...this.rows.values()].map((row) => row.node)));
    this.node.classList.toggle("wb-many", this.rows.size > MANY);
    this.formRow?.firstChild.setAttribute("colspan", columns.length);
    this.follow();
    within?.focus?.();
    this.ui.expanded();
  }

  // Trials join while a sweep runs: their rows come after the others, which stay what they are under a hand.
  meet(columns) {
    const trials = this.ui.trials();
    const names = new Set(trials.map((t) => t.name));
    for (const [name, row] of this.rows) if (!names.has(name)) this.leave(name);
    for (const trial of trials) {
      if (this.rows.has(trial.name)) continue;
      const row = this.row(trial, columns);
      this.rows.set(trial.name, row);
      this.table.tBodies[0].append(row.node);
      this.order = this.emphasised = "";
    }
    this.node.classList.toggle("wb-many", this.rows.size > MANY);
  }

  leave(name) {
    if (this.formRow && this.formOf === name) this.ui.form.close();
    this.rows.get(name).node.remove();
    this.rows.delete(name);
    this.order = "";
  }

  // A form stands under the row of its trial, wherever that goes.
  open(form) {
    this.formRow = make("tr", { class: "wb-form-row" }, make("td", { colspan: this.columnsNow.length }, form.node));
    this.formOf = form.trial;
    this.follow();
  }

  shut() {
    this.formRow?.remove();
    this.formRow = null;
  }

  follow() {
    const row = this.formRow && this.rows.get(this.formOf);
    if (!row || row.node.nextSibling === this.formRow) return;
    const within = this.formRow.contains(document.activeElement) && document.activeElement;
    row.node.after(this.formRow);
    within?.focus?.();
  }

  head(column) {
    const attributes = { scope: "col", class: column.number ? "wb-number" : null, title: column.title };
    if (!column.head) return make("td", {});
    if (!column.value) return make("th", { ...attributes, text: column.head });
    return make("th", attributes, make("button", { class: "wb-sort", type: "button", text: column.head, title: column.title || `Sort by ${column.head.toLowerCase()}`, on: { click: () => this.sortBy(column.key) } }));
  }

  heads(columns) {
    const [by, falling] = this.sorted();
    columns.forEach((column, i) => {
      const sort = column.key === by ? (falling ? "descending" : "ascending") : null;
      if (sort) this.headNodes[i].setAttribute("aria-sort", sort); else this.headNodes[i].removeAttribute("aria-sort");
    });
  }

  sorted() {
    const told = this.ui.model.get("sorted_by") || "";
    return told.startsWith("-") ? [told.slice(1), true] : [told, false];
  }

  sortBy(key) {
    const [by, falling] = this.sorted();
    this.ui.keep("sorted_by", by !== key ? key : falling ? "" : `-${key}`);
    this.heads(this.columnsNow);
    this.sort();
  }

  sort() {
    const [by, falling] = this.sorted();
    const column = this.columnsNow.find((c) => c.key === by && c.value);
    const trials = [...this.ui.trials()];
    if (column) {
      const rank = (t) => { const v = column.value(t); return v === undefined ? null : v; };
      trials.sort((a, b) => {
        const [x, y] = [rank(a), rank(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        const order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
        return falling ? -order : order;
      });
    }
    const order = JSON.stringify(trials.map((t) => t.name));
    if (order === this.order) return;
    this.order = order;
    this.table.tBodies[0].append(...trials.map((t) => this.rows.get(t.name).node));
    this.follow();
  }

  row(trial, columns) {
    const { name } = trial;
    const control = trial.state === "control";
    const cells = {};
    const nodes = columns.slice(1, -1).map(({ key, number }) => { cells[key] = make("td", { class: number ? "wb-number" : null }); return cells[key]; });
    const button = (command, word, help) => make("button", {
      class: "wb-button wb-small", type: "button", text: word, "aria-label": `${word} ${name}`, title: help, on: { click: () => this.ui.ask(command, name) },
    });
    const buttons = { pause: button("pause", "Pause", `Hold ${name}; the others go on`), resume: button("resume", "Resume", `Let ${name} go on where it was paused`), stop: button("stop", "Stop", `Stop ${name} and keep its adapter; the others go on`) };
    buttons.drop = make("button", { class: "wb-button wb-small", type: "button", text: "Drop", "aria-label": `Drop ${name}`, title: `Give ${name} up; its adapter is not kept`, on: { click: () => this.confirm(name) } });
    buttons.clone = make("button", { class: "wb-button wb-small", type: "button", text: "Clone…", "aria-label": `Clone ${name}`, title: `Train a copy of ${name} with other fields, from its weights as they are`, "aria-expanded": "false", on: { click: () => this.ui.toggleForm("clone", name) } });
    const sure = control ? null : this.sure(name);
    const called = control ? make("span", { text: name })
      : make("button", { class: "wb-called", type: "button", "aria-pressed": "false", title: `Keep the curve of ${name} in front`, on: { click: () => this.ui.pin(name) } }, this.ui.swatch(name), make("span", { text: name }));
    const joined = trial.joined ? [make("span", { class: "wb-joined", text: trial.joined })] : [];
    const path = draw("path", { class: "wb-spark", d: "" });
    if (!control) cells.spark.append(draw("svg", { ...SPARK, "aria-hidden": "true", class: `wb-c${this.ui.style(name).colour}` }, path));
    const node = make("tr", { "data-trial-row": name }, make("th", { scope: "row" }, called, ...joined), ...nodes, make("td", { class: "wb-end" }, ...(control ? [] : [...Object.values(buttons), sure])));
    if (!control) {
      node.addEventListener("pointerenter", () => this.ui.hover(name));
      node.addEventListener("pointerleave", () => this.ui.hover(null));
    }
    return { node, cells, buttons, path, called, sure, asks: false };
  }

  // What cannot be taken back is asked about once, in the row itself.
  sure(name) {
    const button = (word, label, click) => make("button", { class: "wb-button wb-small", type: "button", text: word, "aria-label": label, on: { click } });
    const keep = button("Keep it", `Keep ${name}`, () => this.unconfirm(name));
    const drop = button("Drop it", `Drop ${name} and its adapter`, () => { this.unconfirm(name); this.ui.ask("drop", name); });
    const node = make("span", { class: "wb-sure", role: "group", "aria-label": `Drop ${name}?`, hidden: true, on: { keydown: (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.unconfirm(name);
    } } }, make("span", { text: "Its adapter is not kept." }), drop, keep);
    node.keep = keep;
    return node;
  }

  confirm(name) {
    const row = this.rows.get(name);
    row.asks = true;
    this.ui.draw();
    row.sure.keep.focus();
  }

  unconfirm(name) {
    const row = this.rows.get(name);
    const within = row.sure.contains(document.activeElement);
    row.asks = false;
    this.ui.draw();
    if (within) row.buttons.drop.focus();
  }

  fill(row, trial, columns) {
    const asked = this.ui.asked(trial.name);
    for (const column of columns) if (column.text) put(row.cells[column.key], column.text(trial));
    // What is as it was is not touched: each touch of an attribute is a look at all styles.
    const shape = JSON.stringify([trial.state, trial.message, trial.scores]);
    if (shape !== row.shape) {
      row.shape = shape;
      for (const [name, told] of Object.entries(trial.scores)) if (row.cells[`score:${name}`]) row.cells[`score:${name}`].title = `n = ${told.n}`;
      row.node.dataset.state = trial.state;
      row.cells.state.className = `wb-trial-state wb-is-${trial.state.replaceAll(" ", "-")}`;
      row.cells.state.title = trial.message || MEANING[trial.state] || "";
    }
    put(row.cells.state, ASKED[asked] || STATES[trial.state] || trial.state);
    const spark = trial.spark.join();
    if (spark !== row.spark) {
      row.spark = spark;
      row.path.setAttribute("d", sparkPath(trial.spark, SPARK.width, SPARK.height));
    }
    const open = this.ui.live() && this.ui.picture().state !== "stopping";
    const trains = ["running", "paused"].includes(trial.state) && trial.total_steps > 0;
    const on = { pause: ["running", "queued"].includes(trial.state), resume: trial.state === "paused", stop: ["running", "paused", "queued"].includes(trial.state), drop: trains, clone: trains };
    const waits = Boolean(asked || this.ui.isPending(trial.name));
    row.asks = row.asks && open && trains && !waits;
    if (row.sure && row.sure.hidden !== !row.asks) row.sure.hidden = !row.asks;
    for (const [command, button] of Object.entries(row.buttons)) {
      const hidden = !(open && on[command]) || row.asks;
      if (button.hidden !== hidden) button.hidden = hidden;
      if (button.disabled !== waits) button.disabled = waits;
    }
    if (this.formRow && this.formOf === trial.name && !(open && trains)) this.ui.form?.close();
  }

  emphasise() {
    const [pinned, front] = [this.ui.pinned(), this.ui.inFront()];
    const told = JSON.stringify([pinned, [...front], this.shape]);
    if (told === this.emphasised) return;
    this.emphasised = told;
    for (const [name, row] of this.rows) {
      row.node.classList.toggle("wb-chosen", front.has(name));
      if (row.called.tagName === "BUTTON") row.called.setAttribute("aria-pressed", String(pinned.includes(name)));
    }
  }
}
