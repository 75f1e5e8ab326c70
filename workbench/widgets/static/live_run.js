// The live view of a sweep: header with buttons, loss curves drawn as SVG, one row a trial. It draws what the traits
// `picture` and `curves` say and sends {command, trial} back; it keeps nothing that a reload would lose but the choice
// of scale and of the highlighted trial. Text from files enters the page by textContent only.

const DASHES = ["", "6 3", "2 3", "8 3 2 3"];
const COLOURS = 8;
const WORDS = {
  queued: "waiting", running: "running", paused: "paused", stopping: "stopping", done: "done",
  failed: "failed", stopped: "stopped", lost: "lost", trained: "trained",
};
const LIVE = ["queued", "running", "paused", "stopping"];

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 1) return "under 1 s left";
  if (seconds < 90) return `about ${Math.round(seconds)} s left`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${(seconds / 3600).toFixed(1)} h left`;
}

function score(entry, unit) {
  if (!entry || entry.value === null) return entry ? "no value" : "";
  const share = unit === "share";
  const word = (value, digits) => (share ? String(Math.round(value * 100)) : figures(value, digits));
  const range = entry.low === null || entry.high === null ? "" : ` (${word(entry.low, 2)}–${word(entry.high, 2)})`;
  return `${word(entry.value, 3)}${share ? " %" : ""}${range}`;
}

function niceTicks(low, high, count) {
  const raw = (high - low) / Math.max(1, count) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw) || raw;
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) ticks.push(i * step);
  return ticks;
}

function logTicks(low, high) {
  const ticks = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1) {
    for (const m of high - low > 3 ? [1] : [1, 2, 5]) {
      const at = power + Math.log10(m);
      if (at >= low - 1e-9 && at <= high + 1e-9) ticks.push(at);
    }
  }
  return ticks;
}

// Where the labels at the ends of the curves go so that none covers another.
function spread(wanted, gap, low, high) {
  const order = wanted.map((y, i) => [y, i]).sort((a, b) => a[0] - b[0]);
  const placed = new Array(wanted.length);
  let last = low - gap;
  for (const [y, i] of order) { last = Math.max(y, last + gap); placed[i] = last; }
  let over = high;
  for (const [, i] of order.reverse()) { placed[i] = Math.min(placed[i], over); over = placed[i] - gap; }
  return placed;
}

class Chart {
  constructor(ui) {
    this.ui = ui;
    this.node = make("div", { class: "wb-chart" });
    this.tip = make("div", { class: "wb-tip", "aria-hidden": "true", hidden: true });
  }

  scale(curves, names) {
    const { log } = this.ui;
    const to = log ? Math.log10 : (v) => v;
    let [x1, low, high] = [1, Infinity, -Infinity];
    for (const name of names) {
      for (const [step, mean] of curves[name]) {
        x1 = Math.max(x1, step);
        if (mean === null || (log && mean <= 0)) continue;
        low = Math.min(low, to(mean)); high = Math.max(high, to(mean));
      }
    }
    for (const trial of this.ui.trials()) x1 = Math.max(x1, trial.total_steps || 0);
    if (!Number.isFinite(low)) [low, high] = [0, 1];
    if (!log) low = Math.min(low, low > 0 && low < high / 2 ? 0 : low);
    if (high - low < 1e-9) { high += 0.5; low -= log ? 0.5 : 0; }
    const pad = (high - low) * 0.04;
    return { to, x1, low: low === 0 ? 0 : low - pad, high: high + pad };
  }

  render() {
    const curves = this.ui.model.get("curves") || {};
    const names = Object.keys(curves);
    const width = Math.max(320, this.node.clientWidth || 640);
    const height = 224;
    const settings = [...new Set(names.map((name) => this.ui.setting(name)))];
    const label = names.length && settings.length <= 12 ? 12 + 6.4 * Math.max(...settings.map((n) => Math.min(18, n.length))) : 12;
    const box = { left: 46, right: width - label, top: 10, bottom: height - 22 };
    const scale = this.scale(curves, names);
    const x = (step) => box.left + (step / scale.x1) * (box.right - box.left);
    const y = (loss) => {
      const at = (scale.to(loss) - scale.low) / (scale.high - scale.low);
      return box.bottom - Math.max(0, Math.min(1, at)) * (box.bottom - box.top);
    };
    const svg = draw("svg", {
      width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": this.words(curves, names),
    });
    if (names.length) {
      this.axes(svg, box, scale, x);
    } else {
      const middle = { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2, class: "wb-empty", "text-anchor": "middle" };
      svg.append(draw("text", { ...middle, text: this.ui.live() ? "The first steps will appear here." : "No steps were recorded." }));
    }
    const ends = [];
    for (const name of names) this.curve(svg, name, curves[name], x, y, ends);
    if (settings.length <= 12) this.labels(svg, this.together(ends), box);
    const cross = draw("line", { class: "wb-cross", y1: box.top, y2: box.bottom, visibility: "hidden" });
    svg.append(cross);
    svg.addEventListener("pointermove", (event) => this.hover(event, curves, names, scale, box, x, cross));
    svg.addEventListener("pointerleave", () => { cross.setAttribute("visibility", "hidden"); this.tip.hidden = true; });
    this.node.replaceChildren(svg, this.tip);
  }

  axes(svg, box, scale, x) {
    const ticks = this.ui.log ? logTicks(scale.low, scale.high) : niceTicks(scale.low, scale.high, 5);
    for (const tick of ticks) {
      const at = box.bottom - ((tick - scale.low) / (scale.high - scale.low)) * (box.bottom - box.top);
      svg.append(
        draw("line", { class: "wb-grid", x1: box.left, x2: box.right, y1: at, y2: at }),
        draw("text", { class: "wb-tick", x: box.left - 6, y: at + 4, "text-anchor": "end", text: figures(this.ui.log ? 10 ** tick : tick) }),
      );
    }
    for (const tick of niceTicks(0, scale.x1, Math.min(8, (box.right - box.left) / 80))) {
      if (tick === 0) continue;
      svg.append(draw("text", { class: "wb-tick", x: x(tick), y: box.bottom + 15, "text-anchor": "middle", text: figures(tick) }));
    }
    svg.append(
      draw("line", { class: "wb-axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
      draw("text", { class: "wb-tick", x: box.left - 6, y: box.bottom + 15, "text-anchor": "end", text: "step" }),
    );
  }

  curve(svg, name, points, x, y, ends) {
    const style = this.ui.style(name);
    const shown = points.filter(([, mean]) => mean !== null && !(this.ui.log && mean <= 0));
    if (!shown.length) return;
    const strong = this.ui.chosen === name;
    const faded = this.ui.chosen && !strong;
    if (strong && shown.length > 1) {
      const over = shown.map(([step, , , high]) => `${x(step)},${y(high)}`);
      const under = shown.map(([step, , low]) => `${x(step)},${y(this.ui.log && low <= 0 ? 1e-12 : low)}`).reverse();
      svg.append(draw("polygon", { class: `wb-band wb-c${style.colour}`, points: [...over, ...under].join(" ") }));
    }
    svg.append(draw("polyline", {
      class: `wb-line wb-c${style.colour}${style.seeds > 1 && !strong ? " wb-thin" : ""}${faded ? " wb-faded" : ""}`, "stroke-dasharray": style.dash || null,
      points: shown.map(([step, mean]) => `${x(step).toFixed(1)},${y(mean).toFixed(1)}`).join(" "), "data-trial": name,
    }));
    const [step, mean] = shown[shown.length - 1];
    svg.append(draw("circle", { class: `wb-dot wb-c${style.colour}${faded ? " wb-faded" : ""}`, cx: x(step), cy: y(mean), r: 2.5 }));
    ends.push({ name: this.ui.setting(name), x: x(step), y: y(mean), style, faded });
  }

  // The seeds of one setting share a label, in the middle of where they end.
  together(ends) {
    const found = new Map();
    for (const end of ends) found.set(end.name, [...(found.get(end.name) || []), end]);
    return [...found.values()].map((seeds) => ({
      ...seeds[0], x: Math.max(...seeds.map((end) => end.x)), y: seeds.reduce((sum, end) => sum + end.y, 0) / seeds.length,
      faded: seeds.every((end) => end.faded),
    }));
  }

  labels(svg, ends, box) {
    const places = spread(ends.map((end) => end.y), 13, box.top + 4, box.bottom - 8);
    ends.forEach((end, i) => {
      const shown = end.name.length > 18 ? `${end.name.slice(0, 17)}…` : end.name;
      svg.append(draw("text", {
        class: `wb-label wb-c${end.style.colour}${end.faded ? " wb-faded" : ""}`, x: Math.min(end.x, box.right) + 7, y: places[i] + 4, text: shown,
      }));
    });
  }

  hover(event, curves, names, scale, box, x, cross) {
    const frame = this.node.getBoundingClientRect();
    const at = event.clientX - frame.left;
    const step = Math.round(((at - box.left) / (box.right - box.left)) * scale.x1);
    if (step < 0 || step > scale.x1 || !names.length) return;
    cross.setAttribute("visibility", "visible");
    cross.setAttribute("x1", x(step)); cross.setAttribute("x2", x(step));
    const known = names.map((name) => [name, curves[name].find(([s]) => s >= step)]).filter(([, point]) => point && point[1] !== null);
    // The seeds of one setting are told as their mean.
    const found = [...new Set(known.map(([name]) => this.ui.setting(name)))].map((setting) => {
      const seeds = known.filter(([name]) => this.ui.setting(name) === setting);
      return [seeds[0][0], setting, seeds.reduce((sum, [, point]) => sum + point[1], 0) / seeds.length];
    }).sort((a, b) => b[2] - a[2]);
    this.tip.replaceChildren(
      make("div", { class: "wb-tip-head", text: `step ${step}` }),
      ...found.map(([name, setting, mean]) => make("div", {}, this.ui.swatch(name), make("span", { text: setting }), make("b", { text: figures(mean, 4) }))),
    );
    this.tip.hidden = !found.length;
    const left = at > frame.width / 2 ? at - this.tip.offsetWidth - 12 : at + 12;
    this.tip.style.left = `${Math.max(0, left)}px`;
  }

  words(curves, names) {
    if (!names.length) return "Loss curves: no steps yet.";
    const last = names.map((name) => [name, curves[name][curves[name].length - 1]]).filter(([, p]) => p[1] !== null);
    if (!last.length) return `Loss curves of ${names.length} trials.`;
    const [best, point] = last.reduce((a, b) => (b[1][1] < a[1][1] ? b : a));
    return `Loss against step for ${names.length} trials; lowest now is ${best} with ${figures(point[1])} at step ${point[0]}.`;
  }
}

class View {
  constructor(model, el) {
    this.model = model;
    this.log = false;
    this.chosen = null;
    this.chart = new Chart(this);
    this.status = make("span", { class: "wb-state", role: "status", "aria-live": "polite" });
    this.name = make("span", { class: "wb-name" });
    this.doing = make("span", { class: "wb-doing" });
    this.bar = make("progress", { class: "wb-progress", "aria-label": "Steps trained", max: 1, value: 0 });
    this.buttons = {};
    for (const [command, word, help] of [
      ["pause", "Pause", "Hold the sweep after the current step"], ["resume", "Resume", "Go on where it was paused"],
      ["restart", "Go on", "Start a worker that goes on from the last checkpoint"],
      ["stop", "Stop", "Stop the sweep; what was trained is kept"],
    ]) {
      this.buttons[command] = make("button", { class: "wb-button", type: "button", title: help, text: word, on: { click: () => this.ask(command) } });
    }
    const box = make("input", { type: "checkbox", on: { change: (event) => { this.log = event.target.checked; this.chart.render(); } } });
    this.problem = make("div", { class: "wb-problem", role: "alert", hidden: true });
    this.table = make("table", { class: "wb-table" });
    this.notes = make("div", { class: "wb-notes" });
    this.root = make("section", { class: "wb wb-live", "aria-label": "Live sweep" },
      make("header", {}, this.status, this.name, this.doing, make("span", { class: "wb-grow" }), ...Object.values(this.buttons)),
      this.bar, this.problem,
      make("div", { class: "wb-chart-head" }, make("span", { text: "Training loss" }), make("label", {}, box, "log scale")),
      this.chart.node, make("div", { class: "wb-scroll" }, this.table), this.notes);
    el.append(this.root);
    this.resized = new ResizeObserver(() => this.chart.render());
    this.resized.observe(this.chart.node);
    this.calls = { "change:picture": () => this.draw(), "change:curves": () => this.chart.render(), "change:problem": () => this.tell(), "change:asked": () => this.draw() };
    for (const [event, call] of Object.entries(this.calls)) model.on(event, call);
    this.draw(); this.chart.render(); this.tell();
  }

  close() {
    this.resized.disconnect();
    for (const [event, call] of Object.entries(this.calls)) this.model.off(event, call);
  }

  picture() { return this.model.get("picture") || {}; }
  trials() { return this.picture().trials || []; }
  live() { return LIVE.includes(this.picture().state); }
  ask(command, trial = "") { this.model.send({ command, trial }); }

  setting(name) { return this.trials().find((t) => t.name === name)?.setting || name; }

  // One colour a setting: its seeds differ in nothing that is asked about.
  style(name) {
    const trials = this.trials().filter((t) => t.state !== "control");
    const settings = [...new Set(trials.map((t) => t.setting || t.name))];
    const at = Math.max(0, settings.indexOf(this.setting(name)));
    const seeds = trials.filter((t) => t.setting === settings[at]).length;
    return { colour: at % COLOURS, dash: DASHES[Math.floor(at / COLOURS) % DASHES.length], seeds };
  }

  swatch(name) {
    const { colour, dash } = this.style(name);
    return draw("svg", { class: "wb-swatch", width: 16, height: 8, "aria-hidden": "true" },
      draw("line", { class: `wb-line wb-c${colour}`, x1: 0, x2: 16, y1: 4, y2: 4, "stroke-dasharray": dash || null }));
  }

  tell() {
    const text = this.model.get("problem");
    this.problem.hidden = !text;
    this.problem.textContent = text;
  }

  draw() {
    const picture = this.picture();
    const state = picture.state || "queued";
    const asked = this.model.get("asked") || "";
    this.root.dataset.state = state;
    if (this.status.textContent !== (WORDS[state] || state)) this.status.textContent = WORDS[state] || state;
    this.name.textContent = picture.name || "";
    this.doing.textContent = this.describe(picture, asked);
    this.bar.max = picture.total || 1;
    this.bar.value = picture.done || 0;
    const on = { pause: state === "running", resume: state === "paused", restart: ["lost", "stopped", "failed"].includes(state), stop: ["queued", "running", "paused"].includes(state) };
    for (const [command, button] of Object.entries(this.buttons)) {
      button.hidden = !on[command];
      button.disabled = Boolean(asked);
    }
    this.drawTable(picture, asked);
    this.drawNotes(picture);
  }

  describe(picture, asked) {
    if (asked) return `asked to ${asked} …`;
    const parts = [];
    if (picture.total) parts.push(`step ${picture.done.toLocaleString("en")} of ${picture.total.toLocaleString("en")}`);
    const trials = this.trials().filter((t) => t.state !== "control");
    if (picture.tally) parts.push(picture.tally);
    const left = trials.map((t) => t.seconds_left).filter((s) => s !== null && s !== undefined);
    // "training r1, r2" is what the rows say already; how long it takes they do not.
    if (left.length) parts.push(`training: ${duration(Math.max(...left))}`);
    else if (picture.doing) parts.push(picture.doing);
    return parts.join(" · ");
  }

  // Rows stay in place while a sweep runs: a button replaced between press and release would lose the click.
  drawTable(picture, request) {
    const evals = picture.evals || [];
    const asked = evals.map(({ name }) => [...new Set(this.trials().map((t) => t.scores[name]?.n).filter((n) => n))]);
    const shape = JSON.stringify([evals, asked, this.trials().map((t) => t.name)]);
    if (shape !== this.shape) {
      this.shape = shape;
      const heads = ["Trial", "State", "Step", "Loss", ...evals.map((e, i) => (asked[i].length === 1 ? `${e.name}, n = ${asked[i][0]}` : e.name)), ""];
      const head = make("tr", {}, ...heads.map((word, i) => make("th", {
        scope: "col", text: word || null, class: i >= 2 && word ? "wb-number" : null,
        title: i >= 4 && word ? `${evals[i - 4].title} (${evals[i - 4].unit}), with its 95 % interval` : null, "aria-label": word ? null : "Stop a trial",
      })));
      this.rows = new Map(this.trials().map((trial) => [trial.name, this.row(trial, evals)]));
      this.table.replaceChildren(make("caption", { class: "wb-hidden", text: "Trials of this sweep" }),
        make("thead", {}, head), make("tbody", {}, ...[...this.rows.values()].map((row) => row.node)));
    }
    for (const trial of this.trials()) this.refill(this.rows.get(trial.name), trial, evals, request);
  }

  row(trial, evals) {
    const control = trial.state === "control";
    const stop = make("button", {
      class: "wb-button wb-small", type: "button", text: "Stop", "aria-label": `Stop ${trial.name}`,
      title: `Stop ${trial.name}; the others go on`, on: { click: () => this.ask("stop", trial.name) },
    });
    const state = make("td", {});
    const cells = ["step", "loss", ...evals].map(() => make("td", { class: "wb-number" }));
    const node = make("tr", { "data-trial-row": trial.name },
      make("th", { scope: "row" }, ...(control ? [] : [this.swatch(trial.name)]), make("span", { text: trial.name })),
      state, ...cells, make("td", { class: "wb-end" }, stop));
    if (!control) {
      node.addEventListener("pointerenter", () => this.choose(trial.name));
      node.addEventListener("pointerleave", () => this.choose(null));
    }
    return { node, state, cells, stop };
  }

  refill(row, trial, evals, asked) {
    const control = trial.state === "control";
    const loss = trial.loss === null ? (trial.step ? "not a number" : "") : figures(trial.loss, 4);
    const step = trial.total_steps ? `${trial.step.toLocaleString("en")} / ${trial.total_steps.toLocaleString("en")}` : "";
    const texts = [step, control ? "" : loss, ...evals.map((e) => score(trial.scores[e.name], e.unit))];
    texts.forEach((text, i) => { if (row.cells[i].textContent !== text) row.cells[i].textContent = text; });
    evals.forEach(({ name }, i) => { row.cells[i + 2].title = trial.scores[name] ? `n = ${trial.scores[name].n}` : ""; });
    row.node.dataset.state = trial.state;
    row.state.className = `wb-trial-state wb-is-${trial.state.replaceAll(" ", "-")}`;
    row.state.title = trial.message || "";
    const word = WORDS[trial.state] || trial.state;
    if (row.state.textContent !== word) row.state.textContent = word;
    row.stop.hidden = !(this.live() && ["running", "paused", "queued"].includes(trial.state) && this.picture().state !== "stopping");
    row.stop.disabled = Boolean(asked);
  }

  choose(name) {
    if (this.chosen === name) return;
    this.chosen = name;
    for (const row of this.table.querySelectorAll("[data-trial-row]")) row.classList.toggle("wb-chosen", row.dataset.trialRow === name);
    this.chart.render();
  }

  drawNotes(picture) {
    const shape = JSON.stringify([picture.message, this.trials().map((t) => t.message), picture.warnings, picture.log]);
    if (shape === this.noted) return;
    this.noted = shape;
    const said = [];
    if (picture.message) said.push(make("p", { class: "wb-said", text: picture.message }));
    for (const trial of this.trials()) if (trial.message) said.push(make("p", { class: "wb-said wb-bad", text: `${trial.name}: ${trial.message}` }));
    for (const warning of picture.warnings || []) said.push(make("p", { class: "wb-said", text: warning }));
    if ((picture.log || []).length) {
      said.push(make("details", { open: picture.state === "failed" || picture.state === "lost" },
        make("summary", { text: "Last lines of the log" }), make("pre", { text: picture.log.join("\n") })));
    }
    this.notes.replaceChildren(...said);
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
