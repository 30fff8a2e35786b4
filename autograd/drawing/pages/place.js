// Lays out a graph with Graphviz, which is on the page as WebAssembly.

let graphviz;
const { letter, longest, labels } = DATA.sizes;

const wide = (text, least) => Math.max(least, letter * Math.min([...text].length, longest) + 20);

function sizeOf(node) {
  if (node.gate) return [Math.max(46, letter * [...node.symbol].length + 20), 46];
  return node.named ? [wide(`${node.name} = `, 60) + 40, 42] : [60, 36];
}

// The sheet of nodes that have been loaded: a box for each, an arrow for each edge, and the root's name.
function sheetOf() {
  const laid = JSON.parse(graphviz.layout(sourceOf(window.innerWidth < 600), "json0", "dot"));
  return { boxes: nodes.map((_, i) => ({ nodes: [i] })), arrows: edges.map(({ e }) => [e]), copies: [], dense: edges.length >= labels, wide: laid };
}

function sourceOf(down) {
  const ends = nodes[ROOT].gate ? [{ from: ROOT, to: nodes.length }] : [];
  const arrows = [...edges, ...ends];
  const label = arrows.length <= labels ? 'label="-0.000e+00\\n-0.000e+00" ' : "";
  const sizes = [...nodes.map(sizeOf), ...ends.map(() => [wide(nodes[ROOT].name, 48), 40])];
  const inches = (points) => (points / 72).toFixed(4);
  return [
    "digraph {",
    `graph [rankdir=${down ? "TB" : "LR"} nodesep=0.25 ranksep=0.4]`,
    'node [fixedsize=true label="" shape=box]',
    "edge [fontsize=11]",
    ...sizes.map(([width, height], i) => `n${i} [width=${inches(width)} height=${inches(height)}]`),
    ...arrows.map(({ from, to }, e) => `n${from} -> n${to} [${label}id=e${e}]`),
    "}",
  ].join("\n");
}
