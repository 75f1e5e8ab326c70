// Answers side by side: what may be looked at, a page of rows, and the way to the next. It draws what the traits say and keeps
// in traits what a person chose. Text enters the page by textContent only.

const KEPT = 12; // pages

class Answers {
  constructor(model, el) {
    this.model = model;
    this.kept = new Map();
    this.early = null;
    this.table = new SampleTable(this);
    this.build();
    el.append(this.root);
    const fill = () => this.fill();
    this.calls = {
      "change:view": () => this.arrived(), "change:ahead": () => this.keep(this.model.get("ahead")), "change:choices": fill, "change:against": () => { this.fill(); this.table.draw(); },
      "msg:custom": (content) => { if (content?.whole) this.table.got(content.whole); },
    };
    for (const trait of ["doing", "news", "problem"]) this.calls[`change:${trait}`] = () => this.tell();
    for (const trait of ["eval", "which", "of", "group", "kind", "outcome", "search", "shown_slots", "size"]) this.calls[`change:${trait}`] = fill;
    for (const [event, call] of Object.entries(this.calls)) model.on(event, call);
    for (const trait of ["view", "ahead"]) this.keep(model.get(trait));
    this.fill(); this.draw(); this.tell();
  }

  build() {
    this.inputs = {};
    const select = (trait, word, help) => {
      const node = make("select", { "aria-label": word, on: { change: (event) => this.choose({ [trait]: trait === "size" ? Number(event.target.value) : event.target.value }) } });
      this.inputs[trait] = node;
      return make("label", { title: help }, word, node);
    };
    this.name = make("span", { class: "wb-name" });
    this.doing = make("span", { class: "wb-answers-doing", role: "status", "aria-live": "polite" });
    this.again = make("button", { class: "wb-button", type: "button", text: "Read again", title: "Read the folder of the sweep again", on: { click: () => this.model.send({ command: "read" }) } });
    this.news = make("p", { class: "wb-answers-news", role: "status", hidden: true });
    this.problem = make("div", { class: "wb-problem", role: "alert", hidden: true });
    this.which = make("div", { class: "wb-answers-which", role: "radiogroup", "aria-label": "Which items" });
    this.search = make("input", { type: "search", placeholder: "text in prompt or answer", "aria-label": "Search in prompts and answers", on: { input: () => this.searchSoon(), keydown: (event) => { event.stopPropagation(); if (event.key === "Enter") this.searchNow(); } } });
    this.columns = make("div", { class: "wb-answers-columns" });
    this.shown = make("details", {}, make("summary", { text: "Columns" }), this.columns);
    this.count = make("span", { class: "wb-answers-count", role: "status", "aria-live": "polite" });
    const turn = (word, help, way) => make("button", { class: "wb-button", type: "button", text: word, title: help, on: { click: () => this.turn(way) } });
    this.back = turn("Previous", "The page before (Page Up in the table)", -1);
    this.forth = turn("Next", "The next page (Page Down in the table)", 1);
    this.page = make("input", { type: "number", min: 1, "aria-label": "Page", on: { change: () => this.goTo(Number(this.page.value)), keydown: (event) => event.stopPropagation() } });
    this.pages = make("span", {});
    this.root = make("section", { class: "wb wb-samples", "aria-label": "Answers side by side", "data-lm-suppress-shortcuts": "true" },
      make("header", {}, make("span", { class: "wb-state", text: "Samples" }), this.name, this.doing, make("span", { class: "wb-grow" }), select("eval", "Eval", "Whose items are shown"), this.again),
      this.news, this.problem,
      make("div", { class: "wb-answers-bar" }, this.which, select("of", "in", "Which adapter the choice is about")),
      make("div", { class: "wb-answers-bar" }, this.search, select("group", "Group", "Items of one group"), select("kind", "Kind", "Items of one kind"), select("outcome", "Outcome", "Items with such an answer"), select("against", "Words marked against", "Underlined: only in the answer. Struck through: missing from it"), this.shown),
      make("div", { class: "wb-answers-bar wb-answers-pager" }, this.count, make("span", { class: "wb-grow" }), select("size", "Rows", "Rows on a page"), this.back, make("label", {}, "Page", this.page, this.pages), this.forth),
      this.table.node);
  }

  // A page that came before is drawn when it is asked for, not when the kernel has said it again.
  view() { return this.early || this.model.get("view") || {}; }

  keep(page) {
    if (!page?.rows) return;
    if (page.choice !== this.keptOf) { this.kept.clear(); this.keptOf = page.choice; }
    this.kept.set(page.number, page);
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
  }

  arrived() {
    const view = this.model.get("view") || {};
    this.keep(view);
    // What is drawn already is not drawn again, and pages that were turned over meanwhile are not drawn at all.
    const isAhead = this.early && this.early.choice === view.choice && this.early.number === this.model.get("number");
    if (!isAhead || view.number === this.early.number) this.early = null;
    if (!isAhead) this.draw();
  }

  choices() { return this.model.get("choices") || {}; }
  close() { clearTimeout(this.timer); for (const [event, call] of Object.entries(this.calls)) this.model.off(event, call); }

  // A choice shows its first page; the kernel sends it.
  choose(traits) {
    const isOfRows = !("against" in traits);
    for (const [trait, value] of Object.entries(traits)) this.model.set(trait, value);
    if (isOfRows) { this.model.set("number", 1); this.waits(); }
    this.model.save_changes();
  }

