// Computes both passes of the expression, from the gates' rules in GATES.

const { nodes, places, copies, routes, digits } = DATA; // the last place and route belong to the box with the root's name
const ROOT = nodes.length - 1;
const gates = nodes.flatMap((node, i) => (node.gate ? [i] : []));
const SEED = gates.length + 1; // the step at which the gradient of the root is set to 1

// One edge for each input of each gate, in the order of the layout. The layout has one more, to the root's name.
const edges = nodes.flatMap((node, to) => node.inputs.map((from, slot) => ({ from, to, slot })));
edges.forEach((edge, e) => (edge.e = e));
const into = nodes.map(() => []);
const from = nodes.map(() => []); // in backward order
edges.forEach((edge) => into[edge.to].push(edge));
[...gates].reverse().forEach((i) => into[i].forEach((edge) => from[edge.from].push(edge)));
const learns = (i) => nodes[i].role !== "constant";

const given = nodes.map((node) => node.data); // current values of the leaves
let graph = compute();

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
    data[i] = Number(GATES[nodes[i].gate].forward(x));
    if (!Number.isFinite(data[i]) && x.every(Number.isFinite)) {
      return { data, back, gradient, stop: k, why: `${nodes[i].symbol} has no finite value at ${at(i)}` };
    }
  }
  gradient[ROOT] = 1;
  for (const [k, i] of [...gates].reverse().entries()) {
    const x = nodes[i].inputs.map((input) => data[input]);
    const local = GATES[nodes[i].gate].local(data[i], x);
    for (const edge of into[i]) {
      const passes = local[edge.slot] !== null && learns(edge.from);
      const slope = Number(local[edge.slot]);
      if (passes && !Number.isFinite(slope) && x.every(Number.isFinite)) {
        return { data, back, gradient, stop: SEED + k, why: `${nodes[i].symbol} has no slope at ${at(i)}` };
      }
      back[edge.e] = passes ? { upstream: gradient[i], local: slope, downstream: gradient[i] * slope } : null;
      if (passes) gradient[edge.from] += back[edge.e].downstream;
    }
  }
  return { data, back, gradient, stop: SEED + gates.length, why: "" };
}

// The state at a step.
let step = 0;
let predicting = false;
const guesses = new Map(); // edge → whether the guess was right
const place = new Map(gates.map((i, k) => [i, k]));
const forwardDone = (i) => !nodes[i].gate || place.get(i) < step;
const backwardDone = (i) => place.has(i) && gates.length - 1 - place.get(i) < step - SEED;
const seen = (edge) => graph.back[edge.e] && backwardDone(edge.to) && (!predicting || guesses.has(edge.e));
const current = () =>
  step === 0 || step === SEED ? null : step < SEED ? gates[step - 1] : gates[gates.length - (step - SEED)];
const asked = (i) => into[i].filter((edge) => graph.back[edge.e] && !guesses.has(edge.e));

// The edges that carry gradients into a node, those computed so far, and the sum of these.
function flowing(i) {
  const all = from[i].filter((edge) => graph.back[edge.e] !== null);
  const come = all.filter(seen);
  const sum = come.reduce((total, edge) => total + graph.back[edge.e].downstream, i === ROOT && step >= SEED ? 1 : 0);
  return { all, come, sum, known: come.length > 0 || (i === ROOT && step >= SEED) };
}

function last() {
  if (!predicting) return graph.stop;
  for (let k = 1; SEED + k <= graph.stop; k++) if (asked(gates[gates.length - k]).length) return SEED + k;
  return graph.stop;
}
