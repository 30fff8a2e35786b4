// Reads a formula, in the grammar of the command, and records its graph. A fault is thrown with its place in the text.

const { words } = DATA; // of the grammar: functions, constants, aliases, keywords, and the command's advice on other notation
const NESTED = 200; // levels of parentheses and signs
const INFIX = { "+": "add", "-": "sub", "*": "mul", "/": "div" };
const TOKEN = new RegExp(
  [
    String.raw`(?<space>\s+)`,
    String.raw`(?<number>0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)`,
    String.raw`(?<name>[\p{ID_Start}_]\p{ID_Continue}*)`,
    String.raw`(?<operator>\*\*|[-+*/])|(?<comma>,)|(?<equals>=)|(?<open>[(\[])|(?<close>[)\]])|(?<other>.)`,
  ].join("|"),
  "suy",
);

// The entry of a table under a word that a visitor typed.
const own = (entries, word) => (Object.hasOwn(entries, word) ? entries[word] : undefined);

// The name most like a word, if it is as similar as `least` (from 0 to 1): the ratio of difflib, after Ratcliff and Obershelp.
function closest(word, names, least) {
  const ratio = (name) => (2 * inCommon(name, word)) / (name.length + word.length);
  const sorted = names.map((name) => [ratio(name), name]).sort(([a, x], [b, y]) => b - a || (x < y ? 1 : -1));
  return sorted[0]?.[0] >= least ? sorted[0][1] : undefined;
}

// The letters of the longest part that two words have in common, and of those on both sides of it.
function inCommon(a, b) {
  let [size, i, j] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    for (let other = 0; other < b.length; other++) {
      let k = 0;
      while (at + k < a.length && a[at + k] === b[other + k]) k += 1;
      if (k > size) [size, i, j] = [k, at, other];
    }
  }
  return size && size + inCommon(a.slice(0, i), b.slice(0, j)) + inCommon(a.slice(i + size), b.slice(j + size));
}

class Fault extends Error {
  constructor(index, message) {
    super(message);
    this.index = index;
  }
}

function tokensOf(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const [kind] = Object.entries(match.groups).find(([, found]) => found !== undefined);
    const name = kind === "name" ? match[0].normalize("NFKC") : match[0];
    if (kind !== "space") tokens.push({ kind, text: name, start: match.index, end: TOKEN.lastIndex });
  }
  return [...tokens, { kind: "end", text: "", start: text.length, end: text.length }];
}

const known = (name) => [words.functions, words.aliases, words.elsewhere].some((entries) => own(entries, name) !== undefined);
const plainOf = (text) => text.normalize("NFKC").replaceAll("⁄", "/").replaceAll("−", "-");
const raised = (sign) => /[²³¹⁰-ⁿ]|(?![ₐ-ₜᵢ-ᵪⱼ])\p{Lm}/u.test(sign) && plainOf(sign) !== sign;
const lowered = (sign) => /[₀-₉]/.test(sign);

// The first mathematical notation that is written otherwise here is refused: ×, √, x², x₁, sin²(x).
function refuseForeign(text) {
  if (text.includes("#")) throw new Fault(text.indexOf("#"), "# begins a comment, which an expression cannot have");
  const [found] = [foreignPower(text), foreignSign(text)].filter(Boolean).sort((a, b) => a.index - b.index);
  if (found) throw found;
}

// A function's name, a power, and perhaps its input, as in sin²(x) and sin^2(x).
const POWER = new RegExp(
  String.raw`(?<![\p{L}\p{N}_])(?<name>[\p{L}_][\p{L}\p{Nd}_]*)` +
    String.raw`(?:\s*(?:\^|\*\*)\s*(?<power>[-−]?[\p{L}\p{N}_]+(?![\p{L}\p{N}_])|[({]\s*[-−]?[\p{L}\p{N}_]+\s*[)}])|(?<raised>[⁺⁻⁰¹²³⁴-⁹]+)(?![⁺⁻⁰¹²³⁴-⁹]))` +
    String.raw`\s*(?:\((?<input>[^()]*)\)|(?<word>[\p{L}\p{Nd}_]+)|(?=\())`,
  "dgu",
);

