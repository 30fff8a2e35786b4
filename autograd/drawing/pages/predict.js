// Predicting: a question for each gradient, asked at its step of the backward pass, or one for each leaf.

const TRIES = 2;
const [OFF, PRODUCT, LOCAL, LEAVES] = [0, 1, 2, 3]; // levels
let level = OFF;
const answers = new Map(); // key of a question → { typed, tries, right }
let latest = { key: "", hint: "" }; // the question that was answered last, and what was said to the answer
let open = 0; // questions without an answer

const productOf = (edge) => `product ${edge.e}`;
const localKeyOf = (edge) => `local ${edge.e}`;
const leafKey = (i) => `leaf ${i}`;

function answered(key) {
  const { right, tries } = answers.get(key) ?? { right: false, tries: 0 };
  return right || tries === TRIES;
}

// The gradient of an edge is hidden while there is a question about it.
const asked = (edge) => (level === LEAVES ? open > 0 : level !== OFF && !answered(productOf(edge)));

const askedLeaves = () => nodes.flatMap((node, i) => (!node.gate && node.role !== "constant" && from[i].length ? [i] : []));

function questions() {
  if (level === OFF || graph.why) return [];
  if (level === LEAVES) return askedLeaves().map(leafKey);
  const sending = turns.flatMap(({ edge }) => (edge && graph.back[edge.e] ? [edge] : []));
  return sending.flatMap((edge) => (level === LOCAL ? [localKeyOf(edge), productOf(edge)] : [productOf(edge)]));
}

function restart() {
  answers.clear();
  latest = { key: "", hint: "" };
  open = questions().length;
}

function last() {
  if (level === LEAVES) return open > 0 ? Math.min(graph.stop, SEED) : graph.stop;
  const k = level === OFF ? -1 : turns.findIndex(({ edge }) => edge && graph.back[edge.e] && asked(edge));
  return k < 0 ? graph.stop : Math.min(graph.stop, SEED + k + 1);
}

const asks = () => ({ [PRODUCT]: " At each step, predict the product.", [LOCAL]: " At each step, predict the local gradient, then the product." }[level] ?? "");

// Put the cursor into the first question, if that neither scrolls the page nor takes it out of a field.
function focusQuestion() {
  const field = document.querySelector("[data-question]");
  const box = field?.getBoundingClientRect();
  if (box && box.top >= 0 && box.bottom <= innerHeight && !document.activeElement.matches("input, select")) field.focus();
}

function score() {
  const done = [...answers].filter(([key]) => answered(key)).map(([, answer]) => answer);
  const right = done.filter((answer) => answer.right);
  if (!done.length) return "";
  const first = right.filter((answer) => answer.tries === 1).length;
  const counted = `${right.length} of ${done.length} right`;
  return `${open ? "" : "Finished: "}${counted}${open && first === right.length ? "" : `, ${first} at the first try`}`;
}

// The number that was typed: a decimal, a fraction or a power of ten. A text says why it is not one.
function readNumber(text) {
  const typed = text.trim().replaceAll("−", "-").replaceAll(" ", "");
  if (!typed) return "Type a number, such as 0.25, -1/4 or 1e-3.";
  if (/^[-+]?\d+,\d+$/.test(typed)) return `Write a point instead of the comma: ${typed.replace(",", ".")}.`;
  const parts = typed.split("/");
  if (parts.length > 2 || !parts.every((part) => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(part))) {
    return `“${short(text.trim(), 20)}” is not a number: write 0.25, -1/4 or 1e-3, for example.`;
  }
  const number = parts.map(Number).reduce((a, b) => a / b);
  return Number.isFinite(number) ? number : "A fraction cannot have 0 below its line.";
}

// Right within 2 %, or if it rounds to the digits that the picture shows.
const close = (typed, truth) => Math.abs(typed - truth) <= 0.02 * Math.abs(truth) || shown(typed, digits) === shown(truth, digits);

