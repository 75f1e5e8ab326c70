// The two pictures below the leaderboard: a figure over what was varied in steps, and quality weighed against its cost. Light
// SVG of our own; a row that is pointed at is told in both, and a point that is pointed at is told in the table.

const CHART = { width: 520, height: 300, left: 48, right: 18, top: 14, bottom: 40 };

class Frame {
  constructor(title, alt, { xs, ys, x, y, logX = false, ticks = null }) {
    this.logX = logX;
    const way = (v) => (logX ? Math.log10(v) : v);
    const [low, high] = [Math.min(...xs.map(way)), Math.max(...xs.map(way))];
    const room = (high - low) * 0.09 || Math.abs(high) * 0.1 || 1;
    this.span = [low - room, high + room];
    this.reach = ys;
    this.svg = draw("svg", { viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img", "aria-label": `${title}. ${alt}` });
    this.grid(ticks, x, y);
  }

  x(value) {
    const [low, high] = this.span;
    const at = this.logX ? Math.log10(value) : value;
    return CHART.left + ((at - low) / (high - low)) * (CHART.width - CHART.left - CHART.right);
  }

  y(value) {
    const [low, high] = this.reach;
    return CHART.height - CHART.bottom - ((value - low) / (high - low || 1)) * (CHART.height - CHART.top - CHART.bottom);
  }

  grid(ticks, xName, yName) {
    const floor = CHART.height - CHART.bottom;
    for (const tick of niceTicks(Math.max(this.reach[0], this.reach[0] < 0 && this.reach[1] > 99 ? 0 : this.reach[0]), this.reach[1], 5)) {
      this.svg.append(draw("line", { class: "wb-grid", x1: CHART.left, x2: CHART.width - CHART.right, y1: this.y(tick), y2: this.y(tick) }),
        draw("text", { class: "wb-tick", x: CHART.left - 7, y: this.y(tick) + 4, "text-anchor": "end", text: short(tick) }));
    }
    for (const tick of ticks || this.ticks()) {
      this.svg.append(draw("line", { class: "wb-axis", x1: this.x(tick), x2: this.x(tick), y1: floor, y2: floor + 4 }),
        draw("text", { class: "wb-tick", x: this.x(tick), y: floor + 16, "text-anchor": "middle", text: short(tick) }));
    }
    this.svg.append(draw("line", { class: "wb-axis", x1: CHART.left, x2: CHART.width - CHART.right, y1: floor, y2: floor }),
      draw("text", { class: "wb-tick", x: (CHART.left + CHART.width - CHART.right) / 2, y: CHART.height - 6, "text-anchor": "middle", text: xName }),
      draw("text", { class: "wb-tick", x: CHART.left - 40, y: 9, text: yName }));
  }

  ticks() {
    if (!this.logX) return niceTicks(...this.span, 5);
    const found = logTicks(...this.span).map((at) => Number((10 ** at).toPrecision(3)));
    const every = Math.ceil(found.length / 6);
    return found.filter((_, i) => i % every === 0);
  }

  across(value, word) {
    if (value === null || value === undefined || value < this.reach[0] || value > this.reach[1]) return;
    this.svg.append(draw("line", { class: "wb-board-level", x1: CHART.left, x2: CHART.width - CHART.right, y1: this.y(value), y2: this.y(value) }),
      draw("text", { class: "wb-tick", x: CHART.width - CHART.right, y: this.y(value) - 4, "text-anchor": "end", text: word }));
  }
}

function mark(ui, frame, point, x, colour) {
  const [cx, cy] = [frame.x(x), frame.y(point.value)];
  const node = draw("g", { class: `wb-board-point wb-c${colour}`, "data-point": point.name });
  if (point.low !== null && point.high !== null) node.append(draw("line", { class: "wb-line wb-thin", x1: cx, x2: cx, y1: frame.y(point.low), y2: frame.y(point.high) }));
  if (point.x_low !== null && point.x_low !== undefined && point.x_high !== point.x_low) node.append(draw("line", { class: "wb-line wb-thin", x1: frame.x(point.x_low), x2: frame.x(point.x_high), y1: cy, y2: cy }));
  for (const seed of point.seeds) node.append(draw("circle", { class: "wb-dot wb-board-seed", cx: cx + 6, cy: frame.y(seed), r: 1.8 }));
  node.append(draw("circle", { class: "wb-dot", cx, cy, r: 4 }), draw("circle", { cx, cy, r: 12, fill: "transparent" }), draw("title", { text: `${point.name}: ${figures(point.value, 4)} at ${figures(x, 4)}` }));
  node.addEventListener("pointerenter", () => ui.hover(point.name));
  node.addEventListener("pointerleave", () => ui.hover(null));
  return node;
}

// Names beside their points, on the side the front leaves free, moved up or down until none covers another.
function names(frame, points, colours, isRising) {
  const placed = spread(points.map((p) => frame.y(p.value) - 9), 13, CHART.top + 6, CHART.height - CHART.bottom - 4);
  return points.map((point, i) => {
    const word = point.name.length > 22 ? `${point.name.slice(0, 21)}…` : point.name;
    const at = frame.x(point.x);
    const size = 12 + word.length * 6.6;
    const isRight = isRising ? at - size < CHART.left : at + size < CHART.width;
    return draw("text", { class: `wb-label wb-c${colours(point)}`, "data-point": point.name, x: at + (isRight ? 8 : -8), y: placed[i] + 4, "text-anchor": isRight ? "start" : "end", text: word });
  });
}

function rankCurve(ui, told) {
  const points = told.groups.flatMap((group) => group.points);
  const steps = [...new Set(points.map((p) => p.x))].sort((a, b) => a - b);
  const every = Math.ceil(steps.length / 9);
  const frame = new Frame(told.title, told.alt, { xs: steps, ys: told.range, x: told.x, y: told.y, logX: true, ticks: steps.filter((_, i) => i % every === 0) });
  frame.across(told.base, "base");
  if (told.chance !== null && (told.base === null || Math.abs(told.base - told.chance) > (told.range[1] - told.range[0]) * 0.06)) frame.across(told.chance, "chance");
  told.groups.forEach((group, i) => {
    const colour = i % COLOURS;
    const known = group.points.filter((p) => p.low !== null && p.high !== null);
    if (told.groups.length <= 3 && known.length > 1) {
      const upper = known.map((p) => `${frame.x(p.x)},${frame.y(p.high)}`);
      const lower = known.map((p) => `${frame.x(p.x)},${frame.y(p.low)}`).reverse();
      frame.svg.append(draw("polygon", { class: `wb-band wb-c${colour}`, points: [...upper, ...lower].join(" ") }));
    }
    frame.svg.append(draw("polyline", { class: `wb-line wb-c${colour}`, points: group.points.map((p) => `${frame.x(p.x)},${frame.y(p.value)}`).join(" ") }));
    for (const point of group.points) frame.svg.append(mark(ui, frame, point, point.x, colour));
  });
  const legend = told.groups.length < 2 ? [] : [make("div", { class: "wb-board-legend" }, ...told.groups.slice(0, 24).map((group, i) => make("span", { class: `wb-c${i % COLOURS}` }, draw("svg", { width: 16, height: 8, "aria-hidden": "true" }, draw("line", { class: "wb-line", x1: 0, x2: 16, y1: 4, y2: 4 })), group.name || "the rest")))];
  return [frame.svg, ...legend, make("p", { class: "wb-said", text: told.caption })];
}

function weighedChart(ui, told) {
  const known = (values) => values.filter((v) => v !== null && v !== undefined && Number.isFinite(v));
  const ys = known(told.points.flatMap((p) => [p.low, p.value, p.high]));
  const xs = known(told.points.flatMap((p) => [p.x_low, p.x, p.x_high])).filter((v) => !told.is_log || v > 0);
  const room = (Math.max(...ys) - Math.min(...ys)) * 0.1 || 1;
  const said = told.points.slice(0, 12).map((p) => `${p.name} ${figures(p.value)} at ${figures(p.x)}`).join(", ");
  const frame = new Frame(`${told.y} against ${told.title}`, said, { xs, ys: [Math.min(...ys) - room, Math.max(...ys) + room], x: told.title, y: told.y, logX: told.is_log });
  const row = (name) => ui.board().rows.find((r) => r.name === name);
  const front = told.front.map((name) => told.points.find((p) => p.name === name));
  if (front.length > 1) frame.svg.append(draw("polyline", { class: "wb-board-front", points: front.map((p) => `${frame.x(p.x)},${frame.y(p.value)}`).join(" ") }));
  for (const point of told.points) frame.svg.append(mark(ui, frame, point, point.x, ui.colour(row(point.name))));
  if (told.points.length <= 24) frame.svg.append(...names(frame, told.points, (point) => ui.colour(row(point.name)), front.length > 1 && front[0].x < front.at(-1).x === front[0].value < front.at(-1).value));
  const line = front.length > 1 ? " The dotted line joins those that no other beats in both." : front.length ? ` No other beats ${front[0].name} in both.` : "";
  return [frame.svg, make("p", { class: "wb-said", text: `${told.better}${line} Bars are 95 % intervals.`.trim() })];
}