function foreignPower(text) {
  for (const { index, groups, indices } of text.matchAll(POWER)) {
    const { name, power, raised, input, word } = groups;
    if (!known(name)) continue;
    const exponent = plainOf(power ?? raised).replace(/^[(){} ]+|[(){} ]+$/g, "");
    const written = short(text.slice(index, (indices.groups.power ?? indices.groups.raised)[1]), 40);
    const call = `${short(name, 40)}(${short(input || word || "…", 40)})**${short(exponent, 40)}`;
    const inverse = `write ${call} if ${written} is 1/${short(name, 40)}; the inverse of ${short(name, 40)} is another function`;
    return new Fault(index, exponent === "-1" ? inverse : `write ${call} instead of ${written}`);
  }
  return undefined;
}

function foreignSign(text) {
  const signs = [...text];
  let index = 0;
  for (const [i, sign] of signs.entries()) {
    const run = (kind) => {
      let end = i;
      while (end < signs.length && kind(signs[end])) end += 1;
      return signs.slice(i, end).join("");
    };
    const write = (instead, of = sign, start = index) => new Fault(start, `write ${instead} instead of ${short(of, 40)}`);
    const plain = plainOf(sign);
    const fraction = /^\d+\/\d+$/.test(plain);
    const whole = fraction && text.slice(0, index).match(/(?<![\p{L}\p{N}_.])\d+$/u)?.[0]; // 1½ is a sum, not a product
    if (own(words.written, sign)) return write(words.written[sign]);
    if (raised(sign)) {
      const power = plainOf(run(raised));
      return write(short(/^(-?[\p{L}\p{N}_]*|\(.*\))$/u.test(power) ? `**${power}` : `**(${power})`, 40), run(raised));
    }
    if (lowered(sign)) return write(short(plainOf(run(lowered)), 40), run(lowered));
    if (whole) return write(`(${whole}+${plain})`, whole + sign, index - whole.length);
    if (fraction) return write(`(${plain})`);
    if (/(?!-)\p{Pd}/u.test(sign)) return write("-");
    if (/(?!\d)\p{Nd}/u.test(sign)) return write(digitOf(sign));
    if (/\P{ASCII}/u.test(sign) && /^(\d+|[-+*/(),.=[\]])$/.test(plain)) return write(plain);
    index += sign.length;
  }
  return undefined;
}

// The digits of every script stand in their order, from 0 to 9.
function digitOf(sign) {
  let before = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(sign.codePointAt(0) - before - 1))) before += 1;
  return before % 10;
}

// The first fault of a text that does not parse, token by token, or undefined.
function syntaxFault(text, tokens) {
  let last = { kind: "open", text: "" };
  for (const token of tokens) {
    const { kind, text: sign, start } = token;
    const operand = ["number", "name", "close"].includes(last.kind);
    if (kind === "other") return new Fault(start, own(words.signs, sign) ?? `${/[\p{C}\p{Z}]/u.test(sign) ? `the character U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}` : sign} is not allowed: ${words.allowed}`);
    if (kind === "name" && words.keywords.includes(sign)) return new Fault(start, `${sign} is a keyword of Python and cannot be a name`);
    if (operand && ["number", "name", "open"].includes(kind) && !(last.kind === "name" && kind === "open")) {
      if (own(words.operators, sign)) return new Fault(start, words.operators[sign]);
      const [word] = text.slice(start).match(/^[\p{L}\p{N}_]+(\*\*-?[\p{L}\p{N}_]+)?/u) ?? [sign];
      if (known(last.text) && kind !== "open") return new Fault(start, `write ${last.text}(${short(word, 40)})`);
      return new Fault(start, productAdvice(last.text, sign) + precedenceAdvice(text, last.end));
    }
    const missing = !operand && (kind === "comma" || (kind === "operator" && !"+-".includes(sign)));
    if (missing || (kind === "close" && last.kind === "operator")) return new Fault(start, `something is missing before ${sign}`);
    if (kind === "end" && last.kind === "operator") return new Fault(last.end, `something is missing after ${last.text}`);
    last = token;
  }
  return undefined;
}