// Each question has its true answer, the results of known mistakes with their hints, and a hint for any other mistake.
function aboutProduct(edge) {
  const { upstream, local, downstream } = graph.back[edge.e];
  const [u, l] = [precise(upstream), precise(local)];
  const before = from[edge.from].slice(0, from[edge.from].indexOf(edge)).filter((other) => graph.back[other.e]);
  const sum = before.reduce((total, other) => total + graph.back[other.e].downstream, downstream);
  return {
    key: productOf(edge), name: `what ${nodes[edge.to].name} sends to ${nodes[edge.from].name}`, truth: downstream,
    mistakes: [
      [local, `That is the local gradient alone, without the upstream: multiply it by ${u}.`],
      [upstream, `That is the upstream alone: multiply it by the local gradient, ${l}.`],
      [upstream + local, "Upstream and local gradient are multiplied, not added."],
      ...(before.length ? [[sum, `That is the sum so far: how much of it does ${nodes[edge.to].name} send?`]] : []),
    ],
    hint: `Multiply upstream and local gradient: ${u} × ${l}.`,
  };
}

function aboutLocal(edge) {
  const { local, downstream } = graph.back[edge.e];
  const [out, x] = [nodes[edge.to].name, nodes[edge.from].name];
  return {
    key: localKeyOf(edge), name: `the local gradient of ${out} by ${x}`, truth: local,
    mistakes: [
      [downstream, "That is the product already: the local gradient leaves the upstream out."],
      [graph.data[edge.from], `That is ${x} itself: how fast does ${out} change when ${x} does?`],
      [graph.data[edge.to], `That is the output itself: how fast does ${out} change when ${x} does?`],
    ],
    hint: `How much does ${nodes[edge.to].formula} change, for each unit that ${x} does?`,
  };
}

function aboutLeaf(i) {
  const { name } = nodes[i];
  const flows = from[i].flatMap((edge) => graph.back[edge.e] ?? []);
  const truth = graph.gradient[i];
  const paths = `${name} is used ${flows.length} times, and the gradients of all its paths add up.`;
  const several = flows.length < 2 ? [] : [
    ...flows.map(({ downstream }) => [downstream, `That is the gradient by one path alone: ${paths}`]),
    ...flows.map(({ downstream }) => [truth - downstream, `One path is missing: ${paths}`]),
  ];
  const local = flows.map((flow) => [flow.local, "That is a local gradient alone: multiply it by the upstream, the gradient of the gate it goes into."]);
  return {
    key: leafKey(i), name: `d${nodes[ROOT].name}/d${name}`, truth, mistakes: [...several, ...local],
    hint: "Go back from the end, gate by gate: upstream × local = downstream; where paths meet, add.",
  };
}

function hintFor(typed, { truth, mistakes, hint }) {
  const known = mistakes.find(([wrong]) => close(typed, wrong));
  if (known) return known[1];
  if (close(typed, -truth)) return "The size is right: look at the sign.";
  const factor = typed / truth;
  for (const k of [2, 3, 4, 5, 6, 8, 9, 10, 100]) {
    for (const [ratio, text] of [[k, `${k} times too large`], [1 / k, `${k} times too small`]]) {
      if (Math.abs(Math.abs(factor) / ratio - 1) < 0.02) return `A factor is wrong: this is ${text}${factor < 0 ? ", and has the wrong sign" : ""}.`;
    }
  }
  return hint;
}

// The field of a question, or its answer.
function ask(question) {
  const { key, name, truth } = question;
  const answer = answers.get(key);
  if (answered(key)) return make("td", {}, `${precise(truth)} ${answer.right ? "✓ right" : "✗ not quite"}`);
  const field = make("input", { type: "text", size: 6, "aria-label": `your answer: ${name}`, "data-question": key });
  if (answer) field.value = answer.typed;
  field.setAttribute("aria-invalid", String(answer !== undefined));
  const form = make("form", {}, field, make("button", { type: "submit" }, "Check"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check(question, field.value);
  });
  return make("td", {}, form);
}

function check(question, text) {
  const { key, truth } = question;
  const typed = readNumber(text);
  const { tries } = answers.get(key) ?? { tries: 0 };
  if (typeof typed === "string") {
    answers.set(key, { typed: text, tries, right: false });
    latest = { key, hint: typed };
  } else {
    const right = close(typed, truth);
    answers.set(key, { typed: text, tries: tries + 1, right });
    latest = { key, hint: answered(key) ? "" : `Not yet. ${hintFor(typed, question)}` };
    if (answered(key)) open -= 1;
  }
  steps.again();
  const next = document.querySelector(`[data-question="${key}"]`) ?? document.querySelector("[data-question]");
  (next ?? document.querySelector(".stepper .main")).focus();
  next?.select();
}
