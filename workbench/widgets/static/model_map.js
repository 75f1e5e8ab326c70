// The model map: one cell a module, painted with a rank by pointer or keyboard. It draws the traits `places`, `ranks`,
// `kept`, `brush` and `summary`, and sends `ranks`, `kept`, `brush` and the quantization back. It keeps nothing that a
// reload would lose but what can be undone. Text from files enters the page by textContent only.

const RANKS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const TYPING = 900; // milliseconds within which digits belong to one number
const PUSH = 40; // milliseconds between two messages while a stroke lasts
const STORED = { none: "full precision", "8-bit": "8-bit", nf4: "nf4", fp4: "fp4" };

function percent(share) {
  const value = share * 100;
  return `${value >= 10 ? value.toFixed(1) : Number(value.toPrecision(3))} %`;
}

// A rank on the scale of colours: how often 2 was doubled, at most eight times.
function step(rank) { return Math.max(0, Math.min(8, Math.log2(rank))); }

// What was done and can be undone, as whole states: a state is a few hundred small numbers.
class History {
  constructor() { this.past = []; this.future = []; }
  note(state) { this.past.push(state); this.future = []; if (this.past.length > 200) this.past.shift(); }
  undo(now) { if (!this.past.length) return null; this.future.push(now); return this.past.pop(); }
  redo(now) { if (!this.future.length) return null; this.past.push(now); return this.future.pop(); }
}

// The grid itself: cells and heads in the page, and which of them stands beside which.
class Board {
  constructor(map) {
    this.map = map;
    this.node = make("div", { class: "wb-map-grid", role: "grid", "aria-label": "Ranks by layer and module", "aria-describedby": map.help.id });
  }

  build() {
    const { cells, columns, rows } = this.map.places;
    this.nodes = [];
    this.labels = [];
    this.at = rows.map(() => columns.map(() => -1));
    cells.forEach((cell, i) => { if (cell.row !== null) this.at[cell.row][cell.column] = i; });
    this.tracks(columns);
    this.node.dataset.height = rows.length <= 16 ? "tall" : rows.length <= 36 ? "middle" : "low";
    const before = cells.map((_, i) => i).filter((i) => cells[i].row === null && cells[i].kind === "embedding");
    const after = cells.map((_, i) => i).filter((i) => cells[i].row === null && cells[i].kind !== "embedding");
    const strip = (i) => this.row([make("span", { class: "wb-map-side", "aria-hidden": "true" }), this.cell(i)]);
    const heads = columns.map((column, c) => this.head("col", c, column.target, `${column.label}, all layers`));
    heads.forEach((head, c) => { head.style.gridColumn = this.track[c]; });
    this.lines = [heads];
    const parts = [this.groups(columns), this.row([make("span", { class: "wb-map-side wb-map-corner", role: "columnheader", text: "layer" }), ...heads], "wb-map-heads")];
    for (const i of before) { parts.push(strip(i)); this.lines.push([this.nodes[i]]); }
    rows.forEach((layer, r) => {
      const head = this.head("row", r, String(layer), `layer ${layer}, all modules`);
      const line = [head, ...columns.map((_, c) => (this.at[r][c] < 0 ? this.gap(c) : this.cell(this.at[r][c])))];
      parts.push(this.row(line));
      this.lines.push(line.filter((node) => node.matches("[data-i], [data-row]")));
    });
    for (const i of after) { parts.push(strip(i)); this.lines.push([this.nodes[i]]); }
    this.node.replaceChildren(...parts.filter(Boolean));
    this.place = new Map();
    this.lines.forEach((line, y) => line.forEach((node, x) => this.place.set(node, [y, x])));
    this.current = this.nodes[this.at.flat().find((i) => i >= 0) ?? 0] || null;
    if (this.current) this.current.tabIndex = 0;
  }

  // A narrow empty track stands between the groups of columns.
  tracks(columns) {
    const template = ["var(--wb-map-side)"];
    this.track = columns.map((column, c) => {
      const other = c && (columns[c - 1].group !== column.group || columns[c - 1].stack !== column.stack);
      if (other) template.push("10px");
      template.push("minmax(var(--wb-map-least), var(--wb-map-most))");
      return template.length;
    });
    this.node.style.gridTemplateColumns = template.join(" ");
    this.last = template.length;
  }

