// Display of each step, editable leaves, and controls.

let zoom = 1;

// Show another graph, with the sheet that `sheetOf` makes when it is loaded; the step stays where it was, if there is one.
function explore(found, sheetOf) {
  load(found);
  paint(sheetOf());
  listLeaves();
  scale(Math.max(0.85, Math.min(1.5, fit())));
  predict(level);
}

// Update everything that depends on the step.
function show() {
  const now = current();
  shapes.forEach((shape, k) => (boxes[k].scope ? showScope(shape, boxes[k], now) : showNode(shape, boxes[k].nodes[0], now)));
  again.forEach(showCopy);
  lines.forEach((line) => (line.edges.length ? showLine(line, now) : showEnd(line)));
  output.classList.toggle("now", step === SEED);
  byId("sentence").replaceChildren(...sentence(now));
  showGate(now);
  byId("score").textContent = score();
  byId("restart").hidden = level === OFF || answers.size === 0;
  showLeaves();
  look(looked);
  const box = shapes[boxOf[now ?? ROOT]]?.box;
  if (step > 0 && box) bringIntoView(box);
  announce();
}

// Show a step forward as movement: the values into a gate, or a gradient out of it.
function move(now) {
  const seconds = 0.7 / steps.speed();
  if (step > 0 && step < SEED) into[now].forEach(({ e, from }) => travel(e, shown(graph.data[from], digits), "value", seconds));
  const edge = turn()?.edge;
  if (edge && seen(edge)) travel(edge.e, shown(graph.back[edge.e].downstream, digits), "gradient", seconds);
}

function bringIntoView(box) {
  const canvas = byId("canvas");
  const { x, y, width, height } = box.getBBox();
  canvas.scrollTo((x + width / 2) * zoom - canvas.clientWidth / 2, (y + height / 2) * zoom - canvas.clientHeight / 2);
}

// The gradients that have come back to a node, as text.
function arrived(i) {
  const { all, come, sum, known } = flowing(i);
  const still = come.length && come.length < all.length ? ` (${come.length} of ${all.length})` : "";
  return { several: all.length > 1, known, still, total: known ? shown(sum, digits) : "" };
}

const valueOf = (i) => (forwardDone(i) ? shown(graph.data[i], digits) : "not computed");

function showNode({ box, first, below }, i, now) {
  const node = nodes[i];
  const { several, known, still, total } = arrived(i);
  box.classList.toggle("now", i === now);
  box.classList.toggle("waiting", !forwardDone(i));
  box.classList.toggle("adding", still !== "");
  if (!node.gate) first.textContent = `${node.role === "constant" && !node.named ? "" : `${short(node.name, 14)} = `}${valueOf(i)}`;
  if (node.gate) below.textContent = several && known ? `Σ ${total}${still}` : "";
  else if (learns(i)) below.textContent = known ? `${several ? "Σ " : "grad "}${total}${still}` : "";
  const what = node.gate ? `gate ${node.symbol}` : node.role;
  const grad = learns(i) ? `, gradient ${known ? total + still : "not computed"}` : "";
  box.setAttribute("aria-label", `${node.name}, ${what}, value ${valueOf(i)}${grad}`);
}

// A folded scope: how many of its gates are done, or the value of its only output.
function showScope({ box, below }, { nodes: inside, scope }, now) {
  const own = inside.filter((i) => nodes[i].gate);
  const done = own.filter(forwardDone);
  const outputs = outputsOf(inside);
  const value = outputs.length === 1 && done.length === own.length ? `= ${valueOf(outputs[0])}` : "";
  below.textContent = value || `${done.length} of ${own.length} gates`;
  box.classList.toggle("now", inside.includes(now));
  box.classList.toggle("waiting", done.length < own.length);
  box.setAttribute("aria-label", `${scope}, ${done.length} of ${own.length} gates computed${value && `, output ${value}`}`);
}

