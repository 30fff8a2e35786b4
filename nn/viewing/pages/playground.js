// Training in the page: the steps of fit, by the functions of the compiled program and the rule of the optimiser.

const doubles = (text) => new Float64Array(bytes(text));
const read = (set) => set && { ...set, x: doubles(set.x), y: doubles(set.y) };
const [training, validation] = [read(DATA.training), read(DATA.validation)];
const [width, height] = ["x", "y"].map((part) => training[part].length / training.samples);
const fixed = new Set(DATA.fixed);
const loose = doubles(DATA.weights); // of all entries, those that no step moves among them
const stds = Array.from({ length: width }, (_, j) => deviation(j));
const settings = { rate: DATA.rate, batch: DATA.batch, noise: 0 };
let run = null;

function deviation(column) {
  const found = Array.from({ length: training.samples }, (_, i) => training.x[i * width + column]);
  const mean = found.reduce((sum, x) => sum + x, 0) / found.length;
  return Math.sqrt(found.reduce((sum, x) => sum + (x - mean) ** 2, 0) / found.length);
}

// Random numbers from 0 to 1, the same after every reset (mulberry32).
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Of every input a draw from the normal distribution (Box–Muller), which the noise multiplies.
const draws = (() => {
  const random = generator(2);
  return Float64Array.from(training.x, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
})();
const inputs = new Float64Array(training.x); // with the noise

function addNoise() {
  for (let i = 0; i < inputs.length; i++) inputs[i] = training.x[i] + settings.noise * stds[i % width] * draws[i];
}

function reset() {
  run = {
    theta: doubles(DATA.theta),
    means: DATA.means.map(doubles),
    gradient: null, // before the first step, that of all samples
    taken: 0,
    epoch: 0,
    order: [],
    next: 0,
    cost: null,
    random: generator(1),
    failed: "",
  };
  curves = [{ name: `training: all ${training.samples} samples`, points: [] }];
  if (validation) curves.push({ name: `validation: ${validation.samples} samples`, points: [] });
  for (const { pictures } of maps) for (const picture of pictures) picture.largest = 0;
  show();
}

// The next batch: the samples at these places. A new order begins an epoch.
function nextBatch() {
  if (run.next >= run.order.length) {
    run.order = Array.from({ length: training.samples }, (_, i) => i);
    for (let i = run.order.length - 1; i > 0; i--) {
      const j = Math.floor(run.random() * (i + 1));
      [run.order[i], run.order[j]] = [run.order[j], run.order[i]];
    }
    run.next = 0;
    run.epoch += 1;
  }
  const places = run.order.slice(run.next, run.next + settings.batch);
  run.next += places.length;
  return places;
}

// Take a step on the samples at these places; return their cost before it. A RangeError leaves everything as it was.
function takeStep(places) {
  const x = Float64Array.from({ length: places.length * width }, (_, i) => inputs[places[Math.floor(i / width)] * width + (i % width)]);
  const y = Float64Array.from({ length: places.length * height }, (_, i) => training.y[places[Math.floor(i / height)] * height + (i % height)]);
  const { cost, gradient } = costOf(run.theta, x, y);
  const [theta, ...means] = [run.theta, ...run.means].map((row) => new Float64Array(row));
  for (let p = 0; p < theta.length; p++) {
    const row = updated(settings.rate, DATA.steps + run.taken + 1, theta[p], gradient[p], ...means.map((mean) => mean[p]));
    if (!row.every(Number.isFinite)) throw new RangeError("a weight would not be finite");
    if (!fixed.has(p)) theta[p] = row[0];
    means.forEach((mean, k) => (mean[p] = row[k + 1]));
  }
  Object.assign(run, { theta, means, gradient, cost, taken: run.taken + 1 });
  return cost;
}

// Take so many steps, until one fails.
function train(count, until = Infinity) {
  try {
    for (let i = 0; i < count && performance.now() < until; i++) takeStep(nextBatch());
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    run.failed = `Step ${run.taken + 1} is not taken: ${error.message}. Reset, and try a smaller learning rate.`;
  }
}

// All numbers of the present weights, or null where they are not finite.
function finite(compute) {
  try {
    return compute();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const grid = plane.why ? [] : Float64Array.from({ length: 2 * plane.side ** 2 }, (_, i) => {
  const along = i % 2 ? Math.floor(i / 2 / plane.side) : (i / 2) % plane.side;
  return plane.low[i % 2] + ((plane.high[i % 2] - plane.low[i % 2]) * along) / (plane.side - 1);
});

function show() {
  const whole = finite(() => costOf(run.theta, inputs, training.y));
  const held = validation && finite(() => costOf(run.theta, validation.x, validation.y));
  [whole, held].forEach((found, i) => found && record(curves[i].points, found.cost));
  const entry = (numbers, other) => Float64Array.from(DATA.places, (place, i) => (place < 0 ? other(i) : numbers[place]));
  const gradient = run.gradient ?? whole?.gradient ?? run.theta.map(() => NaN);
  const scores = plane.why ? null : finite(() => outputsOf(run.theta, grid));
  const moment = {
    step: run.taken,
    cost: whole?.cost ?? run.cost ?? 0,
    weights: entry(run.theta, (i) => loose[i]),
    gradients: entry(gradient, () => NaN),
    scores: scores && (plane.outputs > 1 ? scores : scores.map((score) => score - plane.threshold)),
    points: plane.why ? [] : plane.points.map(([, , k], i) => [inputs[2 * plane.places[i]], inputs[2 * plane.places[i] + 1], k]),
  };
  measure(moment);
  const told = [["training cost", whole], ["validation cost", held]].filter(([, found]) => found !== null);
  byId("sentence").replaceChildren(
    make("strong", {}, `${run.taken} ${run.taken === 1 ? "step" : "steps"}, epoch ${run.epoch}: `),
    told.map(([name, found]) => `${name} ${found ? precise(found.cost) : "not finite"}`).join(", "),
    run.cost === null ? "." : `; the last batch had ${precise(run.cost)}, with the gradients shown.`,
  );
  byId("failed").textContent = run.failed;
  paint(moment);
}

// Add a point to a curve, at most one for each step; a curve that grows too long keeps every second of its points.
function record(points, cost) {
  if (points.at(-1)?.[0] === run.taken) points.pop();
  points.push([run.taken, cost]);
  if (points.length > 1000) points.splice(0, points.length, ...points.filter((_, i) => i % 2 === 0));
}

// The controls

let playing = null; // when the last moment was shown
let owed = 0; // steps that the time since then is worth
const still = matchMedia("(prefers-reduced-motion: reduce)");

function halt() {
  playing = null;
  play.textContent = "Play";
  byId("sentence").setAttribute("aria-live", "polite");
}

function toggle() {
  if (playing !== null) return halt();
  play.textContent = "Pause";
  byId("sentence").setAttribute("aria-live", "off"); // it changes too often to be read out
  playing = performance.now();
  owed = 0;
  requestAnimationFrame(advance);
}

function advance(now) {
  if (playing === null) return;
  const each = still.matches ? 1000 : 33; // milliseconds from picture to picture
  if (now - playing >= each) {
    owed += ((now - playing) / 1000) * Number(speed.value);
    playing = now;
    const count = Math.floor(owed);
    owed -= count;
    train(count, performance.now() + each / 2);
    if (count) show();
    if (run.failed) return halt();
  }
  requestAnimationFrame(advance);
}

function once() {
  halt();
  train(1);
  show();
}

// The weights as a file that nn.load reads.
function saveWeights() {
  const numbers = (part) => typeof part === "number" ? current.weights[part]
    : Array.isArray(part) ? part.map(numbers) : Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, numbers(inner)]));
  saveFile("model.json", "application/json", JSON.stringify({ ...DATA.file, state: numbers(DATA.file.state) }));
}

