// The rows of a page of answers: the item, its prompt, what was expected, and a column for each slot. Rows take the focus by
// arrow keys; beyond the last row comes the next page. Long texts are cut and asked for in full.

class SampleTable {
  constructor(ui) {
    this.ui = ui;
    this.whole = new Map();
    this.at = 0;
    this.table = make("table", { class: "wb-table wb-answers" });
    this.node = make("div", { class: "wb-scroll wb-answers-scroll", tabindex: -1, role: "region", "aria-label": "Answers" }, this.table);
    this.node.addEventListener("keydown", (event) => this.key(event));
  }

  draw() {
    const { rows = [], slots = [] } = this.ui.view();
    const hadFocus = this.table.contains(document.activeElement);
    this.at = this.wantsLast ? rows.length - 1 : Math.min(this.at, Math.max(0, rows.length - 1));
    this.wantsLast = false;
    const heads = ["Item", "Prompt", "Expected", ...slots];
    this.rows = rows.map((row, i) => this.row(row, slots, i));
    this.table.replaceChildren(make("caption", { class: "wb-hidden", text: "Answers, an item a row" }),
      make("thead", {}, make("tr", {}, ...heads.map((text, i) => make("th", { scope: "col", class: i > 2 ? "wb-answers-slot" : null, text: i > 2 ? harmless(text) : text })))),
      make("tbody", {}, ...this.rows));
    if (hadFocus) this.focus(this.at);
  }

  row(row, slots, i) {
    const about = [row.group, row.kind].filter(Boolean).join(" · ");
    const item = make("th", { scope: "row", class: "wb-answers-item" }, make("div", { text: harmless(row.sample), title: row.cluster ? `cluster ${harmless(row.cluster)}` : null }));
    if (about) item.append(make("div", { class: "wb-answers-note", text: harmless(about) }));
    const base = row.cells.base ? this.text(row, "answer", "base", row.cells.base.answer) : null;
    const node = make("tr", { tabindex: i === this.at ? 0 : -1, "data-item": row.item },
      item, this.plain(row, "prompt"), this.plain(row, "expected"), ...slots.map((slot) => this.cell(row, slot, base)));
    node.addEventListener("focus", () => this.take(i));
    return node;
  }

  plain(row, part) {
    const text = this.text(row, part, "", row[part]);
    return make("td", { class: `wb-answers-${part}` }, make("div", { class: "wb-answers-box" }, make("span", { dir: "auto", class: "wb-answer-text", text: harmless(text) }), ...this.rest(row, part, "", row.more[part])));
  }

  cell(row, slot, base) {
    const found = row.cells[slot];
    if (!found) return make("td", { class: "wb-answers-none", text: "not asked" });
    const text = this.text(row, "answer", slot, found.answer);
    const kind = this.ui.model.get("against");
    const isHeld = kind && !(kind === "base" && (slot === "base" || base === null));
    const other = isHeld ? (kind === "base" ? base : this.text(row, "expected", "", row.expected)) : null;
    const box = make("div", { class: "wb-answers-box" }, text ? marked(text, other || null) : make("span", { class: "wb-answers-note", text: "(nothing written)" }), ...this.rest(row, "answer", slot, found.more));
    return make("td", { class: `wb-answers-slot ${["wb-answers-worse", "", "wb-answers-better"][found.way + 1]}` }, box, this.told(found));
  }

  told(found) {
    const value = found.value === null ? "" : figures(found.value, 4);
    const words = [found.error ? `not scored: ${found.error}` : found.outcome, found.error ? "" : value, found.truncated ? "cut short" : "", ["worse", "", "better"][found.way + 1]].filter(Boolean);
    return make("div", { class: `wb-answers-note ${found.error ? "wb-answers-error" : ""}`, text: harmless(words.join(" · ")) });
  }

  text(row, part, slot, cut) { return this.whole.get(this.keyOf(row.item, part, slot)) ?? cut; }
  keyOf(item, part, slot) { return `${item}/${part}/${slot}`; }

  rest(row, part, slot, more) {
    if (!more || this.whole.has(this.keyOf(row.item, part, slot))) return [];
    return [make("button", { class: "wb-button wb-small wb-answers-more", type: "button", text: `Show all (${many(more)} more characters)`, on: { click: (event) => {
      event.target.disabled = true;
      this.ui.model.send({ command: "whole", item: row.item, part, slot });
    } } })];
  }

  // What came in full stays so as long as the eval is the same.
  got({ item, part, slot, text }) {
    this.whole.set(this.keyOf(item, part, slot), text);
    this.draw();
  }

  take(i) {
    this.rows[this.at]?.setAttribute("tabindex", "-1");
    this.at = i;
    this.rows[i].setAttribute("tabindex", "0");
  }

  focus(i) { if (this.rows[i]) { this.take(i); this.rows[i].focus({ preventScroll: false }); } }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const page = { PageDown: 1, PageUp: -1 }[event.key];
    const side = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step && !page && !side) return;
    event.preventDefault();
    event.stopPropagation();
    if (side) { this.node.scrollBy({ left: side * 140 }); return; }
    const next = this.at + (step || 0);
    if (page || next < 0 || next >= this.rows.length) {
      const { at } = this;
      // Before it is turned: a page that is there already is drawn at once.
      this.wantsLast = step === -1;
      this.at = 0;
      if (!this.ui.turn(page || step)) { this.at = at; this.wantsLast = false; }
      return;
    }
    this.focus(next);
  }
}