  waits() { this.asked = performance.now(); this.root.dataset.state = "busy"; }
  searchSoon() { clearTimeout(this.timer); this.timer = setTimeout(() => this.searchNow(), 250); }
  searchNow() { clearTimeout(this.timer); if (this.search.value !== this.model.get("search")) this.choose({ search: this.search.value }); }

  turn(way) { return this.goTo((this.view().number || 1) + way); }

  goTo(number) {
    const { pages = 1, number: now = 1 } = this.view();
    const wanted = Math.min(pages, Math.max(1, Math.round(number) || 1));
    this.page.value = wanted;
    if (wanted === now) return false;
    this.waits();
    this.model.set("number", wanted);
    this.model.save_changes();
    const page = this.kept.get(wanted);
    if (page && page.choice === this.view().choice) { this.early = { ...this.view(), ...page }; this.draw(); }
    return true;
  }

  draw() {
    const view = this.view();
    const { rows = [], number = 1, pages = 1, total = 0, first = 0 } = view;
    if (view.eval !== this.evalNow) { this.table.whole.clear(); this.evalNow = view.eval; }
    const began = performance.now();
    this.table.draw();
    this.table.node.scrollTop = 0;
    this.root.dataset.draw = (performance.now() - began).toFixed(1);
    if (this.asked) this.root.dataset.trip = (performance.now() - this.asked).toFixed(1);
    this.asked = 0;
    this.root.dataset.state = "ready";
    const { items = 0 } = this.choices();
    put(this.count, !view.eval ? "" : !total ? "No item fits these choices." : `Items ${many(first + 1)} to ${many(first + rows.length)} of ${many(total)}${total < items ? ` (${many(items)} in all)` : ""}`);
    this.back.disabled = number <= 1;
    this.forth.disabled = number >= pages;
    this.page.max = pages;
    this.page.value = number;
    put(this.pages, `of ${many(pages)}`);
    this.table.node.hidden = !total;
  }

  tell() {
    for (const trait of ["doing", "news", "problem"]) put(this[trait], this.model.get(trait) || "");
    this.news.hidden = !this.model.get("news");
    this.problem.hidden = !this.model.get("problem");
    this.root.setAttribute("aria-busy", String(Boolean(this.model.get("doing"))));
    if (this.model.get("problem")) this.root.dataset.state = "ready";
  }

  fill() {
    const { evals = [], slots = [], groups = [], kinds = [], outcomes = [], which = [], name = "" } = this.choices();
    const shown = this.model.get("shown_slots") || [];
    put(this.name, name);
    const counted = (pairs) => pairs.map(([word, count]) => [word, `${harmless(word)} (${many(count)})`]);
    this.options("eval", evals.map((e) => [e.name, e.name]), true);
    this.options("of", [["", "any adapter"], ...slots.filter((s) => s.has).map((s) => [s.name, s.name])], slots.length > 2);
    this.options("group", [["", "all"], ...counted(groups)], groups.length > 0);
    this.options("kind", [["", "all"], ...counted(kinds)], kinds.length > 0);
    this.options("outcome", [["", "all"], ...counted(outcomes)], outcomes.length > 0);
    this.options("against", [["expected", "expected answer"], ["base", "base"], ["", "nothing"]], true);
    this.options("size", [10, 25, 50].map((n) => [n, String(n)]), true);
    if (document.activeElement !== this.search) this.search.value = this.model.get("search") || "";
    const focused = this.which.contains(document.activeElement) ? document.activeElement.value : null;
    this.which.replaceChildren(...which.map(([value, word, count]) => {
      const input = make("input", { type: "radio", name: this.id ||= `wb-which-${Math.random().toString(36).slice(2)}`, value, on: { change: () => this.choose({ which: value }) } });
      input.checked = value === this.model.get("which");
      return make("label", {}, input, `${word} `, make("span", { class: "wb-answers-number", text: many(count) }));
    }));
    if (focused) this.which.querySelector(`input[value="${focused}"]`)?.focus();
    this.columns.replaceChildren(...slots.map(({ name: slot, has }) => {
      const input = make("input", { type: "checkbox", disabled: !has, on: { change: () => this.column(slot) } });
      input.checked = shown.includes(slot);
      return make("label", { title: has ? null : "has no answers to this eval" }, input, harmless(slot));
    }));
  }

  options(trait, choices, isUseful) {
    const node = this.inputs[trait];
    const said = JSON.stringify(choices);
    if (said !== node.dataset.said) {
      node.dataset.said = said;
      node.replaceChildren(...choices.map(([value, text]) => make("option", { value, text })));
    }
    node.value = String(this.model.get(trait) ?? "");
    node.parentElement.hidden = !isUseful;
  }

  // Columns stand in the order of the sweep, whenever they were chosen.
  column(slot) {
    const shown = this.model.get("shown_slots") || [];
    const wanted = shown.includes(slot) ? shown.filter((one) => one !== slot) : [...shown, slot];
    const order = this.choices().slots.map((s) => s.name);
    this.choose({ shown_slots: order.filter((one) => wanted.includes(one)) });
  }
}

export default {
  render({ model, el }) {
    const answers = new Answers(model, el);
    return () => answers.close();
  },
};
