// Weights and gradients: one square for each, its area the size. A negative one is orange and crossed by a line.

const KINDS = ["weights", "gradients"];
let looked = null; // the place, among all entries, of the one that is being looked at
let count = 0;
const maps = tensors.map(({ name, rows }) => {
  const entries = rows.flatMap(([label, length], row) =>
    length === null ? [{ label, row, column: 0 }] : Array.from({ length }, (_, column) => ({ label: `${label}[${column}]`, row, column })),
  );
  const columns = Math.max(...rows.map(([, length]) => length ?? 1));
  const from = count;
  count += entries.length;
  const pictures = KINDS.map((kind) => {
    const canvas = make("canvas", { tabindex: 0, role: "img", "data-kind": kind });
    const norm = make("p", { class: "pale norm" });
    const full = make("p", { class: "pale" });
    const numbers = (moment) => moment[kind].subarray(from, from + entries.length);
    return { kind, canvas, norm, full, numbers, largest: 0 };
  });
  const map = { name, entries, from, rows: rows.length, columns, cell: 1, pictures };
  for (const { canvas } of pictures) {
    canvas.addEventListener("pointermove", (event) => lookAtSpot(map, Math.floor(event.offsetY / map.cell), Math.floor(event.offsetX / map.cell)));
    canvas.addEventListener("focus", () => mapOf(looked) === map || lookAt(from));
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation(); // these keys move between weights here, elsewhere between steps
      const { row, column } = entries[looked - from];
      lookAtSpot(map, row + by[0], column + by[1]);
    });
  }
  return map;
});

// The largest numbers of all moments so far give the scale of the squares.
function measure(moment) {
  for (const { pictures } of maps) {
    for (const picture of pictures) {
      for (const x of picture.numbers(moment)) if (Number.isFinite(x)) picture.largest = Math.max(picture.largest, Math.abs(x));
    }
  }
}

function mapOf(place) {
  return maps.find(({ from, entries }) => place !== null && from <= place && place < from + entries.length);
}

function lookAtSpot(map, row, column) {
  const i = map.entries.findIndex((entry) => entry.row === row && entry.column === column);
  if (i >= 0) lookAt(map.from + i);
}

function lookAt(place) {
  const before = mapOf(looked);
  looked = place;
  if (before && before !== mapOf(place)) paintMap(before);
  paintMap(mapOf(place));
  paintNetwork();
  tellLooked();
}

function tellLooked() {
  const map = mapOf(looked);
  const [weight, gradient] = map ? KINDS.map((kind) => current[kind][looked]) : [];
  const slope = Number.isNaN(gradient) ? "frozen" : `gradient ${precise(gradient)}`;
  byId("looked").textContent = map
    ? `${map.entries[looked - map.from].label}: weight ${precise(weight)}, ${slope}`
    : "Point at a square or an edge, or reach a square with Tab and the arrow keys, to read its numbers.";
}

function paintMap(map) {
  const { name, entries, from, rows, columns, pictures } = map;
  const cell = (map.cell = Math.max(6, Math.min(18, Math.floor((byId("weights").clientWidth / 2 - 12) / columns))));
  const [ink, rule] = [themed("--ink"), themed("--rule")];
  for (const { kind, canvas, norm, full, numbers, largest } of pictures) {
    const pen = cleared(canvas, columns * cell + 1, rows * cell + 1);
    const values = numbers(current);
    entries.forEach(({ row, column }, i) => {
      const [x, y] = [(column + 0.5) * cell + 0.5, (row + 0.5) * cell + 0.5];
      pen.strokeStyle = rule;
      pen.lineWidth = 1;
      pen.strokeRect(column * cell + 0.5, row * cell + 0.5, cell, cell);
      if (values[i]) square(pen, x, y, (cell - 2) * Math.sqrt(Math.min(1, Math.abs(values[i]) / (largest || 1))), values[i] < 0, ink);
    });
    if (mapOf(looked) === map) {
      const { row, column } = entries[looked - from];
      pen.strokeStyle = ink;
      pen.lineWidth = 2;
      pen.strokeRect(column * cell + 1, row * cell + 1, cell - 1, cell - 1);
    }
    const frozen = values.every(Number.isNaN);
    const size = frozen ? "frozen" : `norm ${precise(Math.sqrt(values.reduce((sum, x) => sum + (x || 0) ** 2, 0)))}`;
    norm.textContent = size;
    full.textContent = largest ? `full square ${rounded(largest)}` : "";
    canvas.setAttribute("aria-label", `${kind} of ${name}, ${rows} × ${columns}: ${size}; arrow keys look at each`);
  }
}

function square(pen, x, y, side, negative, ink) {
  if (!(side >= 0.5)) return;
  pen.fillStyle = colours[negative ? 1 : 0];
  pen.fillRect(x - side / 2, y - side / 2, side, side);
  pen.lineWidth = 0.6;
  pen.strokeStyle = ink;
  if (side >= 3) pen.strokeRect(x - side / 2, y - side / 2, side, side);
  if (!negative || side < 4) return;
  pen.lineWidth = Math.max(1, side / 6);
  pen.strokeStyle = "#000000";
  pen.beginPath();
  pen.moveTo(x - side / 2, y);
  pen.lineTo(x + side / 2, y);
  pen.stroke();
}

const heading = (text, span, ...more) => make("th", { scope: span > 1 ? "colgroup" : "col", colspan: span }, text, ...more);
byId("weights").append(
  make("table", {},
    make("thead", {}, make("tr", {}, ...KINDS.map((kind) => heading(kind, 1)))),
    make("tbody", {}, ...maps.flatMap(({ name, rows, columns, pictures }) => [
      make("tr", {}, heading(name, 2, make("span", { class: "pale" }, ` ${rows} × ${columns}`))),
      make("tr", {}, ...pictures.map(({ canvas, norm, full }) => make("td", {}, canvas, norm, full))),
    ])),
  ),
);

function paintWeights() {
  maps.forEach(paintMap);
  tellLooked();
}
