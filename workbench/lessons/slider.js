// A native range input, and below it what one value comes to. All cards were made beforehand, so it answers without a kernel.
function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "wl-slider";
  const label = document.createElement("label");
  const name = document.createElement("span");
  name.textContent = model.get("label");
  const input = document.createElement("input");
  input.type = "range";
  input.dataset.lmSuppressShortcuts = "true"; // else JupyterLab takes the arrow keys for itself
  input.min = 0;
  input.max = model.get("words").length - 1;
  const value = document.createElement("output");
  const card = document.createElement("div");
  const draw = () => {
    const at = model.get("at");
    input.value = at;
    input.setAttribute("aria-valuetext", model.get("words")[at]);
    value.textContent = model.get("words")[at];
    card.innerHTML = model.get("cards")[at]; // made and escaped in cards.py
  };
  input.addEventListener("input", () => {
    model.set("at", Number(input.value));
    model.save_changes();
    draw();
  });
  model.on("change:at", draw);
  label.append(name, input, value);
  box.append(label, card);
  el.append(box);
  draw();
  return () => model.off("change:at", draw);
}
export default { render };