  groups(columns) {
    const runs = [];
    columns.forEach((column, c) => {
      const run = runs[runs.length - 1];
      if (run && run.group === column.group && run.stack === column.stack) run.to = c;
      else runs.push({ group: column.group, stack: column.stack, from: c, to: c });
    });
    if (!runs.some((run) => run.group)) return null;
    return this.row(runs.map((run) => {
      const node = make("span", { class: "wb-map-group", text: run.group, role: "presentation" });
      node.style.gridColumn = `${this.track[run.from]} / ${this.track[run.to] + 1}`;
      return node;
    }), "wb-map-groups", "presentation");
  }

  row(children, name = null, role = "row") { return make("div", { class: `wb-map-row${name ? ` ${name}` : ""}`, role }, ...children); }

  head(kind, number, text, label) {
    return make("div", {
      class: `wb-map-head wb-map-of-${kind}`, role: kind === "row" ? "rowheader" : "columnheader", tabindex: -1,
      [`data-${kind}`]: number, "aria-label": label, text, title: label,
    });
  }

  gap(c) {
    const node = make("span", { class: "wb-map-gap", role: "gridcell", "aria-label": "no such module" });
    node.style.gridColumn = this.track[c];
    return node;
  }

  cell(i) {
    const { row, column, name, fixed } = this.map.places.cells[i];
    const node = make("div", { class: "wb-cell", role: "gridcell", tabindex: -1, "data-i": i, "aria-disabled": fixed ? "true" : null });
    if (row === null) {
      node.classList.add("wb-strip");
      node.style.gridColumn = `2 / ${this.last + 1}`;
      node.append(make("span", { class: "wb-strip-name", text: name }), make("span", { class: "wb-number-in" }));
    } else {
      node.style.gridColumn = this.track[column];
    }
    this.nodes[i] = node;
    return node;
  }

  label(i) {
    const { row, column, name, fixed } = this.map.places.cells[i];
    const where = row === null ? name : `layer ${this.map.places.rows[row]}, ${this.map.places.columns[column].label}`;
    const rank = this.map.ranks[i] ? `rank ${this.map.ranks[i]}` : fixed || "not painted";
    return `${where}, ${rank}${this.map.full(i) ? ", full precision" : ""}`;
  }

  draw(i) {
    const node = this.nodes[i];
    const rank = this.map.ranks[i];
    const text = rank ? String(rank) : this.map.places.cells[i].fixed ? "–" : "";
    put(node.querySelector(".wb-number-in") || node, text);
    node.classList.toggle("wb-painted", rank > 0);
    if (rank) node.style.setProperty("--step", step(rank));
    node.classList.toggle("wb-kept", this.map.full(i));
    node.setAttribute("aria-label", this.label(i));
  }

  // One part of the grid is in the tab order: the one that had the focus last.
  enter(node) {
    if (!node || node === this.current) return;
    if (this.current) this.current.tabIndex = -1;
    this.current = node;
    node.tabIndex = 0;
  }