const outputsOf = (inside) => inside.filter((i) => i === ROOT || from[i].some((edge) => boxOf[edge.to] !== boxOf[i]));

function showCopy({ box, name, of, which }) {
  const { nodes: inside, scope } = boxes[of];
  const i = inside.at(-1);
  name.textContent = scope ? short(boxes[of].title, 18) : `${short(nodes[i].name, 14)} = ${valueOf(i)}`;
  box.classList.toggle("waiting", !forwardDone(i));
  box.setAttribute("aria-label", `${scope || nodes[i].name} again, ${which}, value ${valueOf(i)}`);
}

// An arrow carries the value of one node and the sum of the gradients that come back to it, or how many values.
function showLine({ box, value, gradient, edges: own }, now) {
  const sources = [...new Set(own.map((edge) => edge.from))];
  const flowing = own.filter((edge) => graph.back[edge.e]);
  const back = flowing.filter(seen);
  const hidden = flowing.some((edge) => sent(edge) && asked(edge));
  const single = sources.length === 1;
  const flows = sources.every(forwardDone);
  const amount = back.length && single ? shown(back.reduce((sum, edge) => sum + graph.back[edge.e].downstream, 0), digits) : "";
  value.textContent = !flows ? "" : single ? shown(graph.data[sources[0]], digits) : `${sources.length} values`;
  gradient.textContent = hidden ? "?" : amount;
  box.classList.toggle("now", step < SEED ? own.some((edge) => edge.to === now) : own.includes(turn()?.edge));
  box.classList.toggle("back", back.length > 0 || hidden);
  const names = `from ${boxName(boxOf[own[0].from])} to ${boxName(boxOf[own[0].to])}`;
  box.setAttribute("aria-label", `edge ${names}: value ${value.textContent || "not computed"}, gradient ${amount || "not computed"}`);
}

const boxName = (k) => boxes[k].scope || nodes[boxes[k].nodes[0]].name;

function showEnd({ box, value, gradient }) {
  value.textContent = forwardDone(ROOT) ? shown(graph.data[ROOT], digits) : "";
  gradient.textContent = step >= SEED ? shown(1, digits) : "";
  box.classList.toggle("now", step === SEED);
  box.classList.toggle("back", step >= SEED);
  const words = `value ${value.textContent || "not computed"}, gradient ${gradient.textContent || "not computed"}`;
  box.setAttribute("aria-label", `edge from ${nodes[ROOT].name} to the output: ${words}`);
}

function sentence(now) {
  const root = nodes[ROOT].name;
  if (graph.why && step === graph.stop) {
    return [make("strong", { class: "refused" }, `${graph.why}.`), " Change a leaf to go on."];
  }
  if (step === 0) return ["The leaves have their values. Next: the forward pass, gate by gate."];
  if (step === SEED && level === LEAVES && open) return [make("strong", {}, "Backward"), `: predict the gradient of ${root} by each leaf.`];
  if (step === SEED) return [make("strong", {}, "Backward"), ` begins at the end: d${root}/d${root} = 1.${asks()}`];
  const node = nodes[now];
  const part = (word, k) => make("strong", {}, `${word}, gate ${k} of ${gates.length}: `);
  if (step < SEED) return [part("Forward", step), `${node.name} = ${node.formula} = ${precise(graph.data[now])}`];
  const { edge } = turn();
  const which = part("Backward", gates.length - place.get(now));
  if (!edge || !graph.back[edge.e]) return [which, `${node.name} = ${node.formula} sends no gradient.`];
  const to = nodes[edge.from].name;
  if (!seen(edge)) return [which, `${node.name} = ${node.formula}. Predict what it sends to ${to}.`];
  const { upstream, local, downstream } = graph.back[edge.e];
  const factor = local < 0 ? `(${precise(local)})` : precise(local);
  const sends = `${node.name} = ${node.formula} sends ${precise(upstream)} × ${factor} = ${precise(downstream)} to ${to}`;
  const { all, come, sum } = flowing(edge.from);
  const so = all.length < 2 ? "" : come.length < all.length ? `, which has ${precise(sum)} so far` : `, in all ${precise(sum)}`;
  return [which, `${sends}${so}.`];
}

