// The rank lens: the model with a colour a module, a slider that cuts all ranks, and the spectrum of the module that is picked. It
// draws the traits and sends `rank`, `colour`, `budget` and `picked` back; every figure comes from the kernel. Text from files
// enters the page by textContent only.

const COLOURS = [["effective", "effective rank"], ["kept", "energy kept"], ["suggested", "suggested rank"]];

// A share as people read it; what is not all is never told as 100 %.
function percent(share) {
  if (share >= 1 - 1e-12) return "100 %";
  return `${Math.min(99.9, share * 100).toFixed(1)} %`;
}

function shortly(share) { return share >= 1 - 1e-12 ? "100" : String(Math.min(99, Math.floor(share * 100))); }

class Lens {
  constructor(model, el) {
    this.model = model;
    this.build();
    el.append(this.root);
    this.calls = {};
    for (const trait of ["places", "modules"]) this.calls[`change:${trait}`] = () => this.rebuild();
    for (const trait of ["rank", "at_rank", "colour", "suggestion"]) this.calls[`change:${trait}`] = () => this.draw();
    this.calls["change:picked"] = () => this.drawPicked();
    this.calls["change:curve"] = () => this.drawCurve();
    this.calls["change:problem"] = () => this.tell();
    for (const [event, call] of Object.entries(this.calls)) model.on(event, call);
    this.rebuild();
    this.drawCurve();
    this.tell();
  }

  close() { for (const [event, call] of Object.entries(this.calls)) this.model.off(event, call); }

  get(name) { return this.model.get(name); }

  keep(values) { this.model.set(values); this.model.save_changes(); }

  // ---- the parts

  build() {
    const id = Math.random().toString(36).slice(2);
    this.title = make("span", { class: "wb-name" });
    this.said = make("span", { class: "wb-lens-said" });
    this.problem = make("div", { class: "wb-problem", role: "alert", hidden: true });
    // On the input itself: JupyterLab looks at nothing but the element that has the focus.
    this.slider = make("input", { type: "range", min: 1, step: 1, "data-lm-suppress-shortcuts": "true", id: `wb-lens-rank-${id}`, on: { input: () => this.keep({ rank: Number(this.slider.value) }) } });
    this.shown = make("output", { class: "wb-lens-rank", for: this.slider.id });
    this.line = make("p", { class: "wb-map-line", role: "status" });
    this.choices = make("span", { class: "wb-lens-choices", role: "radiogroup", "aria-label": "What the colours show" }, ...COLOURS.map(([value, text]) => {
      const input = make("input", { type: "radio", name: `wb-lens-colour-${id}`, value, on: { change: () => this.keep({ colour: value }) } });
      return make("label", {}, input, text);
    }));
    this.grid = make("div", { class: "wb-map-grid wb-lens-grid", role: "grid", "aria-label": "Modules by layer" });
    this.legend = make("p", { class: "wb-map-legend" });
    this.one = make("figure", { class: "wb-lens-one", "aria-live": "polite" });
    this.budget = make("input", { type: "number", min: 1, step: 1, class: "wb-lens-budget", id: `wb-lens-budget-${id}`, on: { change: () => this.keep({ budget: Math.max(1, Math.round(Number(this.budget.value) || 1)) }) } });
    this.told = make("p", { class: "wb-lens-told", role: "status" });
    this.copied = make("span", { role: "status" });
    this.code = make("pre", { tabindex: 0, "aria-label": "The suggestion as fields of a spec" });
    const button = (text, title, call) => make("button", { class: "wb-button wb-small", type: "button", text, title, on: { click: call } });
    this.suggested = make("section", { class: "wb-lens-suggested", "aria-label": "A rank for each module" },
      make("div", { class: "wb-lens-tools" },
        make("label", { for: this.budget.id, text: "Suggest ranks within" }), this.budget, make("span", { text: "trainable parameters" }),
        button("Show on a model map", "Paint these ranks on a map that can be changed and used", () => this.model.send({ command: "map" })),
        button("Copy the fields", "Copy them for the adapter of a spec", () => this.copy()), this.copied),
      this.told, make("details", {}, make("summary", { text: "As fields of a spec" }), this.code));
    this.curve = make("div", { class: "wb-lens-curve", hidden: true });
    this.root = make("section", { class: "wb wb-map wb-lens", "aria-label": "Rank lens", "data-lm-suppress-shortcuts": "true" },
      make("header", {}, make("span", { class: "wb-state-word", text: "Rank lens" }), this.title, this.said),
      this.problem,
      make("div", { class: "wb-lens-tools" }, make("label", { for: this.slider.id, text: "Cut to rank" }), this.slider, this.shown),
      this.line,
      make("div", { class: "wb-lens-tools" }, make("span", { class: "wb-map-word", text: "Colour by" }), this.choices),
      make("div", { class: "wb-lens-body" }, make("div", { class: "wb-map-scroll" }, this.grid, this.legend), this.one),
      this.suggested, this.curve,
      make("p", { class: "wb-said", text: "A truncation is not the run that would have been trained at that rank: lens.confirm(ranks=[…]) is the sweep that trains it, lens.evaluate() asks several truncations in one pass." }));
    this.grid.addEventListener("click", (event) => this.pick(event.target.closest("[data-i]")));
    this.grid.addEventListener("keydown", (event) => this.key(event));
  }

