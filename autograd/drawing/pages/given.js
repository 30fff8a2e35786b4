// The page of one expression: its graph, its levels, and links to a step.

const announce = () => byId("link").setAttribute("href", `#step=${step}`);

const levels = byId("levels");
levels.append(...Object.keys(DATA.sheets).map((name) => make("option", { value: name }, name)));
levels.value = DATA.level;
byId("folding").hidden = Object.keys(DATA.sheets).length < 2;
levels.addEventListener("change", () => {
  paint(DATA.sheets[levels.value]);
  scale(Math.max(0.85, Math.min(1.5, fit())));
  steps.again();
});

function follow() {
  const match = /^#step=(\d+)$/.exec(window.location.hash);
  if (match) steps.move(Number(match[1]));
}
window.addEventListener("hashchange", follow);

explore(DATA.nodes, () => DATA.sheets[DATA.level]);
follow();