function row(...cells) {
  return make("tr", { role: "row" }, ...cells.map((cell) => (cell.localName === "td" ? cell : make("td", {}, cell))));
}

// A table, in a narrow window a list: the roles, which are those of a table, hold for both, and each cell has its column's name.
function table(columns, rows) {
  const head = make("tr", { role: "row" }, ...columns.map((column) => make("th", { scope: "col", role: "columnheader" }, column)));
  for (const { cells } of rows) [...cells].forEach((cell, i) => fill(cell, { role: "cell", "data-column": columns[i] }, []));
  return make("table", { role: "table" }, make("thead", {}, head), make("tbody", { role: "rowgroup" }, ...rows));
}

// The current gate: its inputs in the forward pass; its gradients, with the sum so far, in the backward pass. To predict
// the leaves, their questions.
function showGate(now) {
  byId("gate-title").textContent = level === LEAVES && step === SEED ? "The leaves' gradients" : "This gate";
  byId("gate").replaceChildren(...gateTable(now));
  byId("hint").textContent = document.querySelector(`[data-question="${latest.key}"]`) ? latest.hint : "";
}


function gateTable(now) {
  if (level === LEAVES && step === SEED && !graph.why) {
    const rows = askedLeaves().map((i) => row(nodes[i].name, precise(graph.data[i]), ask(aboutLeaf(i))));
    return [table(["leaf", "value", `d${nodes[ROOT].name}/d leaf`], rows)];
  }
  if (now === null) return [make("p", { class: "pale" }, "Step to a gate to see its numbers.")];
  const node = nodes[now];
  if (step < SEED) {
    return [table(["input", "value"], into[now].map((edge) => row(nodes[edge.from].name, precise(graph.data[edge.from]))))];
  }
  const rows = into[now].filter((edge) => learns(edge.from)).map((edge) => {
    const name = nodes[edge.from].name;
    const flow = graph.back[edge.e];
    if (!flow) return row(name, "", "no gradient", "", "");
    if (!sent(edge)) return row(name, "", "", "", "");
    const local = `${precise(flow.local)} ${localText(edge)}`.trim();
    const upstream = precise(flow.upstream);
    if (level === LOCAL && !answered(localKeyOf(edge))) return row(name, upstream, ask(aboutLocal(edge)), "?", "?");
    if (!seen(edge)) return row(name, upstream, local, ask(aboutProduct(edge)), "?");
    const { all, come, sum } = flowing(edge.from);
    const total = all.length > 1 ? `Σ ${precise(sum)} (${come.length} of ${all.length})` : precise(sum);
    const product = answered(productOf(edge)) ? ask(aboutProduct(edge)) : precise(flow.downstream);
    return row(name, upstream, local, product, total);
  });
  const { kink } = rowOf(node);
  const convention = kink ? [make("p", { class: "pale" }, `Convention where it has no slope: ${kink}`)] : [];
  return [table(["into", "upstream", "× local", "= downstream", "gradient so far"], rows), ...convention];
}

// Editable leaves, each by a slider and a field; a change recomputes everything.

const cells = new Map();

function listLeaves() {
  cells.clear();
  const rows = nodes.flatMap((node, i) => {
    if (node.gate || (node.role === "constant" && !node.named)) return [];
    const slider = make("input", { type: "range", step: "any", "aria-label": `slider for ${node.name}` });
    const field = make("input", { type: "number", step: "any", "aria-label": `value of ${node.name}`, "data-leaf": i });
    const gradient = make("td", { class: "gradient" });
    field.addEventListener("input", () => change(i, field.value));
    slider.addEventListener("input", () => {
      field.value = Number(Number(slider.value).toPrecision(3));
      change(i, field.value);
    });
    slider.addEventListener("change", () => setSlider(slider, given[i]));
    cells.set(i, { slider, field, gradient });
    setLeaf(i);
    return [row(node.name, make("div", { class: "leaf" }, slider, field), gradient)];
  });
  byId("leaves").replaceChildren(...rows);
}