// The advice for two operands without an operator between them.
function productAdvice(left, right) {
  if (/[\d.]$/.test(left) && /^[\d.]/.test(right)) return `an operator is missing between ${left.slice(0, 40)} and ${right.slice(0, 40)}`;
  const simple = /[\p{L}\p{N}]$/u.test(left) && /^[\p{L}\p{N}]/u.test(right);
  return simple ? `write ${short(left, 40)}*${short(right, 40)}` : `write * between ${short(left, 40)} and ${short(right, 40)}`;
}

// An addition to it where / or ** precedes the left operand, which ends at index `end`.
function precedenceAdvice(text, end) {
  let head = text.slice(0, end).trimEnd();
  for (let i = head.length - 1, depth = 0; head.endsWith(")") && i >= 0; i -= 1) {
    depth += (head[i] === ")") - (head[i] === "(");
    if (depth) continue;
    head = head.slice(0, i);
    break;
  }
  head = head.trimEnd().replace(/[\p{L}\p{N}_.]+$/u, "").replace(/[-+ ]+$/, "");
  const sign = ["/", "**"].find((sign) => head.endsWith(sign));
  return sign ? `, in parentheses if ${sign} takes all of it` : "";
}

// Parse into nodes with the place where they begin: { number }, { name }, { list }, { gate, inputs } and
// { name, call, named }.
function parse(text) {
  refuseForeign(text);
  const tokens = tokensOf(text);
  let at = 0;
  let depth = 0;
  const fail = (message, token = tokens[at]) => {
    throw syntaxFault(text, tokens) ?? new Fault(token.start, message);
  };
  const next = (text) => tokens[at].text === text && tokens[at].kind !== "end" && ++at > 0;
  const deeper = (read) => {
    if (++depth > NESTED) throw new Fault(tokens[at].start, `nested deeper than ${NESTED} levels`);
    const found = read();
    depth -= 1;
    return found;
  };
  const binary = (read, signs) => {
    const { start } = tokens[at];
    let left = read();
    while (tokens[at].kind === "operator" && signs.includes(tokens[at].text)) {
      const gate = INFIX[tokens[at++].text];
      left = { gate, inputs: [left, read()], start };
    }
    return left;
  };
  const sum = () => binary(term, "+-");
  const term = () => binary(factor, "*/");
  const factor = () => {
    const { start } = tokens[at];
    if (next("-")) return { gate: "neg", inputs: [deeper(factor)], start };
    if (next("+")) return deeper(factor);
    const base = call();
    return next("**") ? { gate: "pow", inputs: [base, deeper(factor)], start } : base;
  };
  const call = () => {
    const { start } = tokens[at];
    let found = atom();
    while (tokens[at].text === "(") {
      if (found.name === undefined || found.call) fail("write * between ) and (");
      at += 1;
      found = { name: found.name, ...deeper(() => entries(")", true)), start };
    }
    return found;
  };
  const atom = () => {
    const token = tokens[at];
    const { kind, text, start } = token;
    if (kind === "number") {
      at += 1;
      return { number: numberOf(text, start), start };
    }
    if (kind === "name" && !words.keywords.includes(text)) {
      at += 1;
      return { name: text, start };
    }
    if (next("[")) return { list: deeper(() => entries("]", false)).call, start };
    if (!next("(")) fail(kind === "end" ? "the expression ends here, and something is missing" : `${text} cannot stand here`);
    const inside = deeper(() => entries(")", false));
    if (!inside.call.length) throw new Fault(start, `an empty pair of parentheses is not allowed: ${words.allowed}`);
    return inside.call.length > 1 || inside.comma ? { list: inside.call, start, comma: inside.comma } : inside.call[0];
  };
  // The entries between parentheses or brackets, separated by commas: values, and with `names` also name=value.
  const entries = (close, names) => {
    const found = { call: [], named: [], comma: 0 };
    while (!next(close)) {
      if (names && tokens[at].kind === "name" && tokens[at + 1].text === "=") {
        const { text, start } = tokens[at];
        at += 2;
        found.named.push([text, sum(), start]);
      } else {
        if (found.named.length) fail("an input by position cannot follow one by name");
        found.call.push(sum());
      }
      if (tokens[at].text === close) continue;
      if (tokens[at].kind !== "comma") fail(tokens[at].kind === "end" ? `${close} is missing` : `${tokens[at].text} cannot stand here: ${close} or a comma is missing`);
      found.comma ||= tokens[at].start;
      at += 1;
    }
    return found;
  };
  const whole = sum();
  if (tokens[at].kind === "equals") throw new Fault(tokens[at].start, "the expression must not contain =: set the values of the leaves below");
  if (tokens[at].kind === "comma") throw new Fault(tokens[at].start, "a comma only separates the inputs of a gate; write 1.5 for 1,5");
  if (tokens[at].kind !== "end") fail(`unmatched ${tokens[at].text}`);
  return whole;
}

