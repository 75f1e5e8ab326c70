// The head of a part that is closed at first. The body stands beside it in the page; style alone shows and hides it.

export default {
  render({ model, el }) {
    const said = make("span", { class: "wb-quiet" });
    const title = make("span");
    const button = make("button", {
      class: "wb-fold-button", type: "button",
      on: {
        click: () => {
          model.set("is_open", !model.get("is_open"));
          model.save_changes();
        },
        keydown: (event) => { if (event.key.length === 1 || event.key === "Enter") event.stopPropagation(); },
      },
    }, title);
    el.append(make("div", { class: "wb wb-fold-line" }, button, said));
    const draw = () => {
      put(title, model.get("title"));
      put(said, model.get("said"));
      button.setAttribute("aria-expanded", String(model.get("is_open")));
    };
    model.on("change", draw);
    draw();
    return () => model.off("change", draw);
  },
};
