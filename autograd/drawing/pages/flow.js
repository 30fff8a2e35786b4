// The graph of the page, and both passes over it by the rules of its gates.

const { digits } = DATA;
const FORMULA = 40; // letters of a local gradient's formula, and of why it holds; a longer one is not shown

// The nodes, inputs first. A leaf has name, role and data; a gate has name, gate (a key of DATA.gates) and inputs.
let nodes, ROOT, gates, SEED;
// One edge for each input of each gate. `into` and `from` list those of each node, the latter in backward order.
let edges, into, from;
// The steps of the backward pass: one for each gradient that a gate sends, and one for a gate that sends none.
let turns, turnOf;
let place; // of each gate in the order of the forward pass
let given; // the values of the leaves
let graph; // both passes, of compute()

let step = 0;
const learns = (i) => nodes[i].role !== "constant";
const rowOf = (node) => DATA.gates[node.gate];

function load(found) {
  nodes = found;
  ROOT = nodes.length - 1;
  nodes.forEach(complete);
  gates = nodes.flatMap((node, i) => (node.gate ? [i] : []));
  SEED = gates.length + 1; // the step at which the gradient of the root is set to 1
  edges = nodes.flatMap((node, to) => node.inputs.map((input, slot) => ({ from: input, to, slot })));
  edges.forEach((edge, e) => (edge.e = e));
  into = nodes.map(() => []);
  from = nodes.map(() => []);
  edges.forEach((edge) => into[edge.to].push(edge));
  [...gates].reverse().forEach((i) => into[i].forEach((edge) => from[edge.from].push(edge)));
  turns = [...gates].reverse().flatMap((gate) => {
    const { outputs } = rowOf(nodes[gate]).local;
    const sent = into[gate].filter((edge) => learns(edge.from) && outputs[edge.slot] !== null);
    return (sent.length ? sent : [null]).map((edge) => ({ gate, edge }));
  });
  turnOf = new Map(turns.flatMap(({ edge }, k) => (edge ? [[edge.e, k]] : [])));
  place = new Map(gates.map((i, k) => [i, k]));
  given = nodes.map((node) => node.data);
  graph = compute();
}

// Write the formula of a node and what a picture writes on it.
function complete(node) {
  if (!node.gate) return;
  const gate = rowOf(node);
  const operands = operandsOf(node);
  node.formula = formulaOf(gate, operands);
  const power = gate.name === "pow" && nodes[node.inputs[0]].role !== "constant" && nodes[node.inputs[1]].role === "constant";
  node.symbol = power ? formulaOf(gate, ["x", operands[1]]) : gate.symbol;
}

const operandsOf = (node) => node.inputs.map((i) => (nodes[i].role === "constant" ? nodes[i].data : nodes[i].name));

// The local gradient of an edge in words: its formula, unless this is the number, and why its choices were made.
function localText(edge) {
  const node = nodes[edge.to];
  const numbers = [edge.to, ...node.inputs].map((i) => graph.data[i]);
  const { formula, why } = localFormulasOf(rowOf(node), node.name, operandsOf(node), numbers)[edge.slot];
  const told = formula.replace("−", "-") === precise(graph.back[edge.e].local) || formula.length > FORMULA;
  return [...(told ? [] : [`= ${formula}`]), ...(why && why.length <= FORMULA ? [`because ${why}`] : [])].join(", ");
}

// Run every gate forward and backward. `back[e]` holds the upstream, local and downstream gradient of an edge: null if
// the gate passes none, undefined if the pass stopped before. `stop` is the last step that can be shown; if a value or a
// slope does not exist there, `why` is the error.
function compute() {
  const data = [...given];
  const back = edges.map(() => undefined);
  const gradient = nodes.map(() => 0);
  const at = (i) => nodes[i].inputs.map((input) => `${nodes[input].name} = ${precise(data[input])}`).join(", ");
  for (const [k, i] of gates.entries()) {
    const x = nodes[i].inputs.map((input) => data[input]);
    data[i] = forwardOf(rowOf(nodes[i]), x);
    if (!Number.isFinite(data[i]) && x.every(Number.isFinite)) {
      return { data, back, gradient, stop: k, why: `${nodes[i].symbol} has no finite value at ${at(i)}` };
    }
  }
  gradient[ROOT] = 1;
  for (const i of [...gates].reverse()) {
    const x = nodes[i].inputs.map((input) => data[input]);
    const local = localOf(rowOf(nodes[i]), data[i], x);
    for (const edge of into[i]) {
      const slope = local[edge.slot];
      const passes = slope !== null && learns(edge.from);
      if (passes && !Number.isFinite(slope) && x.every(Number.isFinite)) {
        const stop = SEED + turns.findIndex((turn) => turn.gate === i);
        return { data, back, gradient, stop, why: `${nodes[i].symbol} has no slope at ${at(i)}` };
      }
      back[edge.e] = passes ? { upstream: gradient[i], local: slope, downstream: gradient[i] * slope } : null;
      if (passes) gradient[edge.from] += back[edge.e].downstream;
    }
  }
  return { data, back, gradient, stop: SEED + turns.length, why: "" };
}

// The state at a step.
const forwardDone = (i) => !nodes[i].gate || place.get(i) < step;
const sent = (edge) => turnOf.get(edge.e) < step - SEED;
const seen = (edge) => graph.back[edge.e] && sent(edge) && !asked(edge);
const turn = () => (step > SEED ? turns[step - SEED - 1] : null);
const current = () => (step === 0 || step === SEED ? null : step < SEED ? gates[step - 1] : turn().gate);

// The edges that carry gradients into a node, those computed so far, and the sum of these.
function flowing(i) {
  const all = from[i].filter((edge) => graph.back[edge.e] !== null);
  const come = all.filter(seen);
  const sum = come.reduce((total, edge) => total + graph.back[edge.e].downstream, i === ROOT && step >= SEED ? 1 : 0);
  return { all, come, sum, known: come.length > 0 || (i === ROOT && step >= SEED) };
}
