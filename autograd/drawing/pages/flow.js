// Computes both passes of the expression, from the gates' rules in GATES.

const { nodes, digits } = DATA;
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

// The steps of the backward pass: one for each gradient that a gate sends, and one for a gate that sends none.
const turns = [...gates].reverse().flatMap((gate) => {
  const sent = into[gate].filter((edge) => learns(edge.from) && nodes[gate].locals[edge.slot] !== "no gradient");
  return (sent.length ? sent : [null]).map((edge) => ({ gate, edge }));
});
const turnOf = new Map(turns.flatMap(({ edge }, k) => (edge ? [[edge.e, k]] : [])));
const firstTurn = (gate) => turns.findIndex((turn) => turn.gate === gate);

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
  for (const i of [...gates].reverse()) {
    const x = nodes[i].inputs.map((input) => data[input]);
    const local = GATES[nodes[i].gate].local(data[i], x);
    for (const edge of into[i]) {
      const passes = local[edge.slot] !== null && learns(edge.from);
      const slope = Number(local[edge.slot]);
      if (passes && !Number.isFinite(slope) && x.every(Number.isFinite)) {
        return { data, back, gradient, stop: SEED + firstTurn(i), why: `${nodes[i].symbol} has no slope at ${at(i)}` };
      }
      back[edge.e] = passes ? { upstream: gradient[i], local: slope, downstream: gradient[i] * slope } : null;
      if (passes) gradient[edge.from] += back[edge.e].downstream;
    }
  }
  return { data, back, gradient, stop: SEED + turns.length, why: "" };
}

// The state at a step.
let step = 0;
let predicting = false;
const guesses = new Map(); // edge → whether the guess was right
const place = new Map(gates.map((i, k) => [i, k]));
const forwardDone = (i) => !nodes[i].gate || place.get(i) < step;
const sent = (edge) => turnOf.get(edge.e) < step - SEED;
const seen = (edge) => graph.back[edge.e] && sent(edge) && (!predicting || guesses.has(edge.e));
const turn = () => (step > SEED ? turns[step - SEED - 1] : null);
const current = () => (step === 0 || step === SEED ? null : step < SEED ? gates[step - 1] : turn().gate);
const asks = ({ edge }) => edge && graph.back[edge.e] && !guesses.has(edge.e);

// The edges that carry gradients into a node, those computed so far, and the sum of these.
function flowing(i) {
  const all = from[i].filter((edge) => graph.back[edge.e] !== null);
  const come = all.filter(seen);
  const sum = come.reduce((total, edge) => total + graph.back[edge.e].downstream, i === ROOT && step >= SEED ? 1 : 0);
  return { all, come, sum, known: come.length > 0 || (i === ROOT && step >= SEED) };
}

function last() {
  if (!predicting) return graph.stop;
  const k = turns.findIndex(asks);
  return k < 0 ? graph.stop : Math.min(graph.stop, SEED + k + 1);
}
