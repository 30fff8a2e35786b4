// The rules of the gates, which the page has as steps: a step is an operation on cells, which hold the inputs, then the
// constants, then one result a step. On numbers the steps compute; on texts they write a formula.

const ATOM = 6; // precedence of a name and of a call
const FOLDED = new Set(["add", "sub", "mul", "neg", "abs", "<", "<=", ">", ">="]);
const COMPLEMENT = { ">": "<=", "<=": ">", "<": ">=", ">=": "<" };
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
  if (gate.written) return writeSteps(gate.written, operands, false)[0];
  const all = operands.map((operand) => cellOf(operand).text);
  return `${gate.name}(${(all.length > 8 ? [...all.slice(0, 6), "…", all.at(-1)] : all).join(", ")})`;
}

const localFormulasOf = (gate, out, operands) => writeSteps(gate.local, [out, ...operands], true);

function writeSteps({ constants, steps, outputs }, operands, folds) {
  const cells = [...operands.map(cellOf), ...constants.map((constant) => cellOf(Number(constant)))];
  for (const [operation, ...places] of steps) {
    const parts = places.map((cell) => cells[cell]);
    const cell = (folds && fold(operation, parts)) || write(operation, parts);
    cells.push(cell.text.length > LONGEST ? { ...cell, text: "…", binding: ATOM } : cell);
  }
  return outputs.map((cell) => (cell === null ? null : cells[cell].text));
}

function cellOf(operand) {
  if (typeof operand === "string") return { text: operand, binding: ATOM };
  return { number: operand, text: general(operand), binding: operand < 0 ? FUNCTIONS.mul.binding : ATOM };
}

// A number as a formula shows it: six digits at most.
function general(x) {
  if (!Number.isFinite(x)) return shown(x, 0).replace("-", "−");
  const [digits, exponent] = x.toExponential(5).split("e").map(Number);
  const power = `e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  const text = exponent < -4 || exponent > 5 ? `${digits}${power}` : String(Number(x.toPrecision(6)));
  return text.replaceAll("-", "−");
}

// Leave out what a reader does not expect: 1·x is folded by the rules already; x¹, 0 + x and operations on numbers here.
function fold(operation, parts) {
  const [a, b] = parts;
  const number = (cell) => cell.number !== undefined;
  if (operation === "<=" && b.number === Number.MAX_VALUE) return cellOf(1); // a guard against infinite inputs
  if (operation === "where" && number(a)) return a.number ? b : parts[2];
  if (operation === "pow" && b.number === 1) return a;
  if (operation === "add" && a.number === 0) return b;
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
  if (operation === "where") return made(`${texts[1]} if ${texts[0]} else ${otherwise(...parts).text}`, 0);
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

// The other branch of a choice, without its guard against nan: where(x > 0, a, where(x <= 0, b, nan)).
function otherwise(condition, _, no) {
  if (no.operation !== "where" || !Number.isNaN(no.parts[2].number)) return no;
  const inner = no.parts[0];
  const same = inner.parts && condition.parts && inner.parts.every((part, i) => part.text === condition.parts[i]?.text);
  return same && inner.operation === COMPLEMENT[condition.operation] ? no.parts[1] : no;
}

const wrap = ({ text, binding }, needed) => (binding >= needed ? text : `(${text})`);

function power(base, exponent) {
  const left = wrap(base, ATOM);
  const digits = exponent.text.replace("−", "-");
  return /^-*\d+$/.test(digits) ? left + [...digits].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join("") : `${left}^${wrap(exponent, ATOM)}`;
}