  tell() {
    const text = this.get("problem");
    put(this.problem, text);
    this.problem.hidden = !text;
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.get("suggestion").yaml || "");
      put(this.copied, "copied");
    } catch {
      this.code.closest("details").open = true;
      const range = document.createRange();
      range.selectNodeContents(this.code);
      window.getSelection().removeAllRanges();
      window.getSelection().addRange(range);
      put(this.copied, "selected: press Ctrl+C");
    }
  }

  // ---- the grid

  rebuild() {
    const { cells = [], columns = [], rows = [] } = this.get("places");
    this.nodes = [];
    put(this.title, this.get("name"));
    put(this.said, this.get("said"));
    this.slider.max = this.get("highest");
    this.grid.style.gridTemplateColumns = `var(--wb-map-side) repeat(${Math.max(1, columns.length)}, minmax(var(--wb-map-least), var(--wb-map-most)))`;
    this.grid.dataset.height = rows.length <= 16 ? "tall" : rows.length <= 36 ? "middle" : "low";
    const row = (children) => make("div", { class: "wb-map-row", role: "row" }, ...children);
    const heads = columns.map((column, c) => make("span", { class: "wb-map-head wb-map-of-col", role: "columnheader", text: column.target, title: column.label, style: `grid-column: ${c + 2}` }));
    const lines = [row([make("span", { class: "wb-map-side wb-map-corner", role: "columnheader", text: "layer" }), ...heads])];
    this.lines = [];
    const strip = (i) => {
      const node = this.cell(i, "wb-strip", `2 / ${columns.length + 2}`);
      node.append(make("span", { class: "wb-strip-name", text: cells[i].name }), make("span", { class: "wb-number-in" }));
      this.lines.push([node]);
      return row([make("span", { class: "wb-map-side", "aria-hidden": "true" }), node]);
    };
    const apart = cells.map((_, i) => i).filter((i) => cells[i].row === null && this.get("modules")[i]);
    lines.push(...apart.filter((i) => cells[i].kind === "embedding").map(strip));
    rows.forEach((layer, r) => {
      const line = cells.map((_, i) => i).filter((i) => cells[i].row === r).map((i) => this.cell(i, "", cells[i].column + 2));
      this.lines.push(line);
      lines.push(row([make("span", { class: "wb-map-of-row", role: "rowheader", text: layer }), ...line]));
    });
    lines.push(...apart.filter((i) => cells[i].kind !== "embedding").map(strip));
    this.grid.replaceChildren(...lines);
    this.draw();
  }

  cell(i, kind, column) {
    const node = make("div", { class: `wb-cell ${kind}`, role: "gridcell", tabindex: -1, "data-i": i, style: `grid-column: ${column}` });
    this.nodes[i] = node;
    return node;
  }

  draw() {
    const modules = this.get("modules");
    this.slider.value = this.get("rank");
    put(this.shown, `${this.get("rank")} of ${this.get("highest")}`);
    for (const input of this.choices.querySelectorAll("input")) input.checked = input.value === this.get("colour");
    this.nodes.forEach((node, i) => this.paint(node, modules[i], i));
    this.drawLine();
    this.drawLegend();
    this.drawSuggestion();
    this.drawPicked();
  }

  // What a cell says, and its place on the scale of colours, 0 to 8: ranks by how often they double, shares evenly.
  figure(module, i) {
    const cut = this.get("at_rank").cells?.[i];
    if (this.get("colour") === "kept") return cut ? [shortly(cut[0]), 8 * cut[0]] : ["", 0];
    const rank = this.get("colour") === "suggested" ? this.get("suggestion").ranks?.[i] : module.effective;
    if (!rank) return [rank === 0 ? "0" : "", 0];
    return [this.get("colour") === "suggested" ? String(rank) : rank.toFixed(1), Math.max(0, Math.min(8, Math.log2(rank)))];
  }

  paint(node, module, i) {
    const text = node.querySelector(".wb-number-in") || node;
    node.classList.toggle("wb-painted", Boolean(module));
    if (!module) {
      put(text, "");
      node.setAttribute("aria-label", `${this.get("places").cells[i].name}, no adapter`);
      node.setAttribute("aria-disabled", "true");
      return;
    }
    const [told, step] = this.figure(module, i);
    put(text, told);
    node.style.setProperty("--step", step);
    node.setAttribute("aria-label", `${module.name}, ${this.words(module, i)}`);
    node.title = `${module.name}\n${this.words(module, i)}`;
  }

  words(module, i) {
    const cut = this.get("at_rank").cells?.[i] || [1, 0];
    const rank = Math.min(this.get("rank"), module.rank);
    return `rank ${module.rank}, effective rank ${module.effective.toFixed(2)}, rank ${rank} keeps ${percent(cut[0])}, error ${figures(cut[1])} of a norm of ${figures(module.norm)}`;
  }

  drawLine() {
    const { kept = 1, error = 0, parameters = 0, share = 1 } = this.get("at_rank");
    const part = (value, ...words) => make("span", {}, make("b", { text: value }), ` ${words.join(" ")}`);
    this.line.replaceChildren(
      part(percent(kept), "of the energy kept"), part(percent(error), "of the norm left out"),
      part(many(parameters), `trainable parameters (${percent(share)} of now)`));
  }

  drawLegend() {
    const sample = (text, step) => make("span", { class: "wb-sample wb-cell wb-painted", style: `--step: ${step}` , "aria-hidden": "true", title: text });
    const shares = this.get("colour") === "kept";
    const parts = shares ? [0, 0.25, 0.5, 0.75, 1].map((share) => [`${share * 100} %`, 8 * share])
      : [1, 2, 4, 8, 16, 32, 64, 128, 256].filter((rank) => rank === 1 || rank < 2 * this.get("highest")).map((rank) => [`${rank}`, Math.log2(rank)]);
    this.legend.replaceChildren(...parts.flatMap(([text, step]) => [sample(text, step), make("span", { text })]));
  }

  // ---- the module that is picked

  chosen() {
    const at = this.get("modules").findIndex((module) => module && module.name === this.get("picked"));
    return at >= 0 ? at : this.get("modules").findIndex(Boolean);
  }

  pick(node) {
    if (!node || node.getAttribute("aria-disabled")) return;
    this.keep({ picked: this.get("modules")[Number(node.dataset.i)].name });
    node.focus({ preventScroll: true });
  }

  key(event) {
    const node = event.target.closest("[data-i]");
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!node || !(by || event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!by) { this.pick(node); return; }
    const y = this.lines.findIndex((line) => line.includes(node));
    const line = this.lines[Math.max(0, Math.min(this.lines.length - 1, y + by[0]))];
    const x = this.lines[y].indexOf(node) + by[1];
    const next = line[Math.max(0, Math.min(line.length - 1, x))];
    if (next) { this.enter(next); next.focus(); }
  }

  // One cell is in the tab order: the one that had the focus last.
  enter(node) {
    if (this.current) this.current.tabIndex = -1;
    this.current = node;
    node.tabIndex = 0;
  }

  drawPicked() {
    const i = this.chosen();
    const module = this.get("modules")[i];
    for (const node of this.nodes) node?.classList.toggle("wb-lens-picked", node === this.nodes[i]);
    if (!module) { this.one.replaceChildren(); return; }
    if (this.nodes[i] && (!this.current || !this.grid.contains(this.current))) this.enter(this.nodes[i]);
    const rank = Math.min(this.get("rank"), module.rank);
    const top = module.values[0] || 1;
    const wide = Math.min(22, 300 / module.values.length);
    const bars = module.values.map((value, n) => draw("rect", {
      x: n * wide, y: 100 - (100 * value) / top, width: Math.max(0.5, wide - 1), height: (100 * value) / top, class: n < rank ? "wb-lens-in" : "wb-lens-out",
    }));
    const picture = draw("svg", { viewBox: `0 0 ${Math.max(40, wide * module.values.length)} 102`, width: Math.max(40, wide * module.values.length), height: 102, role: "img", "aria-label": `Singular values: ${module.values.map((v) => figures(v)).join(", ")}` }, ...bars,
      draw("line", { class: "wb-axis", x1: 0, x2: wide * module.values.length, y1: 100.5, y2: 100.5 }));
    this.one.replaceChildren(
      make("figcaption", {}, make("b", { text: module.name }), make("span", { text: `${many(module.inputs)} → ${many(module.outputs)}` })),
      picture, make("p", { text: `Singular values, the largest ${figures(module.values[0])}; ${this.words(module, i)}.` }));
  }

  // ---- the suggestion

  drawSuggestion() {
    const { told = "", yaml = "", problem = "" } = this.get("suggestion");
    if (document.activeElement !== this.budget) this.budget.value = this.get("budget");
    put(this.told, problem || told);
    this.told.classList.toggle("wb-problem", Boolean(problem));
    put(this.code, yaml);
  }

  // ---- score against rank

  drawCurve() {
    const evals = this.get("curve").evals || [];
    this.curve.hidden = !evals.length;
    this.curve.replaceChildren(...evals.map((one) => this.scores(one)));
  }

  scores({ eval: name, unit, points, caption }) {
    const [width, height, left, foot] = [460, 190, 46, 34];
    const known = points.filter((point) => point.value !== null);
    const ends = known.flatMap((point) => [point.low ?? point.value, point.high ?? point.value]);
    const [least, most] = [Math.min(...ends), Math.max(...ends)];
    const span = most - least || 1;
    const y = (value) => 8 + (height - foot - 16) * (1 - (value - least) / span);
    const x = (n) => left + 24 + (n * (width - left - 48)) / Math.max(1, known.length - 1);
    const marks = known.flatMap((point, n) => [
      draw("line", { class: "wb-lens-bar", x1: x(n), x2: x(n), y1: y(point.low ?? point.value), y2: y(point.high ?? point.value) }),
      draw("circle", { class: point.rank === null ? "wb-lens-whole" : "wb-lens-cut", cx: x(n), cy: y(point.value), r: 4 }),
      draw("text", { class: "wb-tick", x: x(n), y: height - foot + 16, "text-anchor": "middle" }, point.label),
    ]);
    const ticks = [least, (least + most) / 2, most].flatMap((value) => [
      draw("line", { class: "wb-grid", x1: left, x2: width, y1: y(value), y2: y(value) }),
      draw("text", { class: "wb-tick", x: left - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)),
    ]);
    ticks.push(draw("text", { class: "wb-tick", x: (left + width) / 2, y: height - 2, "text-anchor": "middle" }, "cut to rank"));
    const rows = points.map((point) => make("tr", {}, make("th", { scope: "row", text: point.name }), make("td", { class: "wb-number", text: point.text }), make("td", { class: "wb-number", text: point.over }), make("td", { class: "wb-number", text: point.n })));
    return make("figure", {}, make("figcaption", { text: `${name}${unit ? `, ${unit}` : ""}` }),
      make("div", { class: "wb-lens-figure" },
        draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${name} against rank; the table has the figures` }, ...ticks, ...marks),
        make("div", { class: "wb-scroll" }, make("table", { class: "wb-table" }, make("thead", {}, make("tr", {}, ...["adapter", name, "minus untruncated", "n"].map((text, n) => make("th", { scope: "col", class: n ? "wb-number" : null, text })))), make("tbody", {}, ...rows)))),
      make("p", { class: "wb-said", text: caption }));
  }
}

export default {
  render({ model, el }) {
    const lens = new Lens(model, el);
    return () => lens.close();
  },
};
