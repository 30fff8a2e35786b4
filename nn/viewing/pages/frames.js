// The steps that the page shows, their numbers unpacked, and what its pictures share.

const { tensors, plane, curve, colours } = DATA;
const frames = DATA.frames.map((frame) => ({
  ...frame,
  weights: new Float32Array(bytes(frame.weights)),
  gradients: new Float32Array(bytes(frame.gradients)),
  scores: frame.scores ? Float64Array.from(new Int16Array(bytes(frame.scores)), (x) => x * frame.scale) : null,
}));
let now = 0; // the frame that is shown

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
