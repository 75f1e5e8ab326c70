// The playground: the form above, the answers below. What it shows is in the traits; what a person asks for goes to
// Python as a message, with all that it needs, so that nothing depends on which trait arrived first.

const TYPED = 180;
const WORDS = {
  looking: "Looking", nothing: "Nothing to ask", asleep: "Not loaded", loading: "Loading", ready: "Ready",
  answering: "Answering", dead: "Ended",
};
const NUMBERS = [
  ["max_new_tokens", "Most tokens", { min: 1, max: 4096, step: 1 }],
  ["temperature", "Temperature", { min: 0.01, max: 10, step: 0.1 }],
  ["top_p", "Top p", { min: 0.001, max: 1, step: 0.05 }],
  ["seed", "Seed", { min: 0, step: 1 }],
];
let forms = 0;

class Playground {
  constructor(model, el) {
    this.model = model;
    this.id = `wb-play-${(forms += 1)}`;
    this.answers = new Answers();
    this.root = make("section", { class: "wb wb-playground", "aria-label": "Playground", on: { keydown: (event) => this.key(event) } });
    this.root.append(this.head(), this.trouble(), this.asking(), this.answers.node, this.rendered(), this.saving());
    el.append(this.root);
    this.listen();
    this.draw();
  }

  // ---- building

  head() {
    this.state = make("b", { class: "wb-play-state", role: "status" });
    this.title = make("span", { class: "wb-play-title" });
    this.doing = make("span", { class: "wb-play-quiet", "aria-live": "polite" });
    this.memory = make("span", { class: "wb-play-quiet wb-play-memory" });
    this.load = this.button("Load", () => this.model.send({ command: "load" }));
    this.free = this.button("Free the memory", () => this.model.send({ command: "free" }));
    return make("header", {}, this.state, this.title, this.doing, make("span", { class: "wb-grow" }), this.memory, this.load, this.free);
  }

  trouble() {
    this.problem = make("p", { class: "wb-problem", role: "alert" });
    this.log = make("pre", { tabindex: 0, role: "region", "aria-label": "Last lines of the log" });
    return make("div", {}, this.problem, this.log);
  }

  asking() {
    this.area = make("textarea", { id: `${this.id}-prompt`, rows: 3, spellcheck: "false", on: { input: () => this.typed() } });
    this.seen = make("p", { class: "wb-play-seen", "aria-live": "polite" });
    this.samples = make("div", { class: "wb-play-chips", role: "group", "aria-label": "Prompts to begin with" });
    this.slots = make("div", { class: "wb-play-chips", role: "group", "aria-label": "Who answers" });
    this.ask = this.button("Ask", () => this.send(), "wb-play-ask");
    this.stop = this.button("Stop", () => this.model.send({ command: "stop" }));
    this.why = make("span", { class: "wb-play-quiet", role: "status" });
    return make("div", { class: "wb-play-form" },
      make("label", { for: this.area.id, text: "Prompt" }), make("div", {}, this.area, this.seen),
      make("span", { class: "wb-play-word-of", text: "Try" }), this.samples,
      make("span", { class: "wb-play-word-of", text: "Answer" }), this.slots,
      make("span", { class: "wb-play-word-of", text: "How" }), this.settings(),
      make("span"), make("div", { class: "wb-play-row" }, this.ask, this.stop, this.why));
  }

