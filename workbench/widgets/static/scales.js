// Numbers on their way to a chart: ticks, smoothing, words. Plain functions; nothing here touches the page.

const DASHES = ["", "6 3", "2 3", "8 3 2 3"];
const COLOURS = 8;
const FROM_ZERO = ["memory", "tokens_per_second", "learning_rate", "grad_norm"];

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 1) return "under 1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
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

// Ticks of a logarithmic axis, given and returned as powers of ten.
function logTicks(low, high) {
  const fine = high - low > 3 ? [1] : high - low > 0.6 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
  const ticks = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1) {
    for (const m of fine) {
      const at = power + Math.log10(m);
      if (at >= low - 1e-9 && at <= high + 1e-9) ticks.push(at);
    }
  }
  return ticks.length ? ticks : [low, high];
}

// Powers of two up to a step, few enough to stand beside each other.
function doublings(last, most) {
  const powers = Math.floor(Math.log2(Math.max(1, last)));
  const every = Math.max(1, Math.ceil((powers + 1) / Math.max(1, most)));
  const ticks = [];
  for (let power = 0; power <= powers; power += every) ticks.push(2 ** power);
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

// An exponential mean, corrected for having begun at nothing. A point counts for as many steps as it stands for, so that
// a curve looks the same however it was thinned.
function smoothed(points, weight) {
  if (!weight) return points;
  let [sum, norm, before] = [0, 0, 0];
  return points.map(([step, mean, low, high]) => {
    const keep = weight ** Math.max(1, step - before);
    before = step;
    if (mean === null) return [step, null, low, high];
    sum = keep * sum + (1 - keep) * mean;
    norm = keep * norm + (1 - keep);
    return [step, sum / norm, low, high];
  });
}

// The first point at or after a step; the last one behind the end.
function pointAt(points, step) {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < step) low = middle + 1; else high = middle;
  }
  return points[low];
}

// The path of a small curve without axes.
function sparkPath(values, width, height) {
  const known = values.filter((v) => v !== null);
  if (known.length < 2) return "";
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (i) => 1 + (i / (values.length - 1)) * (width - 2);
  const y = (v) => 1.5 + (1 - (v - low) / (high - low || 1)) * (height - 3);
  let pen = "M";
  return values.map((v, i) => {
    if (v === null) { pen = "M"; return ""; }
    const told = `${pen}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    pen = "L";
    return told;
  }).join("");
}
