// The chart of a live sweep: one curve a trial, or one score a trial, drawn as SVG. It draws what its view gives it (`points`,
// `quantity`, the switches) and tells the view what a hand or a key points at. It keeps the step under the cursor, nothing else.

const HEIGHT = 240;
const NEAR = 18; // pixels within which a pointer means a curve
const TOLD = 12; // values that a tip has room for

class Curves {
  constructor(ui) {
    this.ui = ui;
    this.tip = make("div", { class: "wb-tip", "aria-hidden": "true", hidden: true });
    this.plot = make("div", { class: "wb-plot" });
    this.node = make("div", { class: "wb-chart", tabindex: 0, role: "slider", "aria-orientation": "horizontal", "aria-valuemin": 0 }, this.plot, this.tip);
    this.at = null;
    this.groups = new Map();
    this.node.addEventListener("pointermove", (event) => this.moved(event));
    this.node.addEventListener("pointerleave", () => { if (!this.byKey) this.leave(); this.ui.hover(null); });
    this.node.addEventListener("click", (event) => { this.moved(event); if (this.near) this.ui.pin(this.near); });
    this.node.addEventListener("keydown", (event) => this.key(event));
    this.node.addEventListener("blur", () => { this.leave(); this.ui.hover(null); });
  }

  render() {
    const { quantity, points, logX, logY, weight } = this.ui.drawn();
    const width = Math.max(320, this.plot.clientWidth || 640);
    const names = this.ui.trials().map((t) => t.name).filter((name) => points[name]);
    const isScore = quantity.startsWith("score:");
    Object.assign(this, { quantity, logX: logX && !isScore, logY, isScore });
    this.lines = isScore ? this.scores(quantity.slice(6)) : names.map((name) => ({ name, raw: points[name], points: smoothed(points[name], weight) }));
    const settings = new Set(this.lines.map(({ name }) => this.ui.setting(name)));
    const label = !isScore && settings.size && settings.size <= 12 ? 14 + 6.6 * Math.max(...[...settings].map((n) => Math.min(18, n.length))) : 14;
    this.box = { left: quantity === "memory" ? 58 : 48, right: width - label, top: 10, bottom: HEIGHT - 22 };
    this.scale();
    const svg = draw("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "presentation" });
    if (this.lines.some(({ points: own }) => own.length)) this.axes(svg);
    else {
      const middle = { x: (this.box.left + this.box.right) / 2, y: (this.box.top + this.box.bottom) / 2, class: "wb-empty", "text-anchor": "middle" };
      svg.append(draw("text", { ...middle, text: this.ui.nothing() }));
    }
    this.groups.clear();
    const ends = this.lines.map((line) => (isScore ? this.whisker(svg, line) : this.curve(svg, line, weight))).filter(Boolean);
    if (!isScore && settings.size <= 12) this.labels(svg, this.together(ends));
    this.cross = draw("line", { class: "wb-cross", y1: this.box.top, y2: this.box.bottom, visibility: "hidden" });
    svg.append(this.cross);
    this.plot.replaceChildren(svg);
    this.emphasise();
    this.describe();
    if (this.at !== null) this.show(this.at, this.pointerY);
  }

  // What a score's chart shows: one place a trial, the base as a line across.
  scores(name) {
    return this.ui.trials().filter((t) => t.state !== "control" && t.scores[name] && t.scores[name].value !== null).map((t, i) => {
      const { value, low, high } = t.scores[name];
      return { name: t.name, n: t.scores[name].n, raw: [], points: [[i + 1, value, low ?? value, high ?? value]] };
    });
  }

  scale() {
    const to = this.logY ? Math.log10 : (v) => v;
    const fits = (v) => v !== null && (!this.logY || v > 0);
    let [x1, low, high] = [1, Infinity, -Infinity];
    const bounds = this.isScore ? [1, 2, 3] : [1];
    for (const { points } of this.lines) {
      for (const point of points) {
        x1 = Math.max(x1, point[0]);
        for (const i of bounds) if (fits(point[i])) { low = Math.min(low, to(point[i])); high = Math.max(high, to(point[i])); }
      }
    }
    const base = this.isScore ? this.ui.base()?.scores[this.quantity.slice(6)] : null;
    this.baseValue = base && fits(base.value) ? base.value : null;
    if (this.baseValue !== null) { low = Math.min(low, to(base.value)); high = Math.max(high, to(base.value)); }
    // The axis grows by doubling, so that the first steps of a long training can be seen, until it holds all of them.
    if (!this.isScore) x1 = Math.max(x1, Math.min(2 ** Math.ceil(Math.log2(Math.max(16, x1))), Math.max(0, ...this.ui.trials().map((t) => t.total_steps || 0))));
    if (!Number.isFinite(low)) [low, high] = [0, 1];
    if (!this.logY && low > 0 && (FROM_ZERO.includes(this.quantity) || low < high / 2)) low = 0;
    if (high - low < 1e-12 * Math.max(1, Math.abs(high))) { high += this.logY ? 0.5 : Math.abs(high) / 2 || 0.5; low -= low === 0 ? 0 : this.logY ? 0.5 : Math.abs(low) / 2; }
    const pad = (high - low) * 0.04;
    this.low = low === 0 && !this.logY ? 0 : low - pad;
    this.high = high + pad;
    this.x1 = x1;
    const { left, right, top, bottom } = this.box;
    const along = this.isScore ? (s) => (s - 0.5) / x1 : this.logX ? (s) => Math.log2(Math.max(1, s)) / (Math.log2(x1) || 1) : (s) => s / x1;
    this.x = (step) => left + along(step) * (right - left);
    this.y = (value) => bottom - Math.max(0, Math.min(1, (to(value) - this.low) / (this.high - this.low))) * (bottom - top);
    this.fits = fits;
  }

  word(value) { return this.quantity === "memory" ? bytes(value) : figures(value, 4); }

  axes(svg) {
    const { left, right, bottom } = this.box;
    for (const tick of this.logY ? logTicks(this.low, this.high) : niceTicks(this.low, this.high, 5)) {
      const value = this.logY ? 10 ** tick : tick;
      const at = this.y(value);
      const word = this.quantity === "memory" ? bytes(value) : short(value);
      svg.append(draw("line", { class: "wb-grid", x1: left, x2: right, y1: at, y2: at }), draw("text", { class: "wb-tick", x: left - 6, y: at + 4, "text-anchor": "end", text: word }));
    }
    const most = (right - left) / 80;
    if (this.isScore) this.under(svg);
    else {
      for (const tick of this.logX ? doublings(this.x1, most * 1.5) : niceTicks(0, this.x1, Math.min(8, most))) {
        if (tick > 0 && Number.isInteger(tick)) svg.append(draw("text", { class: "wb-tick", x: this.x(tick), y: bottom + 15, "text-anchor": "middle", text: many(tick) }));
      }
      if (!this.logX) svg.append(draw("text", { class: "wb-tick", x: left - 6, y: bottom + 15, "text-anchor": "end", text: "step" }));
    }
    svg.append(draw("line", { class: "wb-axis", x1: left, x2: right, y1: bottom, y2: bottom }));
    if (this.baseValue !== null) {
      const at = this.y(this.baseValue);
      svg.append(draw("line", { class: "wb-axis wb-base", x1: left, x2: right, y1: at, y2: at }), draw("text", { class: "wb-tick", x: right, y: at - 5, "text-anchor": "end", text: `base ${figures(this.baseValue)}` }));
    }
  }

  // Names below the places of a score's chart, as far as there is room.
  under(svg) {
    const room = (this.box.right - this.box.left) / Math.max(1, this.lines.length);
    const letters = Math.floor(room / 6.4) - 1;
    if (letters < 3) return;
    this.lines.forEach(({ name }, i) => {
      const text = name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
      svg.append(draw("text", { class: "wb-tick", x: this.x(i + 1), y: this.box.bottom + 15, "text-anchor": "middle", text }));
    });
  }

  curve(svg, { name, raw, points }, weight) {
    const style = this.ui.style(name);
    const line = (some) => some.filter(([, mean]) => this.fits(mean)).map(([step, mean]) => `${this.x(step).toFixed(1)},${this.y(mean).toFixed(1)}`).join(" ");
    const shown = points.filter(([, mean]) => this.fits(mean));
    if (!shown.length) return null;
    const group = draw("g", { class: `wb-curve wb-c${style.colour}${style.seeds > 1 ? " wb-seed" : ""}` });
    if (weight) group.append(draw("polyline", { class: "wb-line wb-raw", points: line(raw) }));
    group.append(draw("polyline", { class: "wb-line", "stroke-dasharray": style.dash || null, points: line(points) }));
    const [step, mean] = shown[shown.length - 1];
    const end = { name: this.ui.setting(name), trial: name, x: this.x(step), y: this.y(mean), style };
    group.append(draw("circle", { class: "wb-dot", cx: end.x, cy: end.y, r: 2.5 }));
    svg.append(group);
    this.groups.set(name, group);
    group.band = () => {
      const bounded = raw.filter(([, m, low, high]) => this.fits(m) && this.fits(high) && low !== null);
      const floor = this.logY ? 10 ** this.low : this.low;
      const over = bounded.map(([s, , , high]) => `${this.x(s)},${this.y(high)}`);
      const below = bounded.map(([s, , low]) => `${this.x(s)},${this.y(this.fits(low) ? low : floor)}`).reverse();
      return draw("polygon", { class: "wb-band", points: [...over, ...below].join(" ") });
    };
    return end;
  }

  whisker(svg, { name, points: [[place, value, low, high]] }) {
    if (!this.fits(value)) return null;
    const style = this.ui.style(name);
    const [x, y] = [this.x(place), this.y(value)];
    const group = draw("g", { class: `wb-curve wb-c${style.colour}` },
      draw("line", { class: "wb-line", x1: x, x2: x, y1: this.y(this.fits(low) ? low : value), y2: this.y(high) }), draw("circle", { class: "wb-dot", cx: x, cy: y, r: 4 }));
    svg.append(group);
    this.groups.set(name, group);
    return null;
  }

  // The seeds of one setting share a label, in the middle of where they end.
  together(ends) {
    const found = new Map();
    for (const end of ends) found.set(end.name, [...(found.get(end.name) || []), end]);
    return [...found.values()].map((seeds) => ({
      ...seeds[0], trials: seeds.map((end) => end.trial), x: Math.max(...seeds.map((end) => end.x)), y: seeds.reduce((sum, end) => sum + end.y, 0) / seeds.length,
    }));
  }

  labels(svg, ends) {
    const { top, bottom, right } = this.box;
    const places = spread(ends.map((end) => end.y), 13, top + 4, bottom - 8);
    this.names = ends.map((end, i) => {
      const shown = end.name.length > 18 ? `${end.name.slice(0, 17)}…` : end.name;
      const node = draw("text", { class: `wb-label wb-c${end.style.colour}`, x: Math.min(end.x, right) + 7, y: places[i] + 4, text: shown });
      svg.append(node);
      return [node, end.trials];
    });
  }

  // Who stands in front is a matter of classes; nothing is drawn anew for it.
  emphasise() {
    const front = this.ui.inFront();
    for (const [name, group] of this.groups) {
      const strong = front.has(name);
      group.classList.toggle("wb-strong", strong);
      group.classList.toggle("wb-faded", front.size > 0 && !strong);
      if (strong && group.band && !group.querySelector(".wb-band")) group.prepend(group.band());
      if (strong) group.parentNode.insertBefore(group, this.cross);
    }
    for (const [node, trials] of this.isScore ? [] : this.names || []) node.classList.toggle("wb-faded", front.size > 0 && !trials.some((t) => front.has(t)));
  }

  moved(event) {
    const frame = this.plot.getBoundingClientRect();
    const share = (event.clientX - frame.left - this.box.left) / (this.box.right - this.box.left);
    if (share < 0 || share > 1 || !this.lines.length) { this.leave(); return; }
    const step = this.isScore ? Math.min(this.x1, Math.floor(share * this.x1) + 1) : this.logX ? 2 ** (share * Math.log2(this.x1)) : share * this.x1;
    this.byKey = false;
    this.show(Math.max(1, Math.round(step)), event.clientY - frame.top);
    this.ui.hover(this.near);
  }

  // What every curve is at a step; the nearest one to the pointer is what it means.
  show(step, pointerY = null) {
    this.at = step;
    this.pointerY = pointerY;
    const known = this.lines.map((line) => ({ ...line, point: this.isScore ? line.points[0] : pointAt(line.points, step) }))
      .filter(({ point }) => point && point[1] !== null && (!this.isScore || point[0] === step));
    this.near = this.isScore && known.length ? known[0].name : null;
    if (pointerY !== null && !this.isScore) {
      let nearest = NEAR;
      for (const { name, point } of known) {
        const away = Math.abs(this.y(point[1]) - pointerY);
        if (this.fits(point[1]) && away < nearest) { nearest = away; this.near = name; }
      }
    }
    const x = this.x(step);
    this.cross.setAttribute("visibility", "visible");
    this.cross.setAttribute("x1", x); this.cross.setAttribute("x2", x);
    const told = this.told(known, pointerY);
    this.fillTip(step, told, x);
    this.node.setAttribute("aria-valuenow", step);
    this.node.setAttribute("aria-valuetext", `${this.isScore ? "" : `step ${many(step)}: `}${told.map(([, words, value]) => `${words} ${value}`).join(", ")}`);
  }

  // The seeds of one setting are told as their mean; of many settings the ones beside the pointer.
  told(known, pointerY) {
    if (this.isScore) return known.map(({ name, n, point }) => [name, name, `${figures(point[1])} (${figures(point[2], 2)} to ${figures(point[3], 2)}), n ${n}`]);
    const settings = new Map();
    for (const one of known) { const word = this.ui.setting(one.name); settings.set(word, [...(settings.get(word) || []), one]); }
    const found = [...settings].map(([word, seeds]) => {
      const mean = seeds.reduce((sum, { point }) => sum + point[1], 0) / seeds.length;
      return { name: seeds[0].name, words: seeds.length > 1 ? `${word}, mean of ${seeds.length}` : word, mean };
    }).sort((a, b) => b.mean - a.mean);
    if (found.length <= TOLD) return found.map(({ name, words, mean }) => [name, words, this.word(mean)]);
    const middle = pointerY === null ? 0 : found.reduce((best, one, i) => (Math.abs(this.y(one.mean) - pointerY) < Math.abs(this.y(found[best].mean) - pointerY) ? i : best), 0);
    const first = Math.max(0, Math.min(middle - TOLD / 2, found.length - TOLD));
    this.left = found.length - TOLD;
    return found.slice(first, first + TOLD).map(({ name, words, mean }) => [name, words, this.word(mean)]);
  }

  fillTip(step, told, x) {
    const more = !this.isScore && this.left > 0 ? `, ${this.left} more above and below` : "";
    this.left = 0;
    this.tip.replaceChildren(
      ...(this.isScore ? [] : [make("div", { class: "wb-tip-head", text: `step ${many(step)}${this.ui.drawn().weight ? ", smoothed" : ""}${more}` })]),
      ...told.map(([name, words, value]) => make("div", { class: name === this.near ? "wb-tip-near" : null }, this.ui.swatch(name), make("span", { text: words }), make("b", { text: value }))));
    this.tip.hidden = !told.length;
    const left = x > this.plot.clientWidth / 2 ? x - this.tip.offsetWidth - 12 : x + 12;
    this.tip.style.left = `${Math.max(0, left)}px`;
  }

  leave() {
    this.at = null;
    this.near = null;
    this.byKey = false;
    if (this.cross) this.cross.setAttribute("visibility", "hidden");
    this.tip.hidden = true;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.lines.length) return;
    const longest = this.lines.reduce((a, b) => (b.points.length > a.points.length ? b : a)).points;
    const steps = this.isScore ? this.lines.map((_, i) => i + 1) : longest.map(([step]) => step);
    if (!steps.length) return;
    const now = this.at === null ? steps.length - 1 : Math.max(0, steps.findIndex((step) => step >= this.at));
    const jump = event.shiftKey ? 10 : 1;
    const to = { ArrowLeft: now - jump, ArrowRight: this.at === null ? now : now + jump, Home: 0, End: steps.length - 1 }[event.key];
    const front = [...this.groups.keys()];
    const turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (to !== undefined) { this.byKey = true; this.show(steps[Math.max(0, Math.min(steps.length - 1, to))]); if (this.isScore) this.ui.hover(this.near); }
    else if (turn && front.length) this.ui.hover(front[(front.indexOf(this.ui.hovered) + turn + front.length) % front.length]);
    else if ((event.key === "Enter" || event.key === " ") && this.ui.hovered) this.ui.pin(this.ui.hovered);
    else if (event.key === "Escape") { this.leave(); this.ui.hover(null); } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  describe() {
    const title = this.ui.title(this.quantity);
    const last = this.lines.map(({ name, points }) => [name, points[points.length - 1]]).filter(([, point]) => point && point[1] !== null);
    let words = `${title}: ${this.ui.nothing()}`;
    if (last.length) {
      const [least, most] = [last.reduce((a, b) => (b[1][1] < a[1][1] ? b : a)), last.reduce((a, b) => (b[1][1] > a[1][1] ? b : a))];
      words = `${title} of ${several(last.length, "trial")}; now lowest ${least[0]} with ${this.word(least[1][1])}, highest ${most[0]} with ${this.word(most[1][1])}. Left and right move along the steps, up and down from curve to curve, Enter keeps one in front.`;
    }
    this.node.setAttribute("aria-label", words);
    this.node.setAttribute("aria-valuemax", this.x1);
    if (this.at === null) { this.node.setAttribute("aria-valuenow", 0); this.node.setAttribute("aria-valuetext", "no step is pointed at"); }
  }
}