  settings() {
    const group = `${this.id}-how`;
    const radio = (text, greedy) => {
      const box = make("input", { type: "radio", name: group, on: { change: () => this.set({ greedy }) } });
      return [box, make("label", {}, box, text)];
    };
    const [likeliest, first] = radio("likeliest token", true);
    const [drawn, second] = radio("drawn", false);
    this.radios = [likeliest, drawn];
    this.fields = new Map(NUMBERS.map(([name, text, limits]) => {
      const box = make("input", { type: "number", ...limits, id: `${this.id}-${name}`, "aria-describedby": `${this.id}-wrong`, on: { input: () => this.set({ [name]: box.value === "" ? null : Number(box.value) }) } });
      return [name, { box, label: make("label", { for: box.id }, text, box) }];
    }));
    this.chat = make("input", { type: "checkbox", on: { change: () => this.set({ chat: this.chat.checked }) } });
    this.chatLabel = make("label", {}, this.chat, "as a chat message");
    this.wrong = make("p", { class: "wb-play-wrong", id: `${this.id}-wrong`, role: "alert" });
    const field = (name) => this.fields.get(name).label;
    return make("div", {}, make("div", { class: "wb-play-row" },
      make("span", { class: "wb-play-radios", role: "radiogroup", "aria-label": "Which token is taken" }, first, second),
      field("temperature"), field("top_p"), field("seed"), field("max_new_tokens"), this.chatLabel), this.wrong);
  }

  rendered() {
    this.asked = make("pre", { tabindex: 0, role: "region", "aria-label": "The prompt as the model got it" });
    this.askedBox = make("details", { class: "wb-play-more" }, make("summary", { text: "The prompt as the model got it" }), this.asked);
    return this.askedBox;
  }

  saving() {
    this.expected = make("input", { type: "text", id: `${this.id}-expected`, spellcheck: "false", on: { input: () => this.typed(), keydown: (event) => { if (event.key === "Enter") this.save(); } } });
    this.file = make("input", { type: "text", id: `${this.id}-file`, spellcheck: "false", class: "wb-play-file" });
    this.kept = make("p", { class: "wb-play-kept", role: "status" });
    this.command = make("pre", { tabindex: 0, hidden: true, role: "region", "aria-label": "What asks the file" });
    this.item = make("details", { class: "wb-play-more" }, make("summary", { text: "Save as an item" }),
      make("div", { class: "wb-play-row" },
        make("label", { for: this.expected.id, class: "wb-play-wide" }, "Right answer", this.expected),
        make("label", { for: this.file.id, class: "wb-play-wide" }, "File", this.file), this.button("Save", () => this.save())),
      this.kept, this.command);
    return this.item;
  }

  button(text, click, name = "") { return make("button", { class: `wb-button ${name}`, type: "button", text, on: { click } }); }

