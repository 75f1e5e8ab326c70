// What the scripts of all widgets begin with: making nodes and writing numbers. Text enters the page by textContent only.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, call] of Object.entries(value)) node.addEventListener(event, call);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// A node is touched only when its text changes: what a person selected stays selected.
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function figures(value, digits = 3) {
  if (value === null || value === undefined) return "";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-4) return value.toExponential(digits - 1);
  const rounded = Number(value.toPrecision(digits));
  return size >= 1e5 ? many(rounded) : rounded.toString();
}

// A round number on an axis, as short as it goes: 0.5, 200, 20k, 1.5M.
function short(value) {
  const rounded = Number(value.toPrecision(3));
  if (Math.abs(rounded) >= 1000) return rounded.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 3 }).replace("K", "k");
  return rounded && Math.abs(rounded) < 1e-4 ? rounded.toExponential() : rounded.toString();
}

function many(number) { return Number(number).toLocaleString("en"); }

function several(count, word) { return `${many(count)} ${word}${count === 1 ? "" : "s"}`; }

function bytes(number) {
  for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (number >= size) return `${Number((number / size).toPrecision(3))} ${unit}`;
  }
  return `${number} B`;
}
