// Details of the node or edge that is hovered or focused.

let looked = null;

function look(at) {
  looked = at;
  if (at === null) return;
  const list = "edge" in at ? lookAtEdge(edges[at.edge]) : lookAtNode(at.node);
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
  const parts = [title, line(node.gate ? `${node.gateName}: ${node.doc}` : `${node.role}`, "pale")];
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
    const formula = nodes[edge.to].locals[edge.slot];
    if (formula) parts.push(line(`local = ${formula}`, "pale"));
  }
  return parts;
}

for (const kind of ["pointerover", "focusin"]) {
  svg.addEventListener(kind, (event) => {
    const box = event.target.closest("[data-node], [data-edge]");
    if (!box) return;
    look("edge" in box.dataset ? { edge: Number(box.dataset.edge) } : { node: Number(box.dataset.node) });
  });
}
