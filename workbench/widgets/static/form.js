// Groups of fields: texts, choices, flags, and rows of chips. It draws the traits `groups`, `options`, `values` and `notes`,
// and sends what a person does as messages: {command: "set" | "press" | "add", field, value, on}. What a person is typing
// is never overwritten by an older answer: each message has a number, and `heard` tells the last one that was answered.

const ID = `wb${Math.random().toString(36).slice(2, 8)}`;
let views = 0;

class Form {
  constructor(model, el) {
    this.model = model;
    this.me = `${ID}-${(views += 1)}`;
    this.sent = {};
    this.root = make("div", { class: "wb wb-form" });
    el.append(this.root);
    // A letter on a chip would be a command to the notebook: x cuts the cell that the form stands in.
    this.root.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey || event.altKey) && !["Tab", "Escape"].includes(event.key)) event.stopPropagation();
    });
    this.calls = {
      "change:groups": () => this.build(), "change:options": () => this.fill(), "change:values": () => this.fill(), "change:heard": () => this.fill(),
      "change:notes": () => this.tell(),
    };
    for (const [event, call] of Object.entries(this.calls)) model.on(event, call);
    this.build();
  }

  close() { for (const [event, call] of Object.entries(this.calls)) this.model.off(event, call); }

  build() {
    this.parts = {};
    this.root.replaceChildren(...(this.model.get("groups") || []).map((group) => this.group(group)));
    this.fill();
    this.tell();
  }

  group({ title, rows, fold, columns }) {
    const grid = make("div", { class: `wb-fields${columns ? ` wb-of-${columns}` : ""}` }, ...rows.map((row) => this.row(row)));
    if (fold) return make("details", { class: "wb-more" }, make("summary", { text: title }), grid);
    return make("section", { class: "wb-group" }, ...(title ? [make("h4", { class: "wb-group-head", text: title })] : []), grid);
  }

  row(row) {
    if (row.kind === "head") return make("h5", { class: "wb-subhead", text: row.label });
    const id = `${this.me}-${row.field}`;
    const note = make("p", { class: "wb-note", id: `${id}-note`, hidden: true });
    const part = { row, note, id };
    this.parts[row.field] = part;
    const builders = { text: () => this.text(part), choice: () => this.choice(part), flag: () => this.flag(part), chips: () => this.chips(part), one: () => this.chips(part) };
    const control = builders[row.kind]();
    const chips = ["chips", "one"].includes(row.kind);
    const label = chips
      ? make("span", { class: "wb-caption", id: `${id}-label`, text: row.label })
      : make("label", { class: "wb-caption", for: id, text: row.label, title: row.hint || null });
    return part.root = make("div", { class: `wb-field wb-is-${row.kind}`, "data-field": row.field }, label, control, note);
  }

  text(part) {
    const { row, id } = part;
    part.input = make("input", {
      id, type: "text", class: "wb-input", placeholder: row.placeholder || "", title: row.hint || null, spellcheck: "false", autocomplete: "off", "aria-describedby": `${id}-note`,
      on: { [row.slow ? "change" : "input"]: () => this.set(row.field, part.input.value) },
    });
    return part.input;
  }

  choice(part) {
    const { row, id } = part;
    part.input = make("select", {
      id, class: "wb-input", title: row.hint || null, "aria-describedby": `${id}-note`, on: { change: () => this.set(row.field, part.input.value) },
    }, ...row.choices.map((choice) => make("option", { value: choice, text: choice })));
    return part.input;
  }

  flag(part) {
    const { row, id } = part;
    part.input = make("input", {
      id, type: "checkbox", title: row.hint || null, "aria-describedby": `${id}-note`, on: { change: () => this.set(row.field, part.input.checked) },
    });
    return make("span", { class: "wb-flag" }, part.input);
  }

  chips(part) {
    const { row, id } = part;
    const one = row.kind === "one";
    part.list = make("span", { class: `wb-chips${one ? " wb-one" : ""}`, role: one ? "radiogroup" : "group", "aria-label": row.hint || row.label, title: row.hint || null, "aria-describedby": `${id}-note` });
    if (one) part.list.addEventListener("keydown", (event) => this.move(event, part));
    const parts = [part.list];
    if (one) parts.unshift(make("span", { class: "wb-one-of", text: "one of" }));
    if (row.other) {
      part.other = make("input", {
        type: "text", class: "wb-input wb-other", placeholder: row.other, "aria-label": `${row.hint || row.label}: ${row.other}`, spellcheck: "false", autocomplete: "off",
        on: { change: () => this.add(part), keydown: (event) => { if (event.key === "Enter") this.add(part); } },
      });
      parts.push(part.other);
    }
    return make("span", { class: "wb-chip-row" }, ...parts);
  }

  // ---- what Python says

  fill() {
    const [values, options, heard] = [this.model.get("values") || {}, this.model.get("options") || {}, this.model.get("heard") || {}];
    for (const [field, part] of Object.entries(this.parts)) {
      const { kind } = part.row;
      const value = values[field];
      if (part.list) this.drawChips(part, options[field] || part.row.options || [], value);
      else if (kind === "flag") part.input.checked = Boolean(value);
      else if (!this.waits(field, heard)) {
        const text = value === undefined || value === null ? "" : String(value);
        if (kind === "choice" && ![...part.input.options].some((option) => option.value === text)) part.input.append(make("option", { value: text, text }));
        if (part.input.value !== text) part.input.value = text;
      }
    }
  }

  waits(field, heard) {
    const [who, number] = heard[field] || [null, 0];
    return this.sent[field] > 0 && !(who === this.me ? number >= this.sent[field] : who !== null && !this.typing(field));
  }

  typing(field) {
    const { input } = this.parts[field];
    return input && input.getRootNode().activeElement === input;
  }

  drawChips(part, options, value) {
    const one = part.row.kind === "one";
    const chosen = one ? [value] : value || [];
    const shape = JSON.stringify(options.map(([word, , title]) => [word, title]));
    if (part.shape !== shape) {
      const focused = part.list.getRootNode().activeElement;
      const had = part.nodes ? part.nodes.indexOf(focused) : -1;
      const word = had >= 0 ? part.words[had] : null;
      part.shape = shape;
      part.words = options.map(([option]) => option);
      part.nodes = options.map(([option, label, title]) => make("button", {
        type: "button", class: "wb-chip", role: one ? "radio" : null, title: title || null, text: label, on: { click: () => this.press(part, option) },
      }));
      part.list.replaceChildren(...part.nodes);
      if (had >= 0 && part.words.includes(word)) part.nodes[part.words.indexOf(word)].focus();
    }
    options.forEach(([, label], i) => put(part.nodes[i], label));
    part.chosen = [...chosen];
    this.light(part);
    if (part.other && one && document.activeElement !== part.other && !this.typingIn(part.other)) {
      part.other.value = part.words.includes(value) ? "" : String(value ?? "");
    }
  }

  typingIn(node) { return node.getRootNode().activeElement === node; }

  light(part) {
    const one = part.row.kind === "one";
    const some = part.words.some((word) => part.chosen.includes(word));
    part.nodes.forEach((node, i) => {
      const on = part.chosen.includes(part.words[i]);
      node.classList.toggle("wb-on", on);
      node.setAttribute(one ? "aria-checked" : "aria-pressed", String(on));
      if (one) node.tabIndex = on || (!some && i === 0) ? 0 : -1;
    });
  }

  tell() {
    const notes = this.model.get("notes") || {};
    for (const [field, part] of Object.entries(this.parts)) {
      const { text = "", wrong = false, held = false, hide = false } = notes[field] || {};
      part.root.hidden = hide;
      put(part.note, text);
      part.note.hidden = !text;
      part.note.className = `wb-note ${wrong ? "wb-wrong" : "wb-hint"}`;
      if (wrong) part.note.setAttribute("role", "alert"); else part.note.removeAttribute("role");
      for (const node of part.list ? part.nodes : [part.input]) node.disabled = held;
      if (part.other) part.other.disabled = held;
      if (part.input) { if (wrong) part.input.setAttribute("aria-invalid", "true"); else part.input.removeAttribute("aria-invalid"); }
      if (wrong && text) { const folded = part.note.closest("details"); if (folded) folded.open = true; }
    }
  }

  // ---- what a person says

  send(command, field, more) {
    this.sent[field] = (this.sent[field] || 0) + 1;
    this.model.send({ command, field, view: this.me, number: this.sent[field], ...more });
  }

  set(field, value) { this.send("set", field, { value }); }

  press(part, value) {
    const on = part.row.kind === "one" || !part.chosen.includes(value);
    part.chosen = part.row.kind === "one" ? [value] : on ? [...part.chosen, value] : part.chosen.filter((one) => one !== value);
    this.light(part);
    this.send("press", part.row.field, { value, on });
  }

  add(part) {
    const value = part.other.value.trim();
    if (!value || value === part.last) return;
    if (part.row.kind !== "one") part.other.value = "";
    this.send("add", part.row.field, { value });
  }

  move(event, part) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const at = part.nodes.indexOf(part.list.getRootNode().activeElement);
    const next = (Math.max(at, 0) + by + part.nodes.length) % part.nodes.length;
    this.press(part, part.words[next]);
    part.nodes[next].focus();
    event.preventDefault();
  }
}

export default {
  render({ model, el }) {
    const form = new Form(model, el);
    return () => form.close();
  },
};
