// The form for a trial that joins a running sweep: fields with new values, and the step after which it is made. A clone's fields are
// chosen from those that may change, an added trial's are typed. What is wrong is said by the kernel and shown here; what was
// typed stays until it is right.

class NewcomerForm {
  constructor(ui, { command, trial = "", close }) {
    this.ui = ui;
    this.command = command;
    this.trial = trial;
    this.close = () => { clearTimeout(this.timer); close(); };
    this.id = `${command} ${trial} ${Date.now()}`;
    this.lines = [];
    const word = command === "clone" ? `Clone ${trial}` : "Add a trial";
    this.place = make("div", { class: "wb-lines" });
    this.step = make("input", { class: "wb-step", inputmode: "numeric", placeholder: "now", "aria-label": `After which step ${trial ? `of ${trial}` : "of the trial that is furthest"}; empty is now`, autocomplete: "off" });
    this.submit = make("button", { class: "wb-button wb-small", type: "submit", text: word });
    this.problem = make("p", { class: "wb-problem", role: "alert", hidden: true });
    this.node = make("form", { class: "wb-newcomer", "aria-label": word, autocomplete: "off", on: { submit: (event) => { event.preventDefault(); this.send(); }, keydown: (event) => this.key(event) } },
      make("p", { class: "wb-newcomer-about", text: command === "clone" ? `A copy that trains beside ${trial}, from its weights as they are, with:` : "Another trial beside these, from the beginning: the sweep’s own fields with:" }),
      this.place,
      make("div", { class: "wb-newcomer-end" },
        make("button", { class: "wb-button wb-small", type: "button", text: "Another field", on: { click: () => this.line().focus() } }),
        make("label", { title: "Empty is now" }, "after step ", this.step),
        make("span", { class: "wb-grow" }), this.submit,
        make("button", { class: "wb-button wb-small", type: "button", text: "Cancel", on: { click: () => this.close() } })),
      this.problem);
    this.first = this.line();
  }

  offers() { return this.ui.model.get("offers") || {}; }
  now(field) { return ((this.offers().now || {})[this.trial] || {})[field] || ""; }

  line() {
    const field = this.command === "clone" ? this.select() : this.typed();
    const value = make("input", { class: "wb-value", "aria-label": "Its new value" });
    const hint = () => { const now = this.now(field.value); value.placeholder = now ? `now ${now}` : "value"; };
    const line = { field, value };
    const away = make("button", { class: "wb-button wb-small wb-away", type: "button", text: "×", "aria-label": "Take this field away", on: { click: () => this.remove(line) } });
    line.node = make("div", { class: "wb-field" }, field, make("span", { "aria-hidden": "true", text: "=" }), value, away);
    for (const event of ["input", "change"]) field.addEventListener(event, hint);
    hint();
    this.lines.push(line);
    this.place.append(line.node);
    this.count();
    return field;
  }

  select() {
    const { common = [], others = [] } = this.offers();
    const taken = this.lines.map((one) => one.field.value);
    const options = (fields) => fields.map((name) => make("option", { value: name, text: name }));
    const node = make("select", { "aria-label": "Field" }, ...options(common), make("optgroup", { label: "Seldom changed" }, ...options(others)));
    node.value = [...common, ...others].find((name) => !taken.includes(name)) || "";
    return node;
  }

  typed() {
    const { free = [] } = this.offers();
    this.known ||= make("datalist", { id: `wb-fields-${Math.random().toString(36).slice(2)}` }, ...free.map((name) => make("option", { value: name })));
    if (!this.known.isConnected) this.place.after(this.known);
    const taken = this.lines.map((one) => one.field.value);
    const node = make("input", { class: "wb-free", "aria-label": "Field", placeholder: "train.learning_rate", list: this.known.id, spellcheck: "false" });
    if (!this.lines.length) node.value = free.find((name) => !taken.includes(name)) || "";
    return node;
  }

  remove(line) {
    this.lines = this.lines.filter((one) => one !== line);
    line.node.remove();
    this.count();
    this.lines.at(-1).value.focus();
  }

  count() { this.place.classList.toggle("wb-one", this.lines.length === 1); }

  key(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.close();
  }

  send() {
    const changes = this.lines.map((one) => [one.field.value.trim(), one.value.value.trim()]);
    this.say("");
    this.submit.disabled = true;
    this.ui.model.send({ command: this.command, trial: this.trial, changes, at: this.step.value.trim(), form: this.id });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.submit.disabled = false; this.say(UNHEARD); }, ANSWER);
  }

  // The kernel's word on what was sent: closed when it was right.
  heard(answer) {
    if (answer.form !== this.id) return;
    clearTimeout(this.timer);
    this.submit.disabled = false;
    if (answer.problem) this.say(answer.problem); else this.close();
  }

  say(text) { this.problem.hidden = !text; put(this.problem, text); }
  focus() { this.first.focus(); }
}
