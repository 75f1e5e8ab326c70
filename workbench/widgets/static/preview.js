// Rows as tokens: what the loss looks at is marked, the rest is grey. Spaces and line ends are shown where a token is one.

function visible(text) { return text.replace(/\n/g, "⏎\n").replace(/\t/g, "⇥"); }

function rowOf({ tokens, length, trained, cut, label }) {
  const line = make("p", { class: "wb-tokens" }, ...tokens.map(([text, on]) => make("span", { class: on ? "wb-token wb-looked-at" : "wb-token", text: visible(text) })));
  const more = length - tokens.length;
  if (more > 0) line.append(make("span", { class: "wb-quiet", text: ` … ${several(more, "token")} more` }));
  if (label !== null && label !== undefined) line.append(make("span", { class: "wb-token wb-looked-at wb-class", text: label }));
  const said = label !== null && label !== undefined ? "its class is learned" : `${many(trained)} in the loss`;
  const counts = make("p", { class: "wb-quiet wb-counts", text: `${several(length, "token")}, ${said}${cut ? ", cut at max length" : ""}` });
  return make("li", {}, make("div", { class: "wb-row-line" }, line, counts));
}

export default {
  render({ model, el }) {
    const state = make("p", { class: "wb-quiet", role: "status" });
    const problem = make("p", { class: "wb-note wb-wrong", role: "alert", hidden: true });
    const list = make("ol", { class: "wb-rows" });
    const before = make("button", { class: "wb-button wb-small", type: "button", text: "Previous", on: { click: () => turn(-1) } });
    const after = make("button", { class: "wb-button wb-small", type: "button", text: "Next", on: { click: () => turn(1) } });
    const where = make("span", { class: "wb-quiet" });
    const legend = make("p", { class: "wb-quiet wb-legend" }, make("span", { class: "wb-token wb-looked-at", text: "marked" }), make("span", { text: " is what the loss looks at, " }),
      make("span", { class: "wb-token", text: "grey" }), make("span", { text: " is read and not learned" }));
    const pager = make("div", { class: "wb-pager" }, before, after, where);
    el.append(make("section", { class: "wb wb-form wb-preview", "aria-label": "Rows as they are tokenised" }, state, problem, list, pager, legend));

    function turn(by) {
      const page = model.get("page") || {};
      model.send({ command: "page", first: Math.max(0, (page.first || 0) + by * 5) });
    }

    function draw() {
      const page = model.get("page") || {};
      const rows = page.rows || [];
      const reading = model.get("reading");
      put(state, reading ? "reading … (the first time takes some seconds)" : "");
      state.hidden = !reading;
      put(problem, model.get("problem"));
      problem.hidden = reading || !problem.textContent;
      list.classList.toggle("wb-faded", reading);
      pager.hidden = legend.hidden = !rows.length;
      if (list.dataset.shape !== JSON.stringify(page)) {
        list.dataset.shape = JSON.stringify(page);
        list.start = (page.first || 0) + 1;
        list.replaceChildren(...rows.map(rowOf));
      }
      if (!rows.length) return;
      put(where, `rows ${many(page.first + 1)} to ${many(page.first + rows.length)} of ${many(page.total)} to train on${page.held_out ? `; ${many(page.held_out)} are held out` : ""}`);
      before.disabled = reading || page.first === 0;
      after.disabled = reading || page.first + rows.length >= page.total;
    }
    model.on("change", draw);
    draw();
    return () => model.off("change", draw);
  },
};
