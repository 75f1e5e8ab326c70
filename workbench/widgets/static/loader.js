// Loading into the form: a list of the newest sweeps, read when it is opened, and a field for a path.

export default {
  render({ model, el }) {
    const list = make("select", {
      class: "wb-input", "aria-label": "Load a sweep",
      on: { focus: () => model.send({ command: "look" }), pointerdown: () => model.send({ command: "look" }), change: () => { if (list.value) load(list.value); } },
    });
    const path = make("input", {
      class: "wb-input", type: "text", spellcheck: "false", autocomplete: "off", placeholder: "or a path: spec.yaml, a sweep's folder", "aria-label": "Path to load",
      on: { keydown: (event) => { if (event.key === "Enter") load(path.value); } },
    });
    const button = make("button", { class: "wb-button wb-small", type: "button", text: "Load", on: { click: () => load(path.value || list.value) } });
    const said = make("span", { class: "wb-quiet", role: "status" });
    const problem = make("p", { class: "wb-note wb-wrong", role: "alert", hidden: true });
    const root = make("section", { class: "wb wb-form wb-loader", "aria-label": "Load" }, list, path, button, said, problem);
    root.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey || event.altKey) && !["Tab", "Escape"].includes(event.key)) event.stopPropagation();
    });
    el.append(root);

    function load(which) { model.send({ command: "load", path: which }); }

    function draw() {
      const sweeps = model.get("sweeps") || [];
      const shape = JSON.stringify(sweeps);
      if (shape !== list.dataset.shape) {
        list.dataset.shape = shape;
        const chosen = list.value;
        list.replaceChildren(make("option", { value: "", text: `Load a sweep of ${model.get("folder")} …` }),
          ...sweeps.map(([where, text]) => make("option", { value: where, text })));
        list.value = sweeps.some(([where]) => where === chosen) ? chosen : "";
      }
      put(problem, model.get("problem"));
      problem.hidden = !problem.textContent;
      const loaded = model.get("loaded");
      put(said, loaded ? `loaded ${loaded}` : "");
    }
    model.on("change", draw);
    draw();
    return () => model.off("change", draw);
  },
};
