// A formula is typed, its graph is explored; the address carries the formula, the values of its leaves, and the step.

const values = new Map(); // of all variables that have been typed, so that one comes back with its value
const field = make("input", { type: "text", id: "formula", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-describedby": "fault" });
const fault = make("p", { id: "fault", role: "status" });
const examples = make("select", { id: "examples", "aria-label": "examples" }, make("option", { value: "" }, "Examples"));
examples.append(...DATA.examples.map(([text, note]) => make("option", { value: text }, `${text}   ${note}`)));
let later; // when the address is written: not while a slider moves, nor in a notebook's frame, which has none
const label = make("label", { for: "formula" }, "Formula");
byId("stepper").closest("section").before(make("section", { class: "card formula", "aria-label": "Formula" }, label, field, examples, fault));
byId("folding").hidden = true;

const missing = () => DATA.usual[values.size % DATA.usual.length];

// Read what is typed, and explore its graph. With a fault, its place is marked and the last graph stays.
function type() {
  const text = field.value;
  let found;
  try {
    if (text.length > DATA.words.longest) throw new Fault(DATA.words.longest, `a formula has at most ${DATA.words.longest} characters here`);
    if (!text.trim()) throw new Fault(0, `the expression is empty: ${DATA.words.allowed}`);
    found = record(text, values, missing);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return mark(text, error);
  }
  field.setAttribute("aria-invalid", "false");
  fault.replaceChildren();
  svg.classList.remove("old");
  explore(found, sheetOf);
}

function mark(text, { index, message }) {
  const at = [...text.slice(index)][0] ?? " ";
  const end = Math.min(text.length, index + 40);
  const shown = [text.slice(Math.max(0, index - 40), index), make("mark", {}, at), text.slice(index + at.length, end)];
  field.setAttribute("aria-invalid", "true");
  fault.replaceChildren(make("code", {}, ...shown), ` column ${[...text.slice(0, index)].length + 1}: ${message}`);
  svg.classList.add("old");
}

// Called when a step or a value has changed.
function announce() {
  cells.forEach((_, i) => values.set(nodes[i].name, given[i]));
  const at = [...cells.keys()].map((i) => `${nodes[i].name}=${given[i]}`).join(",");
  const address = `#${new URLSearchParams({ formula: field.value, at, step })}`;
  byId("link").setAttribute("href", address);
  clearTimeout(later);
  if (window.location.protocol !== "about:") later = setTimeout(() => window.history.replaceState(null, "", address), 300);
}

// Take the formula, the values and the step from the address.
function follow() {
  const asked = new URLSearchParams(window.location.hash.slice(1));
  begin(asked.get("formula") ?? DATA.formula, asked.get("at") ?? (asked.has("formula") ? "" : DATA.at));
  steps.move(Math.trunc(Number(asked.get("step"))) || 0);
}

function begin(formula, at) {
  field.value = formula;
  values.clear();
  for (const part of at.split(",")) {
    const [name, number] = part.split("=");
    if (number?.trim() && Number.isFinite(Number(number))) values.set(name.normalize("NFKC"), Number(number));
  }
  type();
}

field.addEventListener("input", type);
examples.addEventListener("change", () => {
  field.value = examples.value || field.value;
  examples.value = "";
  type();
});
window.addEventListener("hashchange", follow);
fault.textContent = "Loading the layout…";
const main = document.querySelector("main");
main.inert = true;
Graphviz.load().then((loaded) => {
  graphviz = loaded;
  main.inert = false;
  begin(DATA.formula, DATA.at); // so that there is a graph, whatever the address says
  follow();
});
