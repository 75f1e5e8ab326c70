// Named texts with a Copy button each. Where the clipboard is closed to pages, the text is selected instead.

function select(node) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

function box({ title, text }) {
  const root = document.createElement("section");
  root.className = "wb-code";
  root.setAttribute("aria-label", title);
  const head = document.createElement("header");
  const name = document.createElement("span");
  name.textContent = title;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "wb-button wb-small";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${title}`);
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  const pre = document.createElement("pre");
  pre.textContent = text;
  pre.tabIndex = 0;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "copied";
    } catch {
      select(pre);
      said.textContent = "selected: press Ctrl+C";
    }
  });
  head.append(name, button, said);
  root.append(head, pre);
  return root;
}

export default {
  render({ model, el }) {
    el.classList.add("wb");
    const draw = () => el.replaceChildren(...(model.get("texts") || []).map(box));
    model.on("change:texts", draw);
    draw();
    return () => model.off("change:texts", draw);
  },
};
