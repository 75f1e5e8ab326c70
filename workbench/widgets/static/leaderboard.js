// The leaderboard: the verdict, the table, what two picked rows say of each other, and two pictures. It draws what the traits
// say and keeps in traits what a person chose, so that a reload loses nothing. Text enters the page by textContent only.

class Board {
  constructor(model, el) {
    this.model = model;
    this.table = new BoardTable(this);
    this.build();
    el.append(this.root);
    const all = () => this.draw();
    const tell = () => this.tell();
    this.calls = {
      "change:board": all, "change:doing": tell, "change:news": tell, "change:problem": tell, "change:sorted_by": () => this.table.draw(),
      "change:picked": () => { this.table.draw(); this.pair(); }, "change:contrast": () => this.pair(), "change:weighed": () => this.charts(),
      "change:primary": () => this.choices(), "change:baseline": () => this.choices(),
    };
    for (const [event, call] of Object.entries(this.calls)) model.on(event, call);
    this.draw();
  }

  build() {
    this.name = make("span", { class: "wb-name" });
    this.doing = make("span", { class: "wb-board-doing", role: "status", "aria-live": "polite" });
    this.select = (trait, word, help) => {
      const node = make("select", { "aria-label": word, on: { change: (event) => this.keep(trait, event.target.value) } });
      return [node, make("label", { title: help }, word, node)];
    };
    let [primaryLabel, weighedLabel] = [];
    [this.primary, primaryLabel] = this.select("primary", "Ranked by", "The eval that the order and the verdict are about");
    [this.weighed, weighedLabel] = this.select("weighed", "against", "What the quality is weighed against");
    this.again = make("button", { class: "wb-button", type: "button", text: "Read again", title: "Read the folder of the sweep again", on: { click: () => this.model.send({ command: "read" }) } });
    this.news = make("p", { class: "wb-board-news", role: "status", hidden: true });
    this.problem = make("div", { class: "wb-problem", role: "alert", hidden: true });
    this.verdict = make("p", { class: "wb-board-verdict" });
    this.cautions = make("ul", {});
    this.cautionsWord = make("summary", {});
    this.details = make("details", { hidden: true }, this.cautionsWord, this.cautions);
    this.legend = make("p", { class: "wb-said" });
    this.two = make("section", { class: "wb-board-two", "aria-label": "Two rows held against each other", "aria-live": "polite" });
    this.curve = make("figure", { hidden: true });
    this.cost = make("div", {});
    this.costFigure = make("figure", { hidden: true }, make("figcaption", {}, this.costWord = make("span", {}), weighedLabel), this.cost);
    this.root = make("section", { class: "wb wb-board", "aria-label": "Leaderboard", "data-lm-suppress-shortcuts": "true" },
      make("header", {}, make("span", { class: "wb-state", text: "Leaderboard" }), this.name, this.doing, make("span", { class: "wb-grow" }), primaryLabel, this.again),
      this.news, this.problem, this.verdict, this.details, this.table.node, this.legend, this.two, make("div", { class: "wb-board-charts" }, this.curve, this.costFigure));
  }

  board() { return this.model.get("board") || {}; }
  picked() { return this.model.get("picked") || []; }
  keep(trait, value) { this.model.set(trait, value); this.model.save_changes(); }

  close() { for (const [event, call] of Object.entries(this.calls)) this.model.off(event, call); }

  draw() {
    const { rows = [], name = "", sentence = "", cautions = [], correction = "", evals = [], baseline } = this.board();
    this.colours = new Map(rows.filter((r) => !r.is_base).map((r, i) => [r.name, i]));
    const isDrawn = rows.length > 0;
    for (const node of [this.table.node, this.legend, this.two]) node.hidden = !isDrawn;
    put(this.name, name);
    put(this.verdict, sentence);
    this.details.hidden = !cautions.length;
    put(this.cautionsWord, several(cautions.length, "caution"));
    this.cautions.replaceChildren(...cautions.map(([code, text]) => make("li", {}, make("b", { text: code }), ` ${text}`)));
    const failed = evals.some((e) => e.failed) ? " † marks evals that failed their calibration: their figures cannot be trusted." : "";
    put(this.legend, `95 % intervals. The long tick is ${baseline}, the short one chance. Below each figure: the paired difference to ${baseline}; * holds after correction${correction ? ` (${correction})` : ""}.${failed}`);
    this.tell(); this.choices(); this.table.draw(); this.pair(); this.charts();
  }