  focus(node) {
    if (!node) return;
    this.enter(node);
    node.focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // The part of the map that an arrow leads to; a line of one strip remembers the column it was entered from.
  beside(node, dy, dx) {
    const [y, x] = this.place.get(node);
    const line = Math.max(0, Math.min(this.lines.length - 1, y + dy));
    const from = this.middle(node) ?? this.wanted;
    if (dx) {
      const next = this.lines[y][x + dx];
      this.wanted = null;
      return next || node;
    }
    this.wanted = from;
    return this.nearest(this.lines[line], from);
  }

  middle(node) { return node.classList.contains("wb-strip") ? null : node.offsetLeft + node.offsetWidth / 2; }

  nearest(line, from) {
    if (from === null || from === undefined || line.length === 1) return line[Math.min(1, line.length - 1)];
    const far = (node) => Math.abs(node.offsetLeft + node.offsetWidth / 2 - from);
    return line.reduce((a, b) => (far(b) < far(a) ? b : a));
  }

  end(node, { line, column }) {
    const [y] = this.place.get(node);
    if (column) return this.nearest(this.lines[column < 0 ? 0 : this.lines.length - 1], this.middle(node));
    return this.lines[y][line < 0 ? 0 : this.lines[y].length - 1];
  }

  // The cells that a node stands for: itself, its row or its column.
  meant(node) {
    if (node.dataset.i) return [Number(node.dataset.i)];
    if (node.dataset.row) return this.at[Number(node.dataset.row)].filter((i) => i >= 0);
    return this.at.map((row) => row[Number(node.dataset.col)]).filter((i) => i >= 0);
  }

  // Every cell on the way from one to another: a fast pointer skips some.
  between(from, to) {
    const [a, b] = [this.map.places.cells[from], this.map.places.cells[to]];
    if (a.row === null || b.row === null) return [to];
    const steps = Math.max(Math.abs(b.row - a.row), Math.abs(b.column - a.column));
    const way = [];
    for (let n = 1; n <= steps; n += 1) {
      const r = Math.round(a.row + ((b.row - a.row) * n) / steps);
      const c = Math.round(a.column + ((b.column - a.column) * n) / steps);
      if (this.at[r][c] >= 0) way.push(this.at[r][c]);
    }
    return way.length ? way : [to];
  }
}

class ModelMap {
  constructor(model, el) {
    this.model = model;
    this.history = new History();
    this.stroke = null;
    this.typed = "";
    this.help = make("p", {
      class: "wb-hidden", id: `wb-map-help-${Math.random().toString(36).slice(2)}`,
      text: "Drag to paint; Shift or the right button erases. Arrows move, Space paints, Delete erases, digits set the rank, + and − change it, Ctrl+Z undoes.",
    });
    this.board = new Board(this);
    this.problem = make("div", { class: "wb-problem", role: "alert", hidden: true });
    this.title = make("span", { class: "wb-name" });
    this.line = make("p", { class: "wb-map-line", role: "status" });
    this.legend = make("p", { class: "wb-map-legend", hidden: true });
    this.pointed = make("p", { class: "wb-map-pointed", text: this.help.textContent, "aria-hidden": "true" });
    this.notes = make("div", { class: "wb-map-notes" });
    this.code = make("pre", { tabindex: 0, "aria-label": "Fields of the spec" });
    this.body = make("div", { class: "wb-map-body" },
      make("div", { class: "wb-map-scroll" }, this.board.node), this.aside());
    this.root = make("section", { class: "wb wb-map", "aria-label": "Model map" },
      make("header", {}, make("span", { class: "wb-state-word", text: "Model map" }), this.title, make("span", { class: "wb-grow" }), this.storage()),
      this.problem, this.tools(), this.body, this.line, this.legend, this.notes, this.pointed, this.help);
    el.append(this.root);
    this.listen();
    this.calls = {
      "change:places": () => this.rebuild(), "change:ranks": () => this.take(), "change:kept": () => this.take(),
      "change:quantization": () => this.drawStorage(), "change:double_quant": () => this.drawStorage(),
      "change:brush": () => this.drawBrush(), "change:summary": () => this.drawSummary(), "change:problem": () => this.tell(),
      "change:yaml": () => this.drawCode(),
    };
    for (const [event, call] of Object.entries(this.calls)) model.on(event, call);
    this.rebuild();
    this.tell();
  }

  close() {
    clearTimeout(this.later);
    clearTimeout(this.typing);
    for (const [event, call] of Object.entries(this.calls)) this.model.off(event, call);
  }

  full(i) { return this.stored() && (this.kept.has(i) || this.places.cells[i].stays); }
  stored() { return this.model.get("quantization") !== "none"; }

  // ---- the parts around the grid

