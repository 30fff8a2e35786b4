// The plane of the inputs: what the model answers there at the step, its boundary, and the data on top.

const FINE = 300; // points along each side between which the answers are interpolated
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

function paintRegions(scores) {
  const pen = fine.getContext("2d");
  const image = pen.createImageData(FINE, FINE);
  const rgb = (colour, alpha) => [...[1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)), alpha];
  const fills = colours.map((colour) => rgb(colour, 90));
  const line = rgb(themed("--ink"), 255);
  const classes = new Uint8Array(FINE * FINE);
  const scale = (plane.side - 1) / (FINE - 1);
  const found = [];
  for (let i = 0; i < classes.length; i++) {
    classes[i] = decided(scoresAt(scores, (i % FINE) * scale, (FINE - 1 - Math.floor(i / FINE)) * scale, found));
  }
  for (let i = 0; i < classes.length; i++) {
    const edge = ((i + 1) % FINE && classes[i + 1] !== classes[i]) || (i + FINE < classes.length && classes[i + FINE] !== classes[i]);
    image.data.set(edge ? line : fills[classes[i] % fills.length], 4 * i);
  }
  pen.putImageData(image, 0, 0);
}

function paintPlane() {
  if (plane.why) return;
  paintRegions(frames[now].scores);
  const [width, tall] = [0, 1].map((i) => plane.high[i] - plane.low[i]);
  const across = byId("plane").clientWidth;
  const down = Math.round(across * Math.max(0.5, Math.min(1, tall / width)));
  const pen = cleared(canvas, across, down);
  pen.drawImage(fine, 0, 0, across, down);
  pen.lineWidth = 0.8;
  pen.strokeStyle = "#000000";
  for (const [x, y, k] of plane.points) {
    const mark = new Path2D();
    const spot = [(across * (x - plane.low[0])) / width, down - (down * (y - plane.low[1])) / tall];
    mark.addPath(new Path2D(MARKS[k ?? 0]), new DOMMatrix().translate(...spot).scale(across < 400 ? 0.6 : 0.8));
    pen.fillStyle = colours[k] ?? "#ffffff";
    pen.fill(mark);
    pen.stroke(mark);
  }
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
  const rule = plane.outputs > 1 ? "the largest output decides" : `the line is where the output is ${precise(plane.threshold)}`;
  const some = plane.points.length < plane.all ? `; ${plane.points.length} of ${plane.all} points shown` : "";
  const about = `x₁ = ${range(0)} to the right, x₂ = ${range(1)} upward; ${rule}${some}.`;
  canvas.setAttribute("aria-label", `the plane of the inputs, by the class that the model decides for; ${about}`);
  byId("plane").append(canvas, make("div", { id: "classes" }, ...plane.labels.map(legend)), make("p", { class: "pale" }, about));
}
placePlane();
