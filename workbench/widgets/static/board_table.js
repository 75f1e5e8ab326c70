// The rows of the leaderboard: place, the fields that differ, a figure with its interval and its difference for each eval,
// and how a trial ended. Rows that have no figure stay at the end, however the table is sorted.

const BAR = { width: 132, height: 9 };

class BoardTable {
  constructor(ui) {
    this.ui = ui;
    this.table = make("table", { class: "wb-table wb-board-table" });
    this.scroll = make("div", { class: "wb-scroll", tabindex: 0, role: "region", "aria-label": "Trials and evals" }, this.table);
    this.tip = make("div", { class: "wb-tip wb-board-tip", role: "tooltip", id: `wb-tip-${Math.random().toString(36).slice(2)}`, hidden: true });
    this.node = make("div", { class: "wb-board-rows" }, this.scroll, this.tip);
    this.scroll.addEventListener("scroll", () => this.follow());
  }

  columns() {
    const { evals = [], fields = [], rows = [] } = this.ui.board();
    const columns = [{ key: "place", head: "Place", value: null }, { key: "name", head: "Trial", value: (r) => r.name }];
    for (const { key, title } of fields) {
      // A name that a point was given is the trial's own name again.
      if (rows.every((r) => !r.fields[key] || r.fields[key] === r.name)) continue;
      const number = rows.every((r) => r.sizes[key] !== null || !r.fields[key]);
      columns.push({ key: `field:${key}`, head: title, number, title: key, value: (r) => (r.sizes[key] ?? (r.fields[key] || null)), text: (r) => r.fields[key] });
    }
    if (rows.some((r) => r.parameters !== null)) {
      columns.push({ key: "parameters", head: "Trainable", number: true, title: "Trainable parameters", value: (r) => r.parameters, text: (r) => (r.parameters === null ? "" : many(r.parameters)) });
    }
    if (new Set(rows.filter((r) => r.seeds).map((r) => r.seeds)).size > 1) columns.push({ key: "seeds", head: "Seeds", number: true, value: (r) => r.seeds || null, text: (r) => (r.seeds ? String(r.seeds) : "") });
    for (const told of evals) columns.push({ key: `eval:${told.name}`, eval: told, head: told.name, number: true, value: (r) => r.cells[told.name]?.value ?? null });
    return columns;
  }

  draw() {
    this.hide();
    const focused = this.table.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    const columns = this.columns();
    const { rows = [], baseline } = this.ui.board();
    this.table.replaceChildren(
      make("caption", { class: "wb-hidden", text: "Trials, best first, with a figure for each eval" }),
      make("thead", {}, make("tr", {}, make("th", { scope: "col", text: "Pick", title: "Pick two rows to hold them against each other" }),
        make("th", { scope: "col", text: "Baseline", title: "What differences are measured against" }), ...columns.map((c) => this.head(c)))),
      make("tbody", {}, ...this.sorted(rows, columns).map((row) => this.row(row, columns, row.name === baseline))));
    if (focused) this.table.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }

  by() {
    const told = this.ui.model.get("sorted_by") || "";
    return told.startsWith("-") ? [told.slice(1), true] : [told, false];
  }

