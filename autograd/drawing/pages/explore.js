// Display of each step, guesses, editable leaves, and controls.

let zoom = 1;

// Update everything that depends on the step.

function show() {
  const now = current();
  nodes.forEach((node, i) => showNode(node, i, now));
  again.forEach(showCopy);
  lines.forEach((line, e) => showEdge(line, edges[e], now));
  output.classList.toggle("now", step === SEED);
  byId("sentence").replaceChildren(...sentence(now));
  byId("gate").replaceChildren(...gateTable(now));
  showLeaves();
  look(looked);
  if (step > 0) bringIntoView(places[now ?? ROOT]);
  byId("link").setAttribute("href", `#step=${step}`);
}

// Show what a step forward moves: the values into a gate, or a gradient out of it.
function move(now) {
  const seconds = 0.7 / steps.speed();
  if (step > 0 && step < SEED) into[now].forEach(({ e, from }) => travel(e, shown(graph.data[from], digits), "value", seconds));
  const edge = turn()?.edge;
  if (edge && seen(edge)) travel(edge.e, shown(graph.back[edge.e].downstream, digits), "gradient", seconds);
}

function bringIntoView({ x, y }) {
  const canvas = byId("canvas");
  canvas.scrollTo(x * zoom - canvas.clientWidth / 2, y * zoom - canvas.clientHeight / 2);
}

function showNode(node, i, now) {
  const { box, first, below } = shapes[i];
  const { all, come, sum, known } = flowing(i);
  const total = known ? shown(sum, digits) : "";
  const still = come.length && come.length < all.length ? ` (${come.length} of ${all.length})` : "";
  box.classList.toggle("now", i === now);
  box.classList.toggle("waiting", !forwardDone(i));
  box.classList.toggle("adding", still !== "");
  const value = forwardDone(i) ? shown(graph.data[i], digits) : "not computed";
  if (!node.gate) first.textContent = `${node.role === "constant" && !node.named ? "" : `${short(node.name, 14)} = `}${value}`;
  if (node.gate) below.textContent = all.length > 1 && known ? `Σ ${total}${still}` : "";
  else if (learns(i)) below.textContent = known ? `${all.length > 1 ? "Σ " : "grad "}${total}${still}` : "";
  const what = node.gate ? `gate ${node.symbol}` : node.role;
  const grad = learns(i) ? `, gradient ${known ? total + still : "not computed"}` : "";
  box.setAttribute("aria-label", `${node.name}, ${what}, value ${value}${grad}`);
}

function showCopy({ box, name, of, which }) {
  const value = forwardDone(of) ? shown(graph.data[of], digits) : "not computed";
  name.textContent = `${short(nodes[of].name, 14)} = ${value}`;
  box.classList.toggle("waiting", !forwardDone(of));
  box.setAttribute("aria-label", `${nodes[of].name} again, ${which}, value ${value}`);
}

function showEdge({ box, value, gradient }, edge, now) {
  const leaving = edge === undefined; // from the root to its name
  const source = leaving ? ROOT : edge.from;
  const flows = forwardDone(source);
  const comes = leaving ? step >= SEED : seen(edge);
  const amount = comes ? shown(leaving ? 1 : graph.back[edge.e].downstream, digits) : "";
  const hidden = !leaving && predicting && graph.back[edge.e] && sent(edge) && !comes;
  value.textContent = flows ? shown(graph.data[source], digits) : "";
  gradient.textContent = hidden ? "?" : amount;
  box.classList.toggle("now", leaving ? step === SEED : step < SEED ? edge.to === now : turn()?.edge === edge);
  box.classList.toggle("back", comes || hidden);
  const names = `from ${nodes[source].name} to ${leaving ? "the output" : nodes[edge.to].name}`;
  box.setAttribute("aria-label", `edge ${names}: value ${value.textContent || "not computed"}, gradient ${amount || "not computed"}`);
}

function sentence(now) {
  const root = nodes[ROOT].name;
  if (graph.why && step === graph.stop) {
    return [make("strong", { class: "refused" }, `${graph.why}.`), " Change a leaf to go on."];
  }
  if (step === 0) return ["The leaves have their values. Next: the forward pass, gate by gate."];
  if (step === SEED) return [make("strong", {}, "Backward"), ` begins at the end: d${root}/d${root} = 1.`];
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
  return make("tr", {}, ...cells.map((cell) => (cell instanceof Element ? cell : make("td", {}, cell))));
}

function head(...cells) {
  return make("thead", {}, make("tr", {}, ...cells.map((cell) => make("th", { scope: "col" }, cell))));
}