function setLeaf(i) {
  const { slider, field } = cells.get(i);
  field.value = precise(given[i]);
  field.setAttribute("aria-invalid", "false");
  setSlider(slider, given[i]);
}

// From −5 to 5, or as far beyond as the value asks for.
function setSlider(slider, x) {
  const most = Math.abs(x) <= 5 ? 5 : 2 * Math.abs(x);
  Object.assign(slider, { min: -most, max: most, value: x });
}

function change(i, text) {
  const typed = Number(text);
  const good = text.trim() !== "" && Number.isFinite(typed);
  cells.get(i).field.setAttribute("aria-invalid", String(!good));
  if (!good) return;
  given[i] = typed;
  if (document.activeElement !== cells.get(i).slider) setSlider(cells.get(i).slider, typed);
  recompute();
}

byId("reset").addEventListener("click", () => {
  nodes.forEach((node, i) => (given[i] = node.data));
  [...cells.keys()].forEach(setLeaf);
  recompute();
});

function recompute() {
  graph = compute();
  restart();
  steps.again();
}

function showLeaves() {
  for (const [i, { gradient }] of cells) {
    const { all, come, sum, known } = flowing(i);
    const partly = come.length < all.length ? ` (${come.length} of ${all.length})` : "";
    gradient.classList.toggle("pale", !known);
    gradient.textContent = !learns(i) ? "" : known ? `${precise(sum)}${partly}` : "not computed";
  }
}

// Predicting, zooming, and the steps.

function predict(chosen) {
  level = chosen;
  restart();
  steps.again();
  if (level !== OFF && step < SEED) steps.move(SEED);
  if (level === LEAVES) steps.move(SEED);
}
byId("predict").addEventListener("change", (event) => predict(Number(event.target.value)));
byId("restart").addEventListener("click", () => predict(level));

function scale(to) {
  zoom = Math.max(0.1, Math.min(4, to));
  svg.setAttribute("width", (width + 16) * zoom);
  svg.setAttribute("height", (height + 26) * zoom);
}
const fit = () => byId("canvas").clientWidth / (width + 20);
byId("larger").addEventListener("click", () => scale(zoom * 1.25));
byId("smaller").addEventListener("click", () => scale(zoom / 1.25));
byId("fit").addEventListener("click", () => scale(fit()));

const steps = stepper(
  byId("stepper"),
  { slider: "step", end: () => graph?.stop ?? 0, step: (s) => (s === 0 ? "start" : s < SEED ? `forward ${s}` : s === SEED ? "backward begins" : `backward ${s - SEED}`) },
  () => (nodes ? last() : 0),
  (to) => {
    if (!nodes) return step; // before the first graph is loaded
    const next = to === step + 1;
    step = to;
    stopTravelling();
    show();
    if (next) move(current());
    focusQuestion();
    return step;
  },
);

// The picture of a step as a file.

const LOOKS = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family", "text-anchor", "display", "paint-order"];
byId("save").addEventListener("click", () => {
  stopTravelling();
  const copy = svg.cloneNode(true);
  const [all, copies] = [svg, copy].map((root) => [...root.querySelectorAll("*")]);
  all.forEach((element, i) => {
    const style = getComputedStyle(element);
    LOOKS.forEach((name) => copies[i].setAttribute(name, style.getPropertyValue(name)));
  });
  saveFile(`step${step}.svg`, "image/svg+xml", new XMLSerializer().serializeToString(copy));
});
