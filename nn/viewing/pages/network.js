// The network: an edge for each weight, blue or, if negative, orange and dashed; the wider, the larger.

const edges = []; // {line, place}, by the place of the weight
const disks = []; // {disk, place}, by the place of the bias

function drawNetwork() {
  const { layers } = network;
  const sizes = [layers[0].weights[0].length, ...layers.map(({ weights }) => weights.length)];
  const most = Math.max(...sizes);
  const apart = Math.max(9, Math.min(36, 200 / most));
  const [wide, high] = [360, most * apart + 10];
  const radius = Math.min(11, apart * 0.36);
  const spot = (column, i) => [30 + ((wide - 60) * column) / layers.length, high / 2 + (i - (sizes[column] - 1) / 2) * apart];
  const [lines, hits, neurons] = [draw("g"), draw("g"), draw("g")];
  layers.forEach(({ weights, biases }, l) => {
    weights.forEach((row, i) => row.forEach((place, j) => {
      const [[x1, y1], [x2, y2]] = [spot(l, j), spot(l + 1, i)];
      const line = draw("line", { x1, y1, x2, y2 });
      const hit = draw("line", { class: "hit", x1, y1, x2, y2 });
      hit.addEventListener("pointerenter", () => lookAt(place));
      lines.append(line);
      hits.append(hit);
      edges.push({ line, place });
    }));
    weights.forEach((_, i) => {
      const [cx, cy] = spot(l + 1, i);
      const disk = draw("circle", { cx, cy, r: radius });
      if (biases.length) disks.push({ disk, place: biases[i] });
      if (biases.length) disk.addEventListener("pointerenter", () => lookAt(biases[i]));
      neurons.append(draw("circle", { class: "shape", cx, cy, r: radius }), disk);
    });
  });
  Array.from({ length: sizes[0] }, (_, j) => {
    const [x, y] = spot(0, j);
    neurons.append(draw("circle", { class: "shape", cx: x, cy: y, r: radius }));
    if (radius > 8) neurons.append(draw("text", { x, y: y + 3.5 }, `x${subscript(j + 1)}`));
  });
  const names = layers.map(({ activation }, l) => draw("text", { class: "label", x: spot(l + 1, 0)[0], y: high + 12 }, activation));
  byId("network").append(
    draw("svg", { viewBox: `0 0 ${wide} ${high + 18}`, role: "img", "aria-label": `the network, ${sizes.join(" → ")} neurons; each edge is a weight` },
      lines, hits, neurons, draw("text", { class: "label", x: 30, y: high + 12 }, "inputs"), ...names),
    make("p", { class: "pale" }, "An edge is a weight: blue, or orange and dashed if negative; the wider, the larger. The fill of a neuron is its bias."),
  );
}

function subscript(n) {
  return String(n).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
}

function paintNetwork() {
  if (network.why) return;
  const largest = Math.max(...maps.map(({ pictures }) => pictures[0].largest)) || 1;
  const ink = themed("--ink");
  for (const { line, place } of edges) {
    const weight = current.weights[place];
    line.setAttribute("stroke", colours[weight < 0 ? 1 : 0]);
    line.setAttribute("stroke-width", 0.4 + (6 * Math.abs(weight)) / largest);
    line.setAttribute("stroke-dasharray", weight < 0 ? "7 3" : "none");
    line.classList.toggle("looked", place === looked);
  }
  for (const { disk, place } of disks) {
    const bias = current.weights[place];
    disk.setAttribute("fill", colours[bias < 0 ? 1 : 0]);
    disk.setAttribute("fill-opacity", Math.min(1, Math.abs(bias) / largest));
    disk.setAttribute("stroke", ink);
    disk.classList.toggle("looked", place === looked);
  }
}

if (network.why) byId("network").append(make("p", {}, network.why));
else drawNetwork();
