// "Also try": rows of a field and the values to give it. A row is drawn anew only when rows come or go; what a person is
// typing stays.

class AlsoTry {
  constructor(model, el) {
    this.model = model;
    this.list = make("div", { class: "wb-also-rows" });
    this.more = make("button", { class: "wb-button wb-small", type: "button", text: "Also try …", title: "Vary one more field", on: { click: () => { this.added = true; model.send({ command: "add" }); } } });
    this.root = make("section", { class: "wb wb-form wb-also", "aria-label": "Also try" }, this.list, this.more);
    this.root.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey || event.altKey) && !["Tab", "Escape"].includes(event.key)) event.stopPropagation();
    });
    el.append(this.root);
    this.nodes = [];
    this.call = () => this.draw();
    model.on("change:rows", this.call);
    this.draw();
  }

  close() { this.model.off("change:rows", this.call); }

  draw() {
    const rows = this.model.get("rows") || [];
    const active = this.root.getRootNode().activeElement;
    if (rows.length !== this.nodes.length) {
      this.nodes = rows.map((row, place) => this.row(place));
      this.list.replaceChildren(...this.nodes.map((node) => node.root));
    }
    rows.forEach((row, place) => {
      const node = this.nodes[place];
      if (![...node.field.options].some((option) => option.value === row.field)) node.field.append(make("option", { value: row.field, text: row.field }));
      node.field.value = row.field;
      if (node.values !== active) node.values.value = row.values;
      node.field.disabled = node.values.disabled = row.linked;
      node.values.placeholder = this.example(row.field);
      node.values.setAttribute("aria-label", row.field ? `Values of ${this.label(row.field)}` : "Values to try");
      put(node.note, row.wrong || (row.linked ? "These fields move together, as the spec that was loaded says; remove the row to let go of them." : ""));
      node.note.hidden = !node.note.textContent;
      node.note.className = `wb-note ${row.wrong ? "wb-wrong" : "wb-hint"}`;
      if (row.wrong) node.note.setAttribute("role", "alert"); else node.note.removeAttribute("role");
    });
    if (this.added && rows.length) { this.added = false; this.nodes[rows.length - 1].field.focus(); }
  }

  label(field) { return (this.model.get("offered").find(([key]) => key === field) || [field, field])[1]; }
  example(field) { return (this.model.get("offered").find(([key]) => key === field) || ["", "", ""])[2]; }

  row(place) {
    const field = make("select", { class: "wb-input", "aria-label": "Field to vary", on: { change: () => this.change(place) } },
      make("option", { value: "", text: "choose a field" }),
      ...this.model.get("offered").map(([key, label]) => make("option", { value: key, text: label === key ? key : `${label} (${key})` })));
    const values = make("input", { class: "wb-input", type: "text", spellcheck: "false", autocomplete: "off", on: { input: () => this.change(place) } });
    const remove = make("button", { class: "wb-button wb-small", type: "button", text: "Remove", on: { click: () => { this.model.send({ command: "remove", row: place }); this.more.focus(); } } });
    const note = make("p", { class: "wb-note", hidden: true });
    return { root: make("div", { class: "wb-also-row" }, field, values, remove, note), field, values, note };
  }

  change(place) {
    const { field, values } = this.nodes[place];
    this.model.send({ command: "change", row: place, field: field.value, values: values.value });
  }
}

export default {
  render({ model, el }) {
    const also = new AlsoTry(model, el);
    return () => also.close();
  },
};
