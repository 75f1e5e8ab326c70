// The one script of a report: draws the figures from their JSON blocks, switches light and dark, prepares for paper.
(() => {
  "use strict";
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; label(); });
  system.addEventListener("change", label);
  label();

  const contents = document.querySelector("nav.contents details");
  if (window.matchMedia("(max-width: 70rem)").matches) contents.open = false;

  const plots = [...document.querySelectorAll(".plot")];
  const options = { displayModeBar: false, responsive: true, doubleClick: "reset" };
  const draw = (node) => {
    const { data, layout } = JSON.parse(document.getElementById(node.dataset.figure).textContent);
    return Plotly.newPlot(node, data, layout, options);
  };
  if (window.Plotly) plots.forEach((node) => draw(node).catch((error) => console.error(error)));

  // Paper is narrower than the screen, and what is folded there cannot be opened.
  const folded = [];
  window.addEventListener("beforeprint", () => {
    contents.open = true;
    document.querySelectorAll("main details:not([open])").forEach((one) => { one.open = true; folded.push(one); });
    if (window.Plotly) plots.forEach((node) => Plotly.relayout(node, { width: 640, autosize: false }));
  });
  window.addEventListener("afterprint", () => {
    folded.splice(0).forEach((one) => { one.open = false; });
    if (window.Plotly) plots.forEach((node) => Plotly.relayout(node, { width: null, autosize: true }));
  });
})();
