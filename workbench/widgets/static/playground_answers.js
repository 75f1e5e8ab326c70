// Answers side by side, a card each: every token shaded by its probability, its rivals shown on hover and on focus.
// Tokens are only ever added while an answer grows, so that what a person selected or focused stays.

let tips = 0;

function chance(p) {
  if (p >= 0.9995) return ">\u00a099.9\u00a0%";
  if (p < 0.0005) return "<\u00a00.1\u00a0%";
  return `${(100 * p).toPrecision(p < 0.1 ? 2 : 3)}\u00a0%`;
}

// Spaces and ends of lines as they can be seen, where a token stands alone.
function visible(text) {
  return text.replaceAll("\n", "↵").replaceAll("\t", "⇥").replace(/^ +/, (run) => "␣".repeat(run.length)) || "(part of a character)";
}

const HOW = {
  end: "ended by itself", length: "cut at the most tokens", context: "cut at the end of the context",
  stopped: "stopped", broken: "no answer: its weights are no numbers", failed: "no answer",
};

class Card {
  constructor(slot, board) {
    this.slot = slot;
    this.board = board;
    this.tokens = [];
    this.nodes = [];
    this.parts = -1;
    this.strip = make("div", { class: "wb-play-strip", role: "group", "aria-label": `Tokens of ${slot}; arrow keys go through them`, on: { keydown: (event) => this.key(event) } });
    this.foot = make("p", { class: "wb-play-foot" });
    this.table = make("details", { class: "wb-play-table", on: { toggle: () => this.drawTable() } }, make("summary", { text: "Probabilities as a table", "aria-label": `Probabilities of ${slot} as a table` }));
    this.node = make("article", { class: "wb-play-card", "data-slot": slot, "aria-label": `Answer of ${slot}` }, make("h4", { text: slot }), this.strip, this.foot, this.table);
  }

  draw(tokens, end, base, running) {
    for (const token of tokens.slice(this.tokens.length)) this.add(token);
    this.end = end;
    this.node.dataset.how = end ? end.how : running ? "running" : "";
    this.strip.classList.toggle("wb-play-empty", !this.tokens.length);
    this.mark(base);
    put(this.foot, this.words(base, running));
    if (this.table.open) this.drawTable();
  }

  add(token) {
    const i = this.tokens.length;
    this.tokens.push(token);
    // The space before a token stands outside of its tint, so that a line may end there.
    const space = token.end || !i ? "" : token.t.match(/^ */)[0];
    const text = token.end ? "end" : i ? token.t.slice(space.length) : token.t.trimStart();
    const node = make("span", {
      class: token.end ? "wb-tok wb-tok-end" : "wb-tok", role: "button", tabindex: i ? -1 : 0, text: text || (token.end ? "end" : "·"),
      "aria-label": `${token.end ? "end" : visible(token.t)}, ${chance(token.p)}`, "aria-describedby": this.board.tip.id,
      on: { focus: () => this.point(i), blur: () => this.board.hide(), mouseenter: () => this.board.show(this, i), mouseleave: () => this.board.hide() },
    });
    node.style.setProperty("--p", token.p);
    this.nodes.push(node);
    this.strip.append(space, node);
  }

  // Where the answer leaves that of the base.
  mark(base) {
    if (!base || base === this) return;
    let i = 0;
    while (i < this.tokens.length && i < base.tokens.length && this.tokens[i].i === base.tokens[i].i) i += 1;
    const parts = i < this.tokens.length && i < base.tokens.length ? i : -1;
    if (parts === this.parts) return;
    this.nodes[this.parts]?.classList.remove("wb-tok-parts");
    this.nodes[parts]?.classList.add("wb-tok-parts");
    this.parts = parts;
  }

  words(base, running) {
    if (!this.end) return running ? `${several(this.tokens.length, "token")} …` : "";
    if (["broken", "failed"].includes(this.end.how)) return HOW[this.end.how];
    const all = this.tokens.reduce((product, token) => product * token.p, 1);
    const told = [several(this.tokens.length, "token"), HOW[this.end.how] || this.end.how];
    if (this.tokens.length) told.push(`${chance(all)} for all of it`);
    if (base && base !== this) {
      if (this.parts >= 0) told.push(`leaves the base at token ${this.parts + 1}`);
      else if (base.end && base.tokens.length === this.tokens.length) told.push("the same as the base");
    }
    return told.join("\u00a0· ");
  }

