// The rules of the gates, which the page has as steps: a step is an operation on cells, which hold the inputs, then the
// constants, then one result a step. On numbers the steps compute; on texts they write a formula, at numbers with the branch
// of each choice that is taken there.

const ATOM = 6; // precedence of a name and of a call
const COMPARISONS = ["<", "<=", ">", ">="];
const FOLDED = new Set(["add", "sub", "mul", "neg", "abs", ...COMPARISONS]);
const NEUTRAL = { add: 0, mul: 1 }; // left operands that change nothing
const ORDERS = { "<": "<", "<=": "≤", "=": "=", "=>": "≥", ">": ">", "<>": "≠" }; // how two numbers compare
const LONGEST = 1000; // letters of a formula; a longer part is written as …

function runSteps({ constants, steps, outputs }, inputs) {
  const cells = [...inputs, ...constants.map(Number)];
  for (const [operation, ...operands] of steps) cells.push(OPERATIONS[operation](...operands.map((cell) => cells[cell])));
  return outputs.map((cell) => (cell === null ? null : Number(cells[cell])));
}

const forwardOf = (gate, inputs) => runSteps(gate.forward, inputs)[0];
const localOf = (gate, out, inputs) => runSteps(gate.local, [out, ...inputs]); // null for an input without gradient

// The output of a gate as a formula of its operands, which are names and numbers.
function formulaOf(gate, operands) {
  if (gate.written) return writeSteps(gate.written, operands)[0].text;
  const all = operands.map((operand) => cellOf(operand).text);
  return `${gate.name}(${(all.length > 8 ? [...all.slice(0, 6), "…", all.at(-1)] : all).join(", ")})`;
}

// The local gradients at these numbers of the output and the inputs: each a formula, and why its choices were made, if it
// has any; null for an input without gradient.
function localFormulasOf(gate, out, operands, numbers) {
  const found = writeSteps(gate.local, [out, ...operands], numbers);
  return found.map((cell) => cell && { formula: cell.text, why: reasons(cell.facts) });
}

// The cells of the results. With numbers of the operands, formulas are folded and choices decided.
function writeSteps({ constants, steps, outputs }, operands, numbers) {
  const cells = [...operands.map((operand, i) => cellOf(operand, numbers?.[i])), ...constants.map((x) => cellOf(Number(x)))];
  for (const [operation, ...places] of steps) {
    const parts = places.map((cell) => cells[cell]);
    const cell = operation === "where" ? choose(...parts) : compose(operation, parts, Boolean(numbers));
    cells.push(cell.text.length > LONGEST ? { ...cell, text: "…", binding: ATOM } : cell);
  }
  return outputs.map((cell) => (cell === null ? null : cells[cell]));
}

function compose(operation, parts, folds) {
  const written = (folds && fold(operation, parts)) || write(operation, parts);
  const at = OPERATIONS[operation](...parts.map((part) => part.at));
  return { ...written, at, facts: joined(parts.map((part) => part.facts)) };
}

// The branch that is taken; if the branches differ, with the fact that decides it.
function choose(condition, yes, no) {
  const taken = condition.at ? yes : no;
  if (condition.number !== undefined || yes.text === no.text) return taken;
  const compares = COMPARISONS.includes(condition.operation);
  const [left, right] = compares ? condition.parts : [condition, cellOf(0)];
  const holds = compares ? condition.operation : "<>";
  const orders = [..."<=>"].filter((sign) => holds.includes(sign) === Boolean(condition.at)).join("");
  const fact = new Map([[`${left.text}\n${right.text}`, orders]]);
  return { ...taken, facts: joined([fact, taken.facts]) };
}

// Facts, each the orders that two numbers may have, by the formulas of the two.
function joined(all) {
  const found = new Map();
  for (const facts of all) {
    for (const [pair, orders] of facts) found.set(pair, [...orders].filter((sign) => (found.get(pair) ?? orders).includes(sign)).join(""));
  }
  return found;
}

function reasons(facts) {
  const known = [...facts].filter(([, orders]) => ORDERS[orders]).map(([pair, orders]) => pair.replace("\n", ` ${ORDERS[orders]} `));
  return known.join(" and ");
}

function cellOf(operand, at = NaN) {
  if (typeof operand === "string") return { text: operand, binding: ATOM, at, facts: new Map() };
  return { number: operand, text: general(operand), binding: operand < 0 ? FUNCTIONS.mul.binding : ATOM, at: operand, facts: new Map() };
}

// A number as a formula shows it: six digits at most.
function general(x) {
  if (!Number.isFinite(x)) return shown(x, 0).replace("-", "−");
  const [digits, exponent] = x.toExponential(5).split("e").map(Number);
  const power = `e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  const text = exponent < -4 || exponent > 5 ? `${digits}${power}` : String(Number(x.toPrecision(6)));
  return text.replaceAll("-", "−");
}

// Leave out what a reader does not expect: 1·x, x/1, x¹, 0 + x and operations on numbers.
function fold(operation, parts) {
  const [a, b] = parts;
  const number = (cell) => cell.number !== undefined;
  if (operation === "<=" && b.number === Number.MAX_VALUE) return cellOf(1); // a guard against infinite inputs
  if ((operation === "pow" || operation === "div") && b.number === 1) return a;
  if (operation in NEUTRAL && a.number === NEUTRAL[operation]) return b;
  if (FOLDED.has(operation) && parts.every(number)) {
    return cellOf(Number(OPERATIONS[operation](...parts.map((part) => part.number))));
  }
  return null;
}

function write(operation, parts) {
  const { sign, binding, mathematics } = FUNCTIONS[operation];
  const texts = parts.map((part) => part.text);
  const made = (text, bound) => ({ text, binding: bound, operation, parts });
  const product = FUNCTIONS.mul.binding;
  if (operation === "neg") return made(`−${wrap(parts[0], product)}`, product);
  if (operation === "mul" && texts[0] === texts[1]) return made(power(parts[0], cellOf(2)), 5);
  if (operation === "pow") return made(power(...parts), 5);
  if (!sign) return made(mathematics ? mathematics.replaceAll("{}", () => texts[0]) : `${operation}(${texts.join(", ")})`, ATOM);
  let [left, right] = parts;
  if (operation === "div" && left.operation === "div" && left.parts[1].text === right.text) {
    [left, right] = [left.parts[0], { text: power(right, cellOf(2)), binding: 5 }]; // a/b/b
  }
  const between = { mul: "·", div: "/", sub: " − " }[operation] ?? ` ${sign} `;
  return made(`${wrap(left, binding)}${between}${wrap(right, binding + 1)}`, binding);
}

const wrap = ({ text, binding }, needed) => (binding >= needed ? text : `(${text})`);

function power(base, exponent) {
  const left = wrap(base, ATOM);
  const digits = exponent.text.replace("−", "-");
  return /^-*\d+$/.test(digits) ? left + [...digits].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join("") : `${left}^${wrap(exponent, ATOM)}`;
}