// The current gate: its inputs in the forward pass; its gradients, with the sum so far, in the backward pass.
function gateTable(now) {
  if (now === null) return [make("p", { class: "pale" }, "Step to a gate to see its numbers.")];
  const node = nodes[now];
  if (step < SEED) {
    const rows = into[now].map((edge) => row(nodes[edge.from].name, precise(graph.data[edge.from])));
    return [make("table", {}, head("input", "value"), make("tbody", {}, ...rows))];
  }
  const rows = into[now].filter((edge) => learns(edge.from)).map((edge) => {
    const name = nodes[edge.from].name;
    const flow = graph.back[edge.e];
    if (!flow) return row(name, "", "no gradient", "", "");
    const formula = node.locals[edge.slot];
    const local = formula && formula.replace("−", "-") !== precise(flow.local) ? `${precise(flow.local)} = ${formula}` : precise(flow.local);
    if (!sent(edge)) return row(name, "", "", "", "");
    if (!seen(edge)) return row(name, precise(flow.upstream), local, guess(edge, name), "?");
    const verdict = guesses.has(edge.e) ? (guesses.get(edge.e) ? " ✓ right" : " ✗ not quite") : "";
    const { all, come, sum } = flowing(edge.from);
    const total = all.length > 1 ? `Σ ${precise(sum)} (${come.length} of ${all.length})` : precise(sum);
    return row(name, precise(flow.upstream), local, `${precise(flow.downstream)}${verdict}`, total);
  });
  const kink = node.kink ? [make("p", { class: "pale" }, `Convention where it has no slope: ${node.kink}`)] : [];
  const columns = head("into", "upstream", "× local", "= downstream", "gradient so far");
  return [make("table", {}, columns, make("tbody", {}, ...rows)), ...kink];
}

// A field for a guess, which is right within 2 % or if it rounds to the same digits.
function guess(edge, name) {
  const field = make("input", { type: "text", inputmode: "text", size: 8, "aria-label": `your guess for ${name}`, "data-guess": edge.e });
  const check = make("button", { type: "submit" }, "Check");
  const form = make("form", {}, field, check);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = Number(field.value.trim().replace("−", "-").replace(",", "."));
    if (!field.value.trim() || Number.isNaN(typed)) {
      field.setAttribute("aria-invalid", "true");
      return;
    }
    const truth = graph.back[edge.e].downstream;
    const right = Math.abs(typed - truth) <= 0.02 * Math.abs(truth) || shown(typed, digits) === shown(truth, digits);
    guesses.set(edge.e, right);
    const of = [...guesses.values()];
    byId("score").textContent = `${of.filter(Boolean).length} of ${of.length} right`;
    steps.again();
    (document.querySelector("[data-guess]") ?? document.querySelector(".stepper .main")).focus();
  });
  return make("td", {}, form);
}

// Editable leaves; a change recomputes everything.

const cells = new Map();
for (const [i, node] of nodes.entries()) {
  if (node.gate || (node.role === "constant" && !node.named)) continue;
  const field = make("input", { type: "number", step: "any", value: node.data, "aria-label": `value of ${node.name}`, "data-leaf": i });
  const gradient = make("td", { class: "gradient" });
  field.addEventListener("input", () => change(i, field));
  byId("leaves").append(row(node.name, make("td", {}, field), gradient));
  cells.set(i, { field, gradient });
}
byId("reset").addEventListener("click", () => {
  nodes.forEach((node, i) => (given[i] = node.data));
  cells.forEach(({ field }, i) => {
    field.value = nodes[i].data;
    field.setAttribute("aria-invalid", "false");
  });
  recompute();
});

function change(i, field) {
  const typed = Number(field.value);
  const good = field.value.trim() !== "" && Number.isFinite(typed);
  field.setAttribute("aria-invalid", String(!good));
  if (!good) return;
  given[i] = typed;
  recompute();
}

function recompute() {
  guesses.clear();
  byId("score").textContent = "";
  graph = compute();
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

// Predicting, zooming, and the first step.

byId("predict").addEventListener("change", (event) => {
  predicting = event.target.checked;
  guesses.clear();
  byId("score").textContent = "";
  steps.again();
  if (predicting && step < SEED) steps.move(SEED);
});

function scale(to) {
  zoom = Math.max(0.1, Math.min(4, to));
  svg.setAttribute("width", (sheet.width + 16) * zoom);
  svg.setAttribute("height", (sheet.height + 16) * zoom);
}
const fit = () => byId("canvas").clientWidth / (sheet.width + 20);
byId("larger").addEventListener("click", () => scale(zoom * 1.25));
byId("smaller").addEventListener("click", () => scale(zoom / 1.25));
byId("fit").addEventListener("click", () => scale(fit()));
scale(Math.max(0.85, Math.min(1.5, fit())));

const steps = stepper(
  byId("stepper"),
  { slider: "step", step: (s) => (s === 0 ? "start" : s < SEED ? `forward ${s}` : s === SEED ? "backward begins" : `backward ${s - SEED}`) },
  last,
  (to) => {
    const next = to === step + 1;
    step = to;
    stopTravelling();
    show();
    if (next) move(current());
    return step;
  },
);

// A link to a step, and the picture of a step as a file.

function follow() {
  const match = /^#step=(\d+)$/.exec(window.location.hash);
  if (match) steps.move(Number(match[1]));
}
window.addEventListener("hashchange", follow);
follow();

const LOOKS = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family", "text-anchor", "display", "paint-order"];
byId("save").addEventListener("click", () => {
  stopTravelling();
  const copy = svg.cloneNode(true);
  const [all, copies] = [svg, copy].map((root) => [...root.querySelectorAll("*")]);
  all.forEach((element, i) => {
    const style = getComputedStyle(element);
    LOOKS.forEach((name) => copies[i].setAttribute(name, style.getPropertyValue(name)));
  });
  const text = new XMLSerializer().serializeToString(copy);
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "image/svg+xml" })), download: `step${step}.svg` });
  link.click();
  URL.revokeObjectURL(link.href);
});