function numberOf(text, start) {
  if (/_(?!\w)|__|_[.eE]|^_|\._/.test(text) || /^0\d*[1-9]\d*$/.test(text)) throw new Fault(start, `${text} is not a number`);
  const number = Number(text.replaceAll("_", ""));
  if (!Number.isFinite(number)) throw new Fault(start, words.beyond);
  return number;
}

// The nodes of a formula in topological order, leaves first, for load(). `values` are those of its variables; a variable
// that has none gets one by `missing`.
function record(text, values, missing) {
  const leaves = new Map();
  const variable = (name, start) => {
    if (!values.has(name)) {
      if (Object.hasOwn(words.constants, name)) return words.constants[name];
      const gate = own(words.functions, name);
      if (gate) throw new Fault(start, `${name} is a gate: write ${name}(${parametersOf(gate)})`);
      values.set(name, missing(name));
    }
    if (!leaves.has(name)) leaves.set(name, { name, role: "input", data: values.get(name), inputs: [], named: true });
    return leaves.get(name);
  };
  const visit = (node) => {
    if (node.number !== undefined) return node.number;
    if (node.list) throw new Fault(node.comma || node.start, node.comma ? "a comma only separates the inputs of a gate; write 1.5 for 1,5" : `a list is only an input of a gate: ${words.allowed}`);
    if (node.gate) {
      const [left, right] = node.inputs.map(visit);
      if (node.gate === "div" && left === 1) return apply("reciprocal", [right], node.start);
      return apply(node.gate, right === undefined ? [left] : [left, right], node.start);
    }
    return node.call ? called(node) : variable(node.name, node.start);
  };
  const called = ({ name, call, named, start }) => {
    const second = own(words.second, name);
    if (second && call.length === 2) throw new Fault(start, `${name} takes one input: write ${second}`);
    const gate = own(words.aliases, name) ?? name;
    const known = own(words.functions, gate);
    if (!known) {
      if (Object.hasOwn(words.constants, name)) throw new Fault(start + name.length, productAdvice(name, "(") + precedenceAdvice(text, start + name.length));
      const instead = own(words.elsewhere, name);
      const close = closest(name.toLowerCase(), Object.keys(words.functions), words.similar);
      const meant = close === undefined ? "" : `: did you mean ${close}?`;
      const advice = instead === undefined ? `, and a product is written ${name}*(…)${meant}` : instead ? `: write ${instead}` : ", and no combination of gates gives it";
      throw new Fault(start, `there is no gate '${name}'${advice}`);
    }
    const input = (node) => (node.list ? node.list.map(visit) : visit(node));
    const refuse = (why) => {
      throw new Fault(start, `${name}(${parametersOf(known)}): ${why}`);
    };
    const given = call.map(input);
    if (known.kind === "entries") {
      if (named.length) refuse(`there is no input '${named[0][0]}'`);
      const inputs = given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
      if (!inputs.length) refuse("an empty list has no value");
      if (inputs.some(Array.isArray) || (given.length === 1 && typeof given[0] === "number")) refuse("needs a list of names and numbers");
      return apply(gate, inputs, start);
    }
    const { parameters } = known;
    if (given.length > parameters.length) refuse(`too many inputs, ${given.length}`);
    const bound = new Map(given.map((x, i) => [parameters[i][0], x]));
    for (const [key, node, at] of named) {
      if (!parameters.some(([parameter]) => parameter === key)) refuse(`there is no input '${key}'`);
      if (bound.has(key)) throw new Fault(at, `${key} is given twice`);
      bound.set(key, input(node));
    }
    const ordered = parameters.map(([key, usual]) => bound.get(key) ?? usual);
    const missingOne = parameters.find((_, i) => ordered[i] === null);
    if (missingOne) refuse(`the input '${missingOne[0]}' is missing`);
    if (known.kind === "named") {
      if (ordered.some(Array.isArray)) refuse("takes names and numbers, not lists");
      return apply(gate, ordered, start);
    }
    // Lists, one after the other, and then an input that is left out if it is the usual one.
    const lists = ordered.filter((_, i) => parameters[i][1] === null).map((x) => (typeof x === "object" ? [x].flat() : refuse("needs lists")));
    if (lists.some((list) => list.length !== lists[0].length)) refuse("the lists must have as many entries each");
    const more = ordered.filter((x, i) => parameters[i][1] !== null && x !== parameters[i][1]);
    return apply(gate, [...lists.flat(), ...more], start);
  };
  const apply = (name, inputs, start) => {
    const gate = `${name}/${inputs.length}`;
    if (!DATA.gates[gate]) throw new Fault(start, `${name} of ${inputs.length} inputs is too long for this page: it takes at most ${words.entries} entries`);
    if (inputs.some((x) => typeof x !== "number")) return { gate, inputs };
    const number = forwardOf(DATA.gates[gate], inputs);
    if (!Number.isFinite(number)) throw new Fault(start, `${name} has no finite value at ${inputs.map(precise).join(", ")}`);
    return number;
  };
  const root = visit(parse(text));
  if (typeof root === "number") throw new Fault(0, `the expression has no names, so nothing to differentiate; its value is ${precise(root)}`);
  return arrange(root, new Set(leaves.keys()));
}