// A field for a number; what is no such number is said, and changes nothing.
function field(name, setting, rule, right) {
  const input = make("input", { type: "text", inputmode: "decimal", value: settings[setting], "aria-label": name });
  input.addEventListener("change", () => {
    const x = input.value.trim() === "" ? NaN : Number(input.value);
    const wrong = !(Number.isFinite(x) && right(x));
    input.setAttribute("aria-invalid", wrong);
    byId("failed").textContent = wrong ? `The ${name} must be ${rule}, got ${input.value || "nothing"}.` : "";
    if (wrong) return;
    settings[setting] = x;
    addNoise();
    run.failed = "";
    show();
  });
  return make("label", { class: "switch" }, `${name} `, input);
}

const play = button("Play", "train (space)", toggle);
play.classList.add("main");
const speed = make("select", { "aria-label": "speed", title: "speed" },
  ...[["1", "1 step a second"], ["10", "10 steps a second"], ["100", "100 steps a second"], ["1e9", "as fast as it can"]].map(([value, text]) =>
    make("option", { value }, text)));
speed.value = "100";
byId("controls").append(
  play,
  button("Step", "one step (→)", once),
  button("Reset", "back to the first weights", () => { halt(); reset(); }),
  button("Save", "the weights as a file for nn.load", saveWeights),
  speed,
  field("learning rate", "rate", "a number of at least 0", (x) => x >= 0),
  field("batch size", "batch", `a whole number from 1 to ${training.samples}`, (x) => Number.isInteger(x) && 1 <= x && x <= training.samples),
  field("noise", "noise", "a number of at least 0", (x) => x >= 0),
);
onKeys((key) => ({ " ": toggle, ArrowRight: once })[key]);
byId("summary").textContent =
  "Train this network on these data, here. Noise is added to the inputs for training, in standard deviations of each.";
reset();
