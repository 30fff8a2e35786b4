// The plane of the inputs: what the model answers there, deeper where it is surer, its boundary, and the data on top.

const FINE = 300; // points along each side between which the answers are interpolated
const MARGIN = { left: 46, bottom: 38, right: 8, top: 8 }; // CSS pixels for the numbers at the axes
const MARKS = ["M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z", "M0-6L6 5L-6 5Z", "M-4.5-4.5H4.5V4.5H-4.5Z", "M0-6.5L5 0L0 6.5L-5 0Z",
  "M0 6L6-5L-6-5Z", "M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z"];
const canvas = make("canvas", { role: "img" });
const fine = make("canvas", { width: FINE, height: FINE });

// The scores of the model at a place of the grid, between its points by bilinear interpolation.
function scoresAt(scores, column, row, found = []) {
  const { side, outputs } = plane;
  const [i, j] = [Math.min(side - 2, Math.floor(column)), Math.min(side - 2, Math.floor(row))];
  const [a, b] = [column - i, row - j];
  for (let k = 0; k < outputs; k++) {
    const here = (j * side + i) * outputs + k;
    const above = here + side * outputs;
    found[k] = (1 - b) * ((1 - a) * scores[here] + a * scores[here + outputs]) + b * ((1 - a) * scores[above] + a * scores[above + outputs]);
  }
  return found;
}

// The class that scores decide for: of one, whether it exceeds the threshold, which is taken off already.
function decided(scores) {
  return scores.length === 1 ? Number(scores[0] > 0) : scores.indexOf(Math.max(...scores));
}

// How sure the decision is, from 0 to 1: the probability of the class less that of the next one. Scores are the logarithms
// of odds, unless they are probabilities: one against a threshold such as 0.5, or several that add up to 1.
function sureness(scores) {
  if (scores.length === 1) {
    return plane.threshold ? Math.min(1, Math.abs(scores[0] / plane.threshold)) : Math.tanh(Math.abs(scores[0]) / 2);
  }
  const [first, second] = [...scores].sort((a, b) => b - a);
  if (plane.shares) return first - second;
  return (1 - Math.exp(second - first)) / scores.reduce((sum, score) => sum + Math.exp(score - first), 0);
}

function paintRegions(scores) {
  const pen = fine.getContext("2d");
  const image = pen.createImageData(FINE, FINE);
  const rgb = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  const fills = colours.map(rgb);
  const line = [...rgb(themed("--ink")), 255];
  const classes = new Uint8Array(FINE * FINE);
  const depths = new Uint8Array(FINE * FINE);
  const scale = (plane.side - 1) / (FINE - 1);
  const found = [];
  for (let i = 0; i < classes.length; i++) {
    scoresAt(scores, (i % FINE) * scale, (FINE - 1 - Math.floor(i / FINE)) * scale, found);
    classes[i] = decided(found);
    depths[i] = 30 + 130 * sureness(found);
  }
  for (let i = 0; i < classes.length; i++) {
    const edge = ((i + 1) % FINE && classes[i + 1] !== classes[i]) || (i + FINE < classes.length && classes[i + FINE] !== classes[i]);
    image.data.set(edge ? line : [...fills[classes[i] % fills.length], depths[i]], 4 * i);
  }
  pen.putImageData(image, 0, 0);
}

function paintPlane() {
  if (plane.why) return;
  const [width, tall] = [0, 1].map((i) => plane.high[i] - plane.low[i]);
  const across = byId("plane").clientWidth - MARGIN.left - MARGIN.right;
  const down = Math.round(across * Math.max(0.5, Math.min(1, tall / width)));
  const pen = cleared(canvas, across + MARGIN.left + MARGIN.right, down + MARGIN.top + MARGIN.bottom);
  const spot = (x, y) => [(across * (x - plane.low[0])) / width, down - (down * (y - plane.low[1])) / tall];
  pen.translate(MARGIN.left, MARGIN.top);
  paintAxes(pen, across, down, spot);
  pen.beginPath();
  pen.rect(0, 0, across, down);
  pen.clip();
  if (current.scores) {
    paintRegions(current.scores);
    pen.drawImage(fine, 0, 0, across, down);
  }
  pen.lineWidth = 0.8;
  pen.strokeStyle = "#000000";
  for (const [x, y, k] of current.points ?? plane.points) {
    const mark = new Path2D();
    mark.addPath(new Path2D(MARKS[k ?? 0]), new DOMMatrix().translate(...spot(x, y)).scale(across < 400 ? 0.6 : 0.8));
    pen.fillStyle = colours[k] ?? "#ffffff";
    pen.fill(mark);
    pen.stroke(mark);
  }
}

function paintAxes(pen, across, down, spot) {
  pen.strokeStyle = themed("--line");
  pen.fillStyle = themed("--ink");
  pen.font = "12px system-ui, sans-serif";
  pen.strokeRect(0, 0, across, down);
  pen.textAlign = "center";
  for (const x of roundNumbers(plane.low[0], plane.high[0], across / 60)) {
    const [at] = spot(x, plane.low[1]);
    pen.fillRect(at - 0.5, down, 1, 4);
    pen.fillText(axisNumber(x), at, down + 17);
  }
  pen.fillText("x₁", across / 2, down + 33);
  pen.textAlign = "right";
  for (const y of roundNumbers(plane.low[1], plane.high[1], down / 40)) {
    const [, at] = spot(plane.low[0], y);
    pen.fillRect(-4, at - 0.5, 4, 1);
    pen.fillText(axisNumber(y), -7, at + 4);
  }
  pen.textAlign = "left";
  pen.fillText("x₂", -MARGIN.left, 10);
}

// A number that fits beside an axis.
function axisNumber(x) {
  const text = String(x);
  return (text.length > 6 ? x.toExponential(1) : text).replace("-", "−");
}

function legend(label, k) {
  const mark = draw("svg", { width: 16, height: 16, viewBox: "-8 -8 16 16", "aria-hidden": "true" },
    draw("path", { d: MARKS[k], fill: colours[k], stroke: "#000000" }));
  return make("span", {}, mark, ` class ${label}`);
}

function placePlane() {
  if (plane.why) {
    byId("plane-card").remove();
    byId("training").classList.add("plain");
    byId("why").textContent = plane.why;
    return;
  }
  const range = (i) => `${rounded(plane.low[i])} … ${rounded(plane.high[i])}`;
  const rule = plane.outputs > 1 ? "The largest output decides" : `The line is where the output is ${precise(plane.threshold)}`;
  const some = plane.points.length < plane.all ? `; ${plane.points.length} of ${plane.all} points shown` : "";
  const about = `${rule}; the deeper the colour, the surer${some}.`;
  canvas.setAttribute("aria-label",
    `the plane of the inputs, by the class that the model decides for; x₁ = ${range(0)} to the right, x₂ = ${range(1)} upward. ${about}`);
  byId("plane").append(canvas, make("div", { id: "classes" }, ...plane.labels.map(legend)), make("p", { class: "pale" }, about));
}
placePlane();