  // ---- what a person does

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target === this.area) {
      event.preventDefault();
      event.stopPropagation();
      if (!this.ask.disabled) this.send();
    } else if (!(event.ctrlKey || event.metaKey || event.altKey) && !["Tab", "Escape"].includes(event.key)) event.stopPropagation();
  }

  typed() {
    clearTimeout(this.later);
    this.later = setTimeout(() => this.push(), TYPED);
    this.drawButtons();
  }

  push() {
    clearTimeout(this.later);
    this.later = null;
    this.model.set({ prompt: this.area.value, expected: this.expected.value });
    this.model.save_changes();
  }

  set(changes) {
    this.model.set("settings", { ...this.model.get("settings"), ...changes });
    clearTimeout(this.setting);
    this.setting = setTimeout(() => this.model.save_changes(), TYPED);
    this.drawSettings();
  }

  choose(name) {
    const chosen = new Set(this.model.get("chosen"));
    if (!chosen.delete(name)) chosen.add(name);
    this.model.set("chosen", this.model.get("slots").map((slot) => slot.name).filter((one) => chosen.has(one)));
    this.model.save_changes();
    this.drawSlots();
    this.drawButtons();
  }

  take(sample) {
    this.area.value = sample.text;
    this.expected.value = sample.expected;
    this.push();
    this.area.focus();
    this.drawButtons();
  }

  send() {
    this.push();
    this.model.send({ command: "ask", prompt: this.area.value, slots: this.model.get("chosen"), settings: this.model.get("settings") });
    put(this.why, "asking …");
  }

  save() {
    this.push();
    put(this.kept, "saving …");
    this.model.send({ command: "save", prompt: this.area.value, expected: this.expected.value, file: this.file.value });
  }

  // ---- drawing

  listen() {
    const on = {
      "change:state change:doing change:title change:memory change:problem change:log": () => this.drawHead(),
      "change:answers change:tail": () => this.drawAnswers(),
      "change:slots change:chosen": () => this.drawSlots(),
      "change:settings change:wrong change:has_chat": () => this.drawSettings(),
      "change:prompt change:expected": () => this.drawTyped(),
      "change:look": () => this.drawSeen(),
      "change:samples": () => this.drawSamples(),
      "change:saved change:items_file": () => this.drawSaved(),
    };
    this.off = Object.entries(on).flatMap(([events, call]) => {
      const both = () => { call(); this.drawButtons(); };
      return events.split(" ").map((event) => {
        this.model.on(event, both);
        return () => this.model.off(event, both);
      });
    });
  }

  draw() {
    this.drawHead(); this.drawTyped(); this.drawSeen(); this.drawSamples(); this.drawSlots(); this.drawSettings(); this.drawAnswers(); this.drawSaved();
    this.drawButtons();
  }

  get busy() { return ["loading", "answering"].includes(this.model.get("state")); }

  drawHead() {
    const state = this.model.get("state");
    const { predicted, measured, device } = this.model.get("memory");
    this.root.dataset.state = state;
    put(this.state, WORDS[state] || state);
    put(this.title, this.model.get("title"));
    this.root.setAttribute("aria-label", `Playground of ${this.model.get("title")}`);
    put(this.doing, this.model.get("doing"));
    const held = measured ? `memory ${bytes(measured)} (about ${bytes(predicted || 0)} predicted)` : predicted ? `will take about ${bytes(predicted)} of memory` : "";
    put(this.memory, device ? `${held}, ${bytes(device)} on the GPU` : held);
    put(this.problem, this.model.get("problem"));
    this.problem.hidden = !this.problem.textContent;
    put(this.log, this.model.get("log").join("\n"));
    this.log.hidden = !this.log.textContent;
    put(this.load, state === "dead" ? "Start again" : "Load");
    this.load.hidden = !["asleep", "dead", "loading"].includes(state);
    this.load.disabled = state === "loading" || !this.model.get("chosen").length;
    this.free.hidden = !["loading", "ready", "answering"].includes(state);
  }

  drawTyped() {
    if (this.later) return;
    // What a person types is sent a moment later, and comes back as it was.
    if (this.area.value !== this.model.get("prompt")) this.area.value = this.model.get("prompt");
    if (this.expected.value !== this.model.get("expected")) this.expected.value = this.model.get("expected");
  }

  drawSeen() {
    const { tokens, context, unknown = [], cut } = this.model.get("look");
    const said = [];
    if (tokens) said.push(make("span", { class: context && tokens >= context ? "wb-play-bad" : null, text: `${cut ? "more than " : ""}${several(tokens, "token")}${context ? ` of ${many(context)}` : ""}` }));
    if (unknown.length) said.push(make("span", { text: ` · ${unknown.length === 1 ? "a word that the model does not know: " : "words that the model does not know, and reads all alike: "}` }), ...unknown.map((word) => make("span", { class: "wb-play-unknown", text: word })));
    this.seen.replaceChildren(...said);
  }

  drawSamples() {
    const samples = this.model.get("samples");
    this.samples.replaceChildren(...samples.map((sample) => make("button", { class: "wb-play-chip", type: "button", title: sample.text, "aria-label": `${sample.kind}: ${sample.text}`, on: { click: () => this.take(sample) } },
      make("i", { text: sample.kind }), sample.text.length > 44 ? `${sample.text.slice(0, 42)}…` : sample.text)));
    this.samples.hidden = this.samples.previousSibling.hidden = !samples.length;
  }

  drawSlots() {
    const chosen = new Set(this.model.get("chosen"));
    const slots = this.model.get("slots");
    const shape = JSON.stringify(slots);
    if (shape !== this.slotShape) {
      this.slotShape = shape;
      this.slots.replaceChildren(...slots.map(({ name, about, why }) => make("button", { class: "wb-play-chip wb-play-slot", type: "button", "data-name": name, title: why || about, disabled: Boolean(why), text: name, "aria-label": `${name}, ${why || about}`, on: { click: () => this.choose(name) } })));
      const idle = slots.filter((slot) => slot.why);
      if (idle.length) this.slots.append(make("span", { class: "wb-play-quiet", text: idle.slice(0, 3).map((slot) => `${slot.name}: ${slot.why}`).join("; ") + (idle.length > 3 ? ` and ${idle.length - 3} more` : "") }));
    }
    for (const node of this.slots.querySelectorAll("button")) node.setAttribute("aria-pressed", chosen.has(node.dataset.name));
  }

  drawSettings() {
    const settings = this.model.get("settings");
    const wrong = this.model.get("wrong");
    this.radios[0].checked = settings.greedy;
    this.radios[1].checked = !settings.greedy;
    for (const [name, { box, label }] of this.fields) {
      const text = settings[name] === null || settings[name] === undefined ? "" : String(settings[name]);
      if (document.activeElement !== box && box.value !== text) box.value = text;
      box.setAttribute("aria-invalid", name in wrong);
      label.hidden = settings.greedy && name !== "max_new_tokens";
    }
    this.chat.checked = Boolean(settings.chat);
    this.chatLabel.hidden = !this.model.get("has_chat");
    put(this.wrong, Object.values(wrong).join(". "));
    this.wrong.hidden = !this.wrong.textContent;
  }

  drawAnswers() {
    const whole = this.model.get("answers");
    const tail = this.model.get("tail");
    let picture = whole;
    if (whole.slots && tail.id === whole.id && tail.stamp === whole.stamp) {
      picture = { ...whole, ends: tail.ends, tokens: Object.fromEntries(whole.slots.map((slot) => [slot, [...whole.tokens[slot], ...(tail.tokens[slot] || [])]])) };
    }
    this.answers.draw(picture);
    put(this.asked, picture.rendered || "");
    this.askedBox.hidden = !picture.rendered;
    this.figures = picture.over && picture.figures?.seconds ? `${several(picture.figures.tokens, "token")} in ${figures(picture.figures.seconds, 2)} s, the first after ${figures(picture.figures.first, 2)} s` : "";
  }

  drawSaved() {
    const { text = "", command = "", problem = "" } = this.model.get("saved");
    if (document.activeElement !== this.file) this.file.value = this.file.value || this.model.get("items_file");
    put(this.kept, problem || (text && `${text}. This asks it:`));
    this.kept.classList.toggle("wb-play-bad", Boolean(problem));
    put(this.command, command);
    this.command.hidden = !command;
  }

  drawButtons() {
    const state = this.model.get("state");
    const wrong = Object.values(this.model.get("wrong"));
    const why = this.busy ? "" : state === "nothing" || state === "looking" ? "nobody to ask" : !this.area.value.trim() ? "type a prompt" : !this.model.get("chosen").length ? "choose who answers" : wrong[0] || "";
    this.ask.disabled = this.busy || Boolean(why);
    this.ask.hidden = this.busy;
    this.stop.hidden = state !== "answering";
    const first = state === "asleep" || state === "dead" ? "Ctrl+Enter; loads first" : "Ctrl+Enter";
    put(this.why, why || (this.busy ? this.model.get("doing") : this.figures || first));
    this.load.disabled = state === "loading" || !this.model.get("chosen").length;
  }
}

export default {
  render({ model, el }) {
    const view = new Playground(model, el);
    return () => { view.off.forEach((off) => off()); clearTimeout(view.later); clearTimeout(view.setting); };
  },
};
