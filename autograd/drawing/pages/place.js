// Lays out a graph with Graphviz, which is on the page as WebAssembly: the same picture as that of the page of one expression.

let graphviz;
const { letter, longest, labels, uses: MANY, reach: FAR } = DATA.sizes;

const wide = (text, least) => Math.max(least, letter * Math.min([...text].length, longest) + 20);
const named = (node) => [wide(`${node.name} = `, 60) + 40, 42];

function sizeOf(node) {
  if (node.gate) return [Math.max(46, letter * [...node.symbol].length + 20, letter * Math.min([...node.name].length, longest) + 14), 46];
  return node.named ? named(node) : [60, 36];
}

// The sheet of the nodes that have been loaded: a box for each, an arrow for each edge, copies of hubs, the root's name.
function sheetOf() {
  const { copies, source } = plan(window.innerWidth < 600);
  const laid = JSON.parse(graphviz.layout(source, "json0", "dot"));
  const boxes = nodes.map((_, i) => ({ nodes: [i] }));
  return { boxes, arrows: edges.map(({ e }) => [e]), copies, dense: edges.length >= labels, wide: laid };
}

function plan(down) {
  const ends = nodes[ROOT].gate ? [[ROOT, nodes.length]] : [];
  const sizes = [...nodes.map(sizeOf), ...ends.map(() => [wide(nodes[ROOT].name, 48), 40])];
  const arrows = edges.map(({ from, to }) => [from, to]);
  const copies = [];
  for (const [hub, groups] of hubsOf(arrows)) {
    let first = 1;
    for (const [k, group] of groups.entries()) {
      if (k > 0) {
        group.forEach((e) => (arrows[e][0] = sizes.length));
        copies.push({ of: hub, first, last: first + group.length - 1, uses: groups.flat().length });
        sizes.push(named(nodes[hub]));
      }
      first += group.length;
    }
  }
  const straight = copies.length ? spineOf(arrows) : new Set();
  return { copies, source: sourceOf(sizes, [...arrows, ...ends], straight, down) };
}

function sourceOf(sizes, arrows, straight, down) {
  const label = arrows.length <= labels ? 'label=" \\n-0.000e+00\\n-0.000e+00" ' : "";
  const inches = (points) => (points / 72).toFixed(4);
  return [
    "digraph {",
    `graph [rankdir=${down ? "TB" : "LR"} nodesep=0.25 ranksep=0.4]`,
    'node [fixedsize=true label="" shape=box]',
    "edge [fontsize=11]",
    ...sizes.map(([width, height], i) => `n${i} [width=${inches(width)} height=${inches(height)}]`),
    ...arrows.map(([tail, end], e) => `n${tail} -> n${end} [${label}${straight.has(e) ? "weight=10 " : ""}id=e${e}]`),
    "}",
  ].join("\n");
}

// The nodes whose uses are far apart, each with its arrows in groups by the column of their ends.
function hubsOf(arrows) {
  const columns = nodes.map(() => 0);
  for (const [tail, end] of [...arrows].reverse()) columns[tail] = Math.min(columns[tail], columns[end] - 1);
  const groups = new Map();
  const reach = nodes.map(() => 0);
  arrows.forEach(([tail, end], e) => {
    if (!groups.has(tail)) groups.set(tail, new Map());
    const own = groups.get(tail);
    own.set(columns[end], [...(own.get(columns[end]) ?? []), e]);
    reach[tail] += Math.max(columns[end] - columns[tail] - 1, 0);
  });
  const apart = [...groups.keys()].filter((node) => groups.get(node).size > 1);
  const hubs = new Set(apart.filter((node) => [...groups.get(node).values()].flat().length >= MANY));
  let left = reach.reduce((sum, far, node) => (hubs.has(node) ? sum : sum + far), 0);
  for (const node of [...apart].sort((a, b) => reach[b] - reach[a])) {
    if (left > FAR && !hubs.has(node)) {
      hubs.add(node);
      left -= reach[node];
    }
  }
  const sorted = (own) => [...own].sort(([a], [b]) => a - b).map(([, group]) => group);
  return new Map(apart.filter((node) => hubs.has(node)).map((node) => [node, sorted(groups.get(node))]));
}

// For each node its arrow on the longest path, not from a copy: these are drawn straight.
function spineOf(arrows) {
  const depth = nodes.map(() => 0);
  const deepest = new Map();
  arrows.forEach(([tail, end], e) => {
    if (tail > ROOT) return;
    if (!deepest.has(end) || depth[tail] > depth[arrows[deepest.get(end)][0]]) deepest.set(end, e);
    depth[end] = Math.max(depth[end], depth[tail] + 1);
  });
  return new Set(deepest.values());
}
