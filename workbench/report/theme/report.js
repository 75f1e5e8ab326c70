// The one script of a report: draws the figures from their JSON blocks, switches light and dark, prepares for paper.
(() => {
  "use strict";
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  // Kept nowhere: a page that was opened from a file has no storage of its own.
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; label(); });
  system.addEventListener("change", label);
  label();

  const contents = document.querySelector("nav.contents details");
  const narrow = window.matchMedia("(max-width: 70rem)");
  const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  contents.open = !narrow.matches;
  narrow.addEventListener("change", () => { contents.open = !narrow.matches; });
  contents.addEventListener("click", (event) => { if (narrow.matches && event.target.closest("a")) contents.open = false; });

  // The section that is read is the last whose heading has passed the upper third; at the end of the page, where no more
  // can pass, the one that was asked for, or the last.
  const headings = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  let here;
  const follow = () => {
    const isEnd = window.innerHeight + window.scrollY >= root.scrollHeight - 2;
    const top = (one) => one.getBoundingClientRect().top;
    const passed = headings.filter((one) => top(one) < window.innerHeight * (isEnd ? 1 : 1 / 3));
    const asked = passed.find((one) => one.id === window.location.hash.slice(1) && top(one) >= 0);
    const link = links.get(((isEnd && asked) || passed.at(-1) || headings[0])?.id);
    if (link === here) return;
    here?.removeAttribute("aria-current");
    link?.setAttribute("aria-current", "location");
    here = link;
  };
  let waiting = false;
  window.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; follow(); });
  }, { passive: true });
  window.addEventListener("hashchange", follow);
  follow();

  const plots = [...document.querySelectorAll(".plot")];
  const options = { displayModeBar: false, responsive: true, doubleClick: "reset" };
  const draw = (node) => {
    const { data, layout } = JSON.parse(document.getElementById(node.dataset.figure).textContent);
    return Plotly.newPlot(node, data, layout, options);
  };
  if (window.Plotly) plots.forEach((node) => draw(node).catch((error) => console.error(error)));

  // Paper is narrower than the screen, and what is folded there cannot be opened.
  const folded = [];
  const width = 660;
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("main details:not([open])").forEach((one) => { one.open = true; folded.push(one); });
    if (window.Plotly) plots.forEach((node) => Plotly.relayout(node, { width, autosize: false }));
  });
  window.addEventListener("afterprint", () => {
    folded.splice(0).forEach((one) => { one.open = false; });
    if (window.Plotly) plots.forEach((node) => Plotly.relayout(node, { width: null, autosize: true }));
  });
})();