  tools() {
    this.chips = make("div", { class: "wb-map-brush", role: "radiogroup", "aria-label": "Rank to paint", on: { keydown: (event) => this.chipKey(event) } });
    this.count = make("input", { type: "number", min: 1, value: 2, "aria-label": "How many of the last layers", class: "wb-map-count" });
    const button = (text, title, call) => make("button", { class: "wb-button wb-small", type: "button", text, title, on: { click: call } });
    const kinds = (attends) => (cell) => cell.row !== null && this.places.columns[cell.column].attends === attends;
    const layers = () => Math.max(1, Number(this.count.value) || 1);
    this.back = button("Undo", "Undo (Ctrl+Z)", () => this.travel("undo"));
    this.forth = button("Redo", "Redo (Ctrl+Shift+Z)", () => this.travel("redo"));
    this.presets = make("div", { class: "wb-map-presets", role: "group", "aria-label": "Paint many modules" },
      button("Attention", "Paint all attention modules; with Shift erase them", (e) => this.preset(kinds(true), e)),
      button("MLP", "Paint all other modules of the layers; with Shift erase them", (e) => this.preset(kinds(false), e)),
      button("All linear", "Paint every linear layer but the head; with Shift erase them", (e) => this.preset((cell) => this.isLinear(cell), e)),
      make("span", { class: "wb-map-last" },
        button("Last", "Paint the last layers; with Shift erase them", (e) => this.preset((cell) => cell.row !== null && cell.row >= this.places.rows.length - layers(), e)),
        this.count, make("span", { text: "layers" })),
      button("Clear", "Erase everything", () => this.preset(() => true, { shiftKey: true })), this.back, this.forth);
    return make("div", { class: "wb-map-tools" }, make("span", { class: "wb-map-word", text: "Rank" }), this.chips, make("span", { class: "wb-map-word", text: "Paint" }), this.presets);
  }

  storage() {
    this.base = make("select", { "aria-label": "How the base is stored", on: { change: () => this.send({ quantization: this.base.value }) } },
      ...Object.entries(STORED).map(([value, text]) => make("option", { value, text })));
    this.double = make("input", { type: "checkbox", on: { change: () => this.send({ double_quant: this.double.checked }) } });
    this.doubled = make("label", { hidden: true }, this.double, "double quantization");
    return make("span", { class: "wb-map-storage" }, make("label", {}, "Base in ", this.base), this.doubled);
  }