  tell() {
    const [doing, news, problem] = ["doing", "news", "problem"].map((trait) => this.model.get(trait) || "");
    put(this.doing, doing);
    put(this.news, news);
    put(this.problem, problem);
    this.news.hidden = !news;
    this.problem.hidden = !problem;
    this.again.classList.toggle("wb-board-call", Boolean(news));
    this.root.setAttribute("aria-busy", String(Boolean(doing)));
    this.root.dataset.state = doing ? "busy" : problem && !this.board().rows ? "problem" : "ready";
  }

  choices() {
    const { evals = [], weighed = [], primary } = this.board();
    const options = (node, choices, chosen) => {
      node.replaceChildren(...choices.map(([value, word]) => make("option", { value, text: word })));
      node.value = chosen;
      node.disabled = choices.length < 2;
    };
    options(this.primary, evals.map((e) => [e.name, e.name]), this.model.get("primary") || primary);
    options(this.weighed, weighed.map((w) => [w.key, w.title]), this.chosenCost()?.key);
  }

  chosenCost() {
    const { weighed = [] } = this.board();
    return weighed.find((w) => w.key === this.model.get("weighed")) || weighed[0];
  }

  charts() {
    const { curves = [], primary = "" } = this.board();
    this.curve.hidden = !curves.length;
    this.curve.replaceChildren(...curves.flatMap((told) => [make("figcaption", { text: told.title }), ...rankCurve(this, told)]));
    const cost = this.chosenCost();
    this.costFigure.hidden = !cost;
    put(this.costWord, `${primary} `);
    if (cost) { this.weighed.value = cost.key; this.cost.replaceChildren(...weighedChart(this, cost)); }
  }

  pick(name) {
    const now = this.picked();
    const next = now.includes(name) ? now.filter((one) => one !== name) : [...now, name].slice(-2);
    this.keep("picked", next);
    this.table.draw();
    this.pair();
  }

  pair() {
    const picked = this.picked();
    const found = this.model.get("contrast") || {};
    const isFor = picked.length === 2 && found.of && picked.includes(found.of) && picked.includes(found.against);
    if (!isFor) {
      const word = picked.length === 2 ? `Comparing ${picked.join(" and ")} …` : picked.length ? `${picked[0]} is picked; pick another row.` : "Pick two rows to hold them against each other.";
      this.two.replaceChildren(make("p", { class: "wb-said", text: word }));
      return;
    }
    const heads = [["eval"], [`${found.of} minus ${found.against}`, 1], ["95 % interval", 1], ["", 0], ["p, corrected", 1], ["n", 1], ["by"]];
    const body = found.rows.map((one) => make("tr", {}, make("th", { scope: "row", text: one.eval }),
      make("td", { class: `wb-number ${["wb-board-lost", "", "wb-board-won"][one.way + 1]}`, text: one.text }), make("td", { class: "wb-number", text: one.ends }), make("td", { text: one.unit }),
      make("td", { class: "wb-number", text: one.p }), make("td", { class: "wb-number", text: String(one.n) }), make("td", { class: "wb-is-quiet wb-board-by", text: one.by })));
    this.two.replaceChildren(
      make("h4", { text: `${found.of} and ${found.against}` }), make("p", { class: "wb-board-verdict", text: found.sentence }), make("p", { class: "wb-said", text: found.figures }),
      make("div", { class: "wb-scroll", tabindex: 0, role: "region", "aria-label": "Every eval" }, make("table", { class: "wb-table" }, make("caption", { class: "wb-hidden", text: found.caption }),
        make("thead", {}, make("tr", {}, ...heads.map(([text, number]) => make("th", { scope: "col", class: number ? "wb-number" : null, text })))), make("tbody", {}, ...body))),
      make("p", { class: "wb-said", text: found.caption }));
  }

  colour(row) { return row.is_base ? 7 : (this.colours.get(row.name) ?? 7) % 7; }

  swatch(row) {
    return draw("svg", { class: `wb-swatch wb-c${this.colour(row)}`, width: 8, height: 8, "aria-hidden": "true" }, draw("circle", { class: "wb-dot", cx: 4, cy: 4, r: 4 }));
  }

  hover(name) {
    this.table.emphasise(name);
    for (const node of this.root.querySelectorAll("[data-point]")) node.classList.toggle("wb-faded", Boolean(name) && node.dataset.point !== name);
  }
}

export default {
  render({ model, el }) {
    const board = new Board(model, el);
    return () => board.close();
  },
};
