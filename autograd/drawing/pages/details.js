// Details of the node or edge that is hovered or focused.

const MOST = 16; // nodes that are listed of a folded box or of an arrow
let looked = null; // the data attributes of the box or line

function look(at) {
  looked = at;
  if (at === null) return;
  const { node, box, line } = at;
  const list = node !== undefined ? lookAtNode(Number(node)) : box !== undefined ? lookAtScope(boxes[box]) : lookAtLine(lines[line].edges);
  byId("details").replaceChildren(...list);
}

function line(text, type = "") {
  return make("p", type ? { class: type } : {}, text);
}

function lookAtNode(i) {
  const node = nodes[i];
  const { all, come, sum, known } = flowing(i);
  const title = make("h3", {}, node.name);
  const value = forwardDone(i) ? precise(graph.data[i]) : "not computed";
  const parts = [title, line(node.gate ? `${rowOf(node).name}: ${rowOf(node).doc}` : node.role, "pale")];
  if (node.scope) parts.push(line(`in ${node.scope}`, "pale"));
  parts.push(line(node.gate ? `value = ${node.formula} = ${value}` : `value = ${value}`));
  if (!learns(i)) return parts;
  for (const edge of come) {
    const { upstream, local, downstream } = graph.back[edge.e];
    parts.push(line(`from ${nodes[edge.to].name}: ${precise(upstream)} × ${precise(local)} = ${precise(downstream)}`, "gradient"));
  }
  const sums = come.length > 1 ? ` = ${come.map((edge) => precise(graph.back[edge.e].downstream)).join(" + ")}` : "";
  const partly = come.length < all.length ? `, ${come.length} of ${all.length} so far` : "";
  parts.push(line(`gradient${all.length > 1 ? " = Σ upstream × local" : ""}${sums} = ${known ? precise(sum) : "not computed"}${partly}`, "gradient"));
  return parts;
}

function lookAtScope({ nodes: inside, scope }) {
  const gates = inside.filter((i) => nodes[i].gate);
  const parameters = inside.filter((i) => nodes[i].role === "parameter");
  const parts = [make("h3", {}, scope), line(`${gates.length} gates and ${parameters.length} parameters, folded`, "pale")];
  return [...parts, ...outputsOf(inside).slice(0, MOST).map(balance)];
}

// A node in one line: its value and its gradient.
function balance(i) {
  const { sum, known } = flowing(i);
  const value = forwardDone(i) ? precise(graph.data[i]) : "not computed";
  return line(`${nodes[i].name} = ${value}, gradient ${known ? precise(sum) : "not computed"}`);
}

function lookAtLine(own) {
  if (own.length < 2) return lookAtEdge(own[0]);
  const title = make("h3", {}, `${boxName(boxOf[own[0].from])} → ${boxName(boxOf[own[0].to])}`);
  const sources = [...new Set(own.map((edge) => edge.from))];
  return [title, line(`${own.length} edges from ${sources.length} nodes`, "pale"), ...sources.slice(0, MOST).map(balance)];
}

function lookAtEdge(edge) {
  const source = edge === undefined ? ROOT : edge.from;
  const target = edge === undefined ? "the output" : nodes[edge.to].name;
  const parts = [make("h3", {}, `${nodes[source].name} → ${target}`)];
  parts.push(line(`value = ${forwardDone(source) ? precise(graph.data[source]) : "not computed"}`));
  if (edge === undefined) parts.push(line(`gradient = ${step >= SEED ? "1, where backward begins" : "not computed"}`, "gradient"));
  else if (!learns(edge.from) || graph.back[edge.e] === null) parts.push(line("no gradient flows here", "pale"));
  else if (!seen(edge)) parts.push(line("downstream gradient = not computed", "gradient"));
  else {
    const { upstream, local, downstream } = graph.back[edge.e];
    parts.push(line(`upstream × local = downstream: ${precise(upstream)} × ${precise(local)} = ${precise(downstream)}`, "gradient"));
    const text = localText(edge);
    if (text) parts.push(line(`local = ${precise(local)} ${text}`, "pale"));
  }
  return parts;
}

for (const kind of ["pointerover", "focusin"]) {
  svg.addEventListener(kind, (event) => {
    const found = event.target.closest("[data-node], [data-box], [data-line]");
    if (found) look({ ...found.dataset });
  });
}