  aside() {
    this.copied = make("span", { role: "status" });
    const copy = make("button", { class: "wb-button wb-small", type: "button", text: "Copy", "aria-label": "Copy the fields", on: { click: () => this.copy() } });
    this.fields = make("div", { class: "wb-map-fields" }, make("header", {}, make("span", { text: "In a spec" }), copy, this.copied), this.code);
    return this.fields;
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.model.get("yaml"));
      put(this.copied, "copied");
    } catch {
      const range = document.createRange();
      range.selectNodeContents(this.code);
      window.getSelection().removeAllRanges();
      window.getSelection().addRange(range);
      put(this.copied, "selected: press Ctrl+C");
    }
  }

  // ---- drawing

  tell() {
    const text = this.model.get("problem");
    put(this.problem, text);
    this.problem.hidden = !text;
    this.root.classList.toggle("wb-blank", !this.places.cells.length);
  }

  rebuild() {
    this.places = { cells: [], columns: [], rows: [], notes: [], ...this.model.get("places") };
    this.ranks = [...this.model.get("ranks")];
    this.kept = new Set(this.model.get("kept"));
    put(this.title, this.places.model || "");
    this.count.max = Math.max(1, this.places.rows.length);
    this.count.value = Math.max(1, Math.min(this.places.rows.length, Math.ceil(this.places.rows.length / 2)));
    this.board.build();
    this.places.cells.forEach((_, i) => this.board.draw(i));
    this.drawBrush();
    this.drawStorage();
    this.drawSummary();
    this.drawCode();
  }

  // What Python or another view of the same map has changed.
  take() {
    if (this.pushing || this.stroke) return;
    const [ranks, kept] = [this.model.get("ranks"), new Set(this.model.get("kept"))];
    if (ranks.length !== this.ranks.length) return;
    const changed = this.places.cells.map((_, i) => i).filter((i) => ranks[i] !== this.ranks[i] || kept.has(i) !== this.kept.has(i));
    if (!changed.length) return;
    this.history.note(this.state());
    this.ranks = [...ranks];
    this.kept = kept;
    for (const i of changed) this.board.draw(i);
    this.drawHistory();
  }

  drawBrush() {
    const brush = this.model.get("brush");
    const offered = [0, ...RANKS];
    if (!offered.includes(brush)) offered.push(brush);
    offered.sort((a, b) => a - b);
    if (String(offered) !== this.offered) {
      this.offered = String(offered);
      this.chips.replaceChildren(...offered.map((rank) => {
        const chip = make("button", {
          class: "wb-map-chip", type: "button", role: "radio", "data-rank": rank, text: rank ? String(rank) : "erase", tabindex: -1,
          title: rank ? `Paint rank ${rank}` : "Erase", on: { click: () => this.choose(rank) },
        });
        if (rank) { chip.classList.add("wb-painted"); chip.style.setProperty("--step", step(rank)); }
        return chip;
      }));
    }
    for (const chip of this.chips.children) {
      const on = Number(chip.dataset.rank) === brush;
      chip.setAttribute("aria-checked", String(on));
      chip.tabIndex = on ? 0 : -1;
    }
  }

  drawStorage() {
    const word = this.model.get("quantization");
    this.base.value = word;
    this.double.checked = this.model.get("double_quant");
    this.doubled.hidden = !word.endsWith("4");
    this.root.classList.toggle("wb-stored", this.stored());
    this.places.cells.forEach((_, i) => this.board.draw(i));
  }

  drawHistory() {
    this.back.disabled = !this.history.past.length;
    this.forth.disabled = !this.history.future.length;
  }

  drawSummary() {
    const s = this.model.get("summary") || {};
    this.drawHistory();
    if (s.trainable === undefined) return;
    this.root.style.setProperty("--bits", (s.bits ?? s.full_bits) / s.full_bits);
    this.drawLegend(s);
    const parts = s.highest
      ? [
        ["", `${many(s.trainable)} trainable parameters`], ["", `${percent(s.share)} of the model`],
        ["", `${many(s.painted)} of ${several(s.of, "linear module")}${s.ends.length ? ` and ${s.ends.join(", ")}` : ""}`],
        ["", s.lowest === s.highest ? `rank ${s.highest}` : `ranks ${s.lowest} to ${s.highest}`],
      ]
      : [["", "Nothing is painted."]];
    parts.push(["wb-doing", `base ${bytes(s.base_bytes)}`]);
    this.line.replaceChildren(...parts.map(([name, text], n) => make(n ? "span" : "b", { text, class: name || null })));
    const said = [...this.places.notes];
    if (s.ends.length) said.push("An adapter on an embedding or the head trains alone, beside no other.");
    if (s.own_alphas) said.push(`${several(s.own_alphas, "module")} keep${s.own_alphas === 1 ? "s" : ""} the alpha of the adapter that was loaded; elsewhere alpha / r is the same.`);
    const shape = said.join("\n");
    if (shape !== this.noted) {
      this.noted = shape;
      this.notes.replaceChildren(...said.map((text) => make("p", { text })));
    }
  }

  // A line that is too long goes on below its own beginning, not at the edge.
  drawCode() {
    const yaml = this.model.get("yaml") || "# nothing is painted";
    put(this.copied, "");
    this.code.replaceChildren(...yaml.split("\n").map((line) => {
      const indent = line.length - line.trimStart().length;
      const node = make("span", { text: line.trimStart() });
      node.style.paddingLeft = `${indent + 2}ch`;
      return node;
    }));
  }

  drawLegend(s) {
    this.legend.hidden = !this.stored();
    const sample = (kept) => make("span", { class: `wb-cell wb-sample${kept ? " wb-kept" : ""}`, "aria-hidden": "true" });
    this.legend.replaceChildren(
      sample(false), `${Number((s.bits ?? s.full_bits).toPrecision(3))} of ${s.full_bits} bits a weight, scales included`,
      sample(true), "full precision: F or Alt+click",
    );
  }

  drawPointed(node) {
    if (!node) return;
    const cells = this.board.meant(node);
    if (!node.dataset.i) { put(this.pointed, node.getAttribute("aria-label")); return; }
    const i = cells[0];
    const { name, size, fixed } = this.places.cells[i];
    const rank = this.ranks[i];
    const what = rank ? `rank ${rank}: ${many(rank)} × (${many(size[0])} + ${many(size[1])}) = ${many(rank * (size[0] + size[1]))} parameters` : fixed || "not painted";
    put(this.pointed, `${name} · ${many(size[0])} → ${many(size[1])} · ${what}${this.full(i) ? " · full precision" : ""}`);
  }

  // ---- changing

  isLinear(cell) { return cell.kind === "linear" || cell.kind === "conv1d"; }
  state() { return { ranks: [...this.ranks], kept: new Set(this.kept) }; }

  set(i, rank) {
    if (this.ranks[i] === rank || this.places.cells[i].fixed) return;
    this.ranks[i] = rank;
    this.changed = true;
    this.board.draw(i);
  }

  keep(cells) {
    const able = cells.filter((i) => !this.places.cells[i].stays);
    if (!this.stored() || !able.length) return;
    const all = able.every((i) => this.kept.has(i));
    this.change(() => { for (const i of able) { if (all) this.kept.delete(i); else this.kept.add(i); this.board.draw(i); } this.changed = true; });
  }

  // One change that can be undone.
  change(call) {
    const before = this.state();
    this.changed = false;
    call();
    if (!this.changed) return;
    this.history.note(before);
    this.push();
  }

  preset(wanted, event) {
    const rank = event.shiftKey ? 0 : this.model.get("brush");
    this.change(() => this.places.cells.forEach((cell, i) => { if (wanted(cell)) this.set(i, rank); }));
  }

  travel(way) {
    const state = this.history[way](this.state());
    if (!state) return;
    const changed = this.ranks.map((_, i) => i).filter((i) => state.ranks[i] !== this.ranks[i] || state.kept.has(i) !== this.kept.has(i));
    this.ranks = [...state.ranks];
    this.kept = new Set(state.kept);
    for (const i of changed) this.board.draw(i);
    this.push();
  }

  push() {
    clearTimeout(this.later);
    this.later = null;
    this.pushing = true;
    this.model.set({ ranks: [...this.ranks], kept: [...this.kept].sort((a, b) => a - b) });
    this.model.save_changes();
    this.pushing = false;
    this.drawHistory();
  }

  pushSoon() { if (!this.later) this.later = setTimeout(() => this.push(), PUSH); }

  send(values) {
    this.model.set(values);
    this.model.save_changes();
  }

  choose(rank) { this.send({ brush: rank }); }

  // ---- pointer

  listen() {
    const grid = this.board.node;
    const part = (target) => target.closest?.("[data-i], [data-row], [data-col]");
    grid.addEventListener("pointerdown", (event) => this.press(event, part(event.target)));
    grid.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) grid.addEventListener(name, () => this.release());
    grid.addEventListener("pointerover", (event) => this.drawPointed(part(event.target)));
    grid.addEventListener("pointerleave", () => { if (!this.stroke) put(this.pointed, this.help.textContent); });
    grid.addEventListener("focusin", (event) => { this.board.enter(part(event.target)); this.drawPointed(part(event.target)); });
    grid.addEventListener("contextmenu", (event) => { event.preventDefault(); event.stopPropagation(); });
    grid.addEventListener("mousedown", (event) => event.preventDefault());
    grid.addEventListener("keydown", (event) => this.gridKey(event));
    this.root.addEventListener("keydown", (event) => this.anyKey(event));
  }

  press(event, node) {
    if (!node || ![0, 2].includes(event.button) || this.stroke) return;
    event.preventDefault();
    this.board.focus(node);
    if (event.altKey) { this.keep(this.board.meant(node)); return; }
    const erases = event.button === 2 || event.shiftKey;
    this.stroke = { before: this.state(), kind: kindOf(node), last: node, rank: erases ? 0 : this.model.get("brush") };
    this.changed = false;
    this.board.node.setPointerCapture(event.pointerId);
    this.paint([node]);
  }

  drag(event) {
    if (!this.stroke) return;
    const moves = event.getCoalescedEvents?.() || [];
    for (const { clientX, clientY } of moves.length ? moves : [event]) {
      const root = this.root.getRootNode();
      const node = root.elementFromPoint(clientX, clientY)?.closest?.("[data-i], [data-row], [data-col]");
      if (!node || !this.board.node.contains(node) || node === this.stroke.last || kindOf(node) !== this.stroke.kind) continue;
      const way = node.dataset.i
        ? this.board.between(Number(this.stroke.last.dataset.i), Number(node.dataset.i)).map((i) => this.board.nodes[i])
        : [node];
      this.stroke.last = node;
      this.paint(way);
      this.drawPointed(node);
    }
  }

  paint(nodes) {
    for (const node of nodes) for (const i of this.board.meant(node)) this.set(i, this.stroke.rank);
    if (this.changed) this.pushSoon();
    this.drawPointed(nodes[nodes.length - 1]);
  }

  release() {
    if (!this.stroke) return;
    const { before } = this.stroke;
    this.stroke = null;
    if (!this.changed) return;
    this.history.note(before);
    this.push();
  }

  // ---- keyboard

  gridKey(event) {
    const node = this.board.current;
    const far = event.ctrlKey || event.metaKey;
    const moves = {
      ArrowUp: () => this.board.beside(node, -1, 0), ArrowDown: () => this.board.beside(node, 1, 0),
      ArrowLeft: () => this.board.beside(node, 0, -1), ArrowRight: () => this.board.beside(node, 0, 1),
      PageUp: () => this.board.beside(node, -10, 0), PageDown: () => this.board.beside(node, 10, 0),
      Home: () => this.board.end(node, far ? { column: -1 } : { line: -1 }), End: () => this.board.end(node, far ? { column: 1 } : { line: 1 }),
    };
    const paints = { " ": !event.shiftKey, Enter: true, Delete: false, Backspace: false };
    if (!node || event.altKey || (event.key === "Enter" && event.shiftKey)) return;
    if (moves[event.key]) this.board.focus(moves[event.key]());
    else if (event.key in paints && !far) {
      const rank = paints[event.key] ? this.model.get("brush") : 0;
      this.change(() => { for (const i of this.board.meant(node)) this.set(i, rank); });
    } else if (event.key.toLowerCase() === "f" && !far) this.keep(this.board.meant(node));
    else return;
    this.drawPointed(this.board.current);
    event.preventDefault();
    event.stopPropagation();
  }

  anyKey(event) {
    const key = event.key.toLowerCase();
    const alone = !(event.ctrlKey || event.metaKey || event.altKey);
    // A letter would be a command to the notebook: x cuts the cell that the map stands in.
    if (alone && key.length === 1) event.stopPropagation();
    if (["INPUT", "SELECT"].includes(event.target.tagName) || event.altKey) return;
    if (!alone) {
      if (key === "z") this.travel(event.shiftKey ? "redo" : "undo");
      else if (key === "y") this.travel("redo");
      else return;
    } else if (/^[0-9]$/.test(key)) this.digit(key);
    else if (key === "+" || key === "=") this.stepBrush(1);
    else if (key === "-" || key === "−") this.stepBrush(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  chipKey(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const chips = [...this.chips.children];
    const at = chips.findIndex((chip) => chip.getAttribute("aria-checked") === "true");
    const next = chips[(at + by + chips.length) % chips.length];
    this.choose(Number(next.dataset.rank));
    next.focus();
    event.preventDefault();
    event.stopPropagation();
  }

  stepBrush(by) {
    const now = this.model.get("brush");
    const next = by > 0 ? RANKS.find((rank) => rank > now) : [0, ...RANKS].findLast((rank) => rank < now);
    if (next !== undefined) this.choose(next);
  }

  // Digits typed one after the other make a rank: 1 and then 6 is 16.
  digit(key) {
    clearTimeout(this.typing);
    const begins = (text) => [0, ...RANKS].some((rank) => String(rank).startsWith(text));
    this.typed = begins(this.typed + key) ? this.typed + key : begins(key) ? key : "";
    if ([0, ...RANKS].includes(Number(this.typed)) && this.typed) this.choose(Number(this.typed));
    this.typing = setTimeout(() => { this.typed = ""; }, TYPING);
  }
}

function kindOf(node) { return node.dataset.i ? "cell" : node.dataset.row ? "row" : "column"; }

export default {
  render({ model, el }) {
    const map = new ModelMap(model, el);
    return () => map.close();
  },
};