  sorted(rows, columns) {
    const [by, falling] = this.by();
    const column = columns.find((c) => c.key === by && c.value);
    if (!column) return rows;
    return [...rows].sort((a, b) => {
      const [x, y] = [column.value(a), column.value(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      const order = typeof x === "string" || typeof y === "string" ? String(x).localeCompare(String(y), "en", { numeric: true }) : x - y;
      return falling ? -order : order;
    });
  }

  // The first press puts the better ones on top, the second turns that round, the third gives the order of the comparison.
  sortBy(column) {
    const [by, falling] = this.by();
    const first = column.eval?.better === "higher";
    const told = by !== column.key ? (first ? "-" : "") + column.key : falling === first ? (first ? "" : "-") + column.key : "";
    this.ui.keep("sorted_by", told);
    this.draw();
  }

  head(column) {
    const [by, falling] = this.by();
    const sort = column.key === by ? (falling ? "descending" : "ascending") : null;
    const told = column.eval;
    const word = told ? `${column.head}${told.failed ? " †" : ""}` : column.head;
    const name = column.value
      ? make("button", { class: "wb-sort", type: "button", text: word, "data-focus": `sort:${column.key}`, title: told ? `Sort by ${told.title}` : column.title || `Sort by ${word.toLowerCase()}`, on: { click: () => this.sortBy(column) } })
      : make("span", { text: word, title: "One more than how many trials were found better, after correction; = where others stand level" });
    const node = make("th", { scope: "col", class: `${column.number ? "wb-number" : ""}${told ? " wb-board-eval" : ""}`, "aria-sort": sort }, name);
    if (!told) return node;
    const note = [`${told.unit} ${told.arrow}`.trim(), told.chance_text && `chance ${told.chance_text}`, told.counted].filter(Boolean).join(", ");
    node.append(make("div", { class: "wb-board-note", text: note }));
    if (told.name === this.ui.board().primary) node.classList.add("wb-board-primary");
    return node;
  }

  row(row, columns, isBaseline) {
    const { name } = row;
    const picked = this.ui.picked().includes(name);
    const hasFigures = Object.values(row.cells).some((c) => c);
    const pick = make("input", { type: "checkbox", "aria-label": `Pick ${name}`, "data-focus": `pick:${name}`, disabled: !hasFigures, on: { change: () => this.ui.pick(name) } });
    pick.checked = picked;
    const pin = make("input", { type: "radio", name: this.tip.id, "aria-label": `Measure differences against ${name}`, "data-focus": `pin:${name}`, disabled: !hasFigures, on: { change: () => this.ui.keep("baseline", name) } });
    pin.checked = isBaseline;
    const cells = columns.map((column) => this.cell(row, column, isBaseline));
    const style = [row.is_base ? "wb-board-base" : "", picked ? "wb-chosen" : "", row.place.startsWith("1") ? "wb-board-first" : "", hasFigures ? "" : "wb-board-without"].filter(Boolean).join(" ");
    const node = make("tr", { class: style, "data-row": name }, make("td", {}, pick), make("td", {}, pin), ...cells);
    node.addEventListener("pointerenter", () => this.ui.hover(name));
    node.addEventListener("pointerleave", () => this.ui.hover(null));
    return node;
  }

  cell(row, column, isBaseline) {
    if (column.key === "place") return this.place(row);
    if (column.key === "name") return this.called(row);
    if (!column.eval) return make("td", { class: column.number ? "wb-number" : "wb-board-field", title: column.text(row) || null, text: column.text(row) || "" });
    return this.figure(row, column.eval, isBaseline);
  }

  place(row) {
    const cell = make("td", { class: "wb-board-place" });
    if (!row.level.length) { put(cell, row.place); return cell; }
    const names = row.level.slice(0, 6).join(", ");
    const rest = row.level.length + row.level_more - Math.min(6, row.level.length);
    const seen = row.seen_from ? ` A lead of ${row.seen_from} over it could have been seen.` : "";
    cell.append(this.hint(row.place, `Not told apart from ${names}${rest ? ` and ${rest} more` : ""}.${seen}`, `place:${row.name}`));
    return cell;
  }

  // How a trial ended stands below its name, where no scrolling hides it.
  called(row) {
    const cell = make("th", { scope: "row", class: "wb-board-name" }, this.ui.swatch(row), make("span", { class: "wb-board-word", text: row.name, title: row.name }));
    if (row.state && row.state !== "done") {
      cell.append(make("div", { class: "wb-board-why" }, make("span", { class: row.state === "failed" ? "wb-is-bad" : "", text: row.reason.startsWith(row.state) ? "" : `${row.state} ` }), row.reason));
    }
    return cell;
  }

  figure(row, told, isBaseline) {
    const cell = make("td", { class: "wb-number wb-board-eval" });
    const found = row.cells[told.name];
    if (!found) { cell.append(make("span", { class: "wb-is-quiet", text: "–" })); return cell; }
    if (found.value === null) {
      cell.append(this.hint(found.is_withheld ? "withheld" : "no value", found.why || "No answer could be scored.", `why:${row.name}:${told.name}`));
      return cell;
    }
    cell.append(make("div", { class: "wb-board-figure", title: found.note }, make("span", { class: "wb-board-value", text: found.text }), make("span", { class: "wb-board-ends", text: found.ends })), this.bar(row, told, found));
    const gap = row.gaps[told.name];
    const way = gap ? ["wb-board-lost", "", "wb-board-won"][gap.way + 1] : "";
    cell.append(make("div", { class: `wb-board-gap ${way}`, title: gap ? gap.note : null }, make("span", { text: isBaseline ? "baseline" : gap ? gap.text : "" }), make("span", { class: "wb-board-ends", text: gap && !isBaseline ? gap.ends : "" })));
    return cell;
  }

  // The interval on the scale that all rows of the eval share; a long tick for the baseline, a short one for chance.
  bar(row, told, found) {
    const [low, high] = told.range;
    const x = (value) => 3 + ((Math.min(high, Math.max(low, value)) - low) / (high - low || 1)) * (BAR.width - 6);
    const middle = BAR.height / 2;
    const { rows, baseline } = this.ui.board();
    const base = rows.find((r) => r.name === baseline)?.cells[told.name]?.value;
    const svg = draw("svg", { ...BAR, class: `wb-board-bar wb-c${this.ui.colour(row)}`, "aria-hidden": "true" }, draw("line", { class: "wb-grid", x1: 3, x2: BAR.width - 3, y1: middle, y2: middle }));
    if (told.chance !== null) svg.append(draw("line", { class: "wb-board-chance", x1: x(told.chance), x2: x(told.chance), y1: 2, y2: BAR.height - 2 }));
    if (base !== null && base !== undefined) svg.append(draw("line", { class: "wb-board-pin", x1: x(base), x2: x(base), y1: 0, y2: BAR.height }));
    if (found.low !== null && found.high !== null) svg.append(draw("line", { class: "wb-line wb-board-reach", x1: x(found.low), x2: x(found.high), y1: middle, y2: middle }));
    svg.append(draw("circle", { class: "wb-dot", cx: x(found.value), cy: middle, r: 2.4 }));
    return svg;
  }

  // A word that says more when it is pointed at or focused.
  hint(word, text, focus) {
    const node = make("span", { class: "wb-board-hint", tabindex: 0, text: word, "aria-label": `${word}: ${text}`, "data-focus": focus });
    const show = () => {
      put(this.tip, text);
      this.tip.hidden = false;
      this.told = node;
      this.follow();
    };
    for (const event of ["pointerenter", "focus"]) node.addEventListener(event, show);
    for (const event of ["pointerleave", "blur"]) node.addEventListener(event, () => this.hide());
    node.addEventListener("keydown", (event) => { if (event.key === "Escape") this.hide(); });
    return node;
  }

  // A focus may scroll its word into view: what is said goes with it.
  follow() {
    if (this.tip.hidden) return;
    const [at, around] = [this.told.getBoundingClientRect(), this.node.getBoundingClientRect()];
    this.tip.style.left = `${Math.max(0, Math.min(at.left - around.left, around.width - this.tip.offsetWidth - 8))}px`;
    this.tip.style.top = `${at.bottom - around.top + 4}px`;
  }

  hide() { this.tip.hidden = true; }

  emphasise(name) {
    for (const row of this.table.querySelectorAll("[data-row]")) row.classList.toggle("wb-board-near", row.dataset.row === name);
  }
}