const parametersOf = ({ kind, parameters }) =>
  kind === "entries" ? "[…]" : parameters.map(([name, usual]) => (usual === null ? name : `${name}=${usual}`)).join(", ");

// Order the nodes of a root, and name them: leaves, then v1, v2, … and c1, c2, … as far as these are not taken.
function arrange(root, taken) {
  const [ends, made] = [[], []];
  const done = new Set();
  const walk = (node) => {
    if (done.has(node)) return;
    done.add(node);
    if (!node.gate) return void ends.push(node);
    node.inputs = node.inputs.map((x) => (typeof x === "number" ? { name: "", role: "constant", data: x, inputs: [], named: false } : x));
    node.inputs.forEach(walk);
    made.push(node);
  };
  walk(root);
  const order = [...ends, ...made];
  if (order.length > words.most) throw new Fault(0, `the formula makes ${order.length} nodes: at most ${words.most} can be drawn here`);
  const counts = { v: 0, c: 0 };
  const fresh = (kind) => {
    do counts[kind] += 1;
    while (taken.has(`${kind}${counts[kind]}`));
    return `${kind}${counts[kind]}`;
  };
  if (root.gate) root.name = ["f", "y", "output", "the output"].find((name) => !taken.has(name));
  const numbers = new Map(order.map((node, i) => [node, i]));
  order.forEach((node) => (node.name ||= fresh(node.gate ? "v" : "c")));
  return order.map((node) => ({ ...node, inputs: node.inputs.map((input) => numbers.get(input)) }));
}
