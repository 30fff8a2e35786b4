// What the pages of training share: the moment that is shown, the pen of a canvas, the numbers at an axis.

const { tensors, plane, network, colours } = DATA;
let curves = []; // {name, points: [steps taken, cost]}, the training first
let current = null; // the moment that is shown: {step, cost, weights, gradients, scores, points}; scores and points may be missing

// Show a moment in all pictures.
function paint(moment) {
  current = moment;
  paintPlane();
  paintNetwork();
  paintCurve();
  paintWeights();
}

function repaint() {
  if (current) paint(current);
}
window.addEventListener("resize", repaint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

// A colour of the page, which is another one in the dark.
function themed(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The pen of a canvas that is made so many CSS pixels large, and sharp on every screen.
function cleared(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  return pen;
}

// A number with three significant digits, where six would crowd.
function rounded(x) {
  return String(Number(x.toPrecision(3)));
}

// About `most` round numbers from low to high, apart by 1, 2 or 5 times a power of ten.
function roundNumbers(low, high, most) {
  if (!(high > low)) return [low];
  const power = 10 ** Math.floor(Math.log10((high - low) / most));
  const apart = [1, 2, 5, 10].map((times) => times * power).find((size) => (high - low) / size <= most);
  const first = Math.ceil(low / apart);
  return Array.from({ length: Math.floor(high / apart) - first + 1 }, (_, i) => Number(((first + i) * apart).toPrecision(12)));
}