  point(i) {
    for (const node of this.nodes) node.tabIndex = -1;
    this.nodes[i].tabIndex = 0;
    this.board.show(this, i);
  }

  key(event) {
    const now = this.nodes.indexOf(event.target);
    if (now < 0) return;
    const moves = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: this.nodes.length - 1 };
    if (event.key === "Escape") this.board.hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
    this.nodes[Math.max(0, Math.min(this.nodes.length - 1, moves[event.key]))].focus();
  }

  drawTable() {
    this.table.querySelector("div")?.remove();
    if (!this.table.open) return;
    const rows = this.tokens.map((token) => make("tr", {},
      make("td", { text: token.end ? "end" : visible(token.t) }), make("td", { class: "wb-number", text: chance(token.p) }),
      make("td", { text: token.top.map(([text, p]) => `${visible(text)} ${chance(p)}`).join(", ") })));
    const head = make("tr", {}, ...["token", "probability", "likeliest here"].map((text, n) => make("th", { scope: "col", text, class: n === 1 ? "wb-number" : null })));
    this.table.append(make("div", { class: "wb-scroll", tabindex: 0, role: "region", "aria-label": `Table of ${this.slot}` }, make("table", { class: "wb-table" }, make("thead", {}, head), make("tbody", {}, ...rows))));
  }
}

class Answers {
  constructor() {
    this.cards = new Map();
    this.tip = make("div", { class: "wb-tip wb-play-tip", role: "tooltip", id: `wb-play-tip-${(tips += 1)}`, hidden: true });
    this.grid = make("div", { class: "wb-play-grid" });
    this.legend = make("p", { class: "wb-play-legend", "aria-hidden": "true" }, "probability", ...[1, 0.75, 0.5, 0.25, 0.02].map((p) => {
      const node = make("span", { class: "wb-tok", text: p === 1 ? "100 %" : p === 0.02 ? "0 %" : `${100 * p} %` });
      node.style.setProperty("--p", p);
      return node;
    }), make("span", { class: "wb-tok wb-tok-parts", text: "here" }), "it leaves the base");
    this.said = make("p", { class: "wb-hidden", "aria-live": "polite" });
    this.node = make("div", { class: "wb-play-answers", hidden: true }, this.legend, this.grid, this.tip, this.said);
  }

  draw(picture) {
    this.node.hidden = !picture.slots;
    if (!picture.slots) return;
    const shape = JSON.stringify([picture.id, picture.slots]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.hide();
      this.cards = new Map(picture.slots.map((slot) => [slot, new Card(slot, this)]));
      this.grid.replaceChildren(...[...this.cards.values()].map((card) => card.node));
      put(this.said, "");
    }
    const base = this.cards.get("base");
    for (const [slot, card] of this.cards) card.draw(picture.tokens[slot] || [], picture.ends[slot], base, !picture.over);
    this.legend.hidden = ![...this.cards.values()].some((card) => card.tokens.length);
    if (picture.over) put(this.said, [...this.cards.values()].map((card) => `${card.slot}: ${(card.end?.text || "nothing").slice(0, 300)}`).join(". "));
  }

  show(card, i) {
    const token = card.tokens[i];
    const taken = token.end ? "end" : visible(token.t);
    const rows = token.top.map(([text, p]) => [text, p, p === token.p]);
    if (!rows.some(([, , own]) => own)) rows.push([token.end ? "end" : token.t, token.p, true]);
    this.tip.replaceChildren(
      make("div", { class: "wb-tip-head", text: `token ${i + 1} of ${card.slot}: ${taken}` }),
      ...rows.map(([text, p, own]) => {
        const bar = make("span", { class: "wb-play-bar", "aria-hidden": "true" });
        bar.style.setProperty("--p", p);
        return make("div", { class: own ? "wb-play-taken" : null }, make("span", { class: "wb-play-word", text: visible(text) }), own ? make("span", { class: "wb-play-own", text: "taken" }) : "", make("b", { text: chance(p) }), bar);
      }));
    this.tip.hidden = false;
    const box = this.node.getBoundingClientRect();
    const at = card.nodes[i].getBoundingClientRect();
    const left = Math.max(0, Math.min(at.left - box.left, box.width - this.tip.offsetWidth - 2));
    this.tip.style.left = `${left}px`;
    this.tip.style.top = `${at.bottom - box.top + 5}px`;
  }

  hide() { this.tip.hidden = true; }
}
