// The picture: boxes and arrows, painted from a layout; show() fills in the numbers.

const svg = byId("graph");
let width, height; // of the layout
let boxes; // each has its nodes, and the name of a scope if it folds one
let boxOf, lineOf; // the box of each node, the line of each edge between boxes
let shapes, again, lines, output;

// A sheet has boxes, arrows (the edges of each) and dashed copies of boxes whose uses are far apart, with their layouts as
// Graphviz writes them: n0, n1, … are the boxes, the root's name and the copies, e0, e1, … the arrows and that to the name.
function paint(sheet) {
  const laid = readLayout((window.innerWidth < 600 && sheet.tall) || sheet.wide);
  ({ width, height } = laid);
  boxes = sheet.boxes;
  boxOf = nodes.map(() => undefined);
  boxes.forEach((box, k) => box.nodes.forEach((i) => (boxOf[i] = k)));
  lineOf = new Map(sheet.arrows.flatMap((arrow, k) => arrow.map((e) => [e, k])));
  svg.setAttribute("viewBox", `-8 -8 ${width + 16} ${height + 26}`); // below the lowest gate stands its sum
  const ends = nodes[ROOT].gate ? [[]] : []; // the arrow from the root to its name
  lines = [...sheet.arrows, ...ends].map((arrow, k) => paintLine(arrow, k, laid.routes.get(`e${k}`)));
  shapes = boxes.map((box, k) => paintBox(box, k, laid.places.get(`n${k}`)));
  output = paintEnd(laid.places.get(`n${boxes.length}`));
  const first = boxes.length + ends.length;
  again = sheet.copies.map((copy, k) => paintCopy(copy, laid.places.get(`n${first + k}`)));
  svg.classList.toggle("dense", sheet.dense);
  svg.replaceChildren(...[...lines, ...shapes, ...again].map(({ box }) => box), output);
  byId("again").hidden = again.length === 0;
}

function readLayout(found) {
  const [, , width, height] = found.bb.split(",").map(Number);
  const at = (text) => {
    const [x, y] = text.split(",").map(Number);
    return [x, height - y].map((z) => Math.round(10 * z) / 10);
  };
  const down = found.rankdir === "TB";
  const places = found.objects.map((item) => {
    const [x, y] = at(item.pos);
    return [item.name, { x, y, width: 72 * item.width, height: 72 * item.height }];
  });
  const routes = (found.edges ?? []).map(({ id, pos, lp }) => {
    const [tip, ...points] = pos.split(" ");
    const curve = points.map(at);
    const label = lp === undefined ? curve[curve.length >> 1] : beside(at(lp), pointsOf(curve), down);
    return [id, { curve, tip: at(tip.replace("e,", "")), label, down }];
  });
  return { width, height, places: new Map(places), routes: new Map(routes) };
}

// Graphviz reserves the place of a label above its arrow, or to the right of one that leads down, sometimes nearer to another
// arrow than to its own: move it to its own.
function beside([x, y], points, down) {
  const near = points.filter((point) => Math.abs(down ? point[1] - y : point[0] - x) < 16);
  if (!near.length) return [x, y];
  return down ? [Math.max(...near.map((point) => point[0])) + 6, y] : [x, Math.min(...near.map((point) => point[1])) - 13];
}

// Points of a curve, which is a start and then three points of each of its Bézier curves.
function pointsOf([start, ...rest]) {
  const points = [start];
  for (let i = 0; i < rest.length; i += 3) {
    const [a, b, c, d] = [i ? rest[i - 1] : start, ...rest.slice(i, i + 3)];
    for (let t = 0.05; t <= 1; t += 0.05) {
      points.push([0, 1].map((k) => (1 - t) ** 3 * a[k] + 3 * (1 - t) ** 2 * t * b[k] + 3 * (1 - t) * t ** 2 * c[k] + t ** 3 * d[k]));
    }
  }
  return points;
}

function paintLine(arrow, k, { curve, tip, label, down }) {
  const right = down ? " right" : "";
  const alone = arrow.length && arrow.every((e) => !learns(edges[e].from)); // no gradient comes below the value
  const value = draw("text", { x: label[0], y: label[1] + (alone ? 8 : -4), class: `value${right}` });
  const gradient = draw("text", { x: label[0], y: label[1] + 8, class: `gradient${right}` });
  const path = `M${curve[0]}C${curve.slice(1).join(" ")}`;
  const line = draw("path", { d: `${path}L${tip}`, class: "line" });
  const hit = draw("path", { d: path, class: "hit" });
  const box = draw("g", { class: "edge", tabindex: 0, role: "img", "data-line": k }, hit, line, value, gradient);
  const turned = arrowhead(curve[1], curve[0]); // shown instead when a gradient has come back
  turned.classList.add("turned");
  box.append(arrowhead(curve.at(-1), tip), turned);
  return { box, value, gradient, line, edges: arrow.map((e) => edges[e]) };
}

function paintBox({ nodes: inside, scope, title }, k, { x, y, width, height }) {
  const i = inside.at(-1);
  const node = nodes[i];
  const kind = scope ? "scope" : node.gate ? "gate" : node.role;
  const ending = inside.includes(ROOT) ? " root" : "";
  const box = draw("g", { class: `node ${kind}${ending}`, tabindex: 0, role: "img", [scope ? "data-box" : "data-node"]: scope ? k : i });
  const at = (dy, type, text = "") => draw("text", { x, y: y + dy, class: type }, text);
  const round = { input: 10, parameter: 0, constant: 0, scope: 8 }[kind];
  const shape = kind === "gate"
    ? draw("ellipse", { cx: x, cy: y, rx: width / 2, ry: height / 2, class: "shape" })
    : draw("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: round, class: "shape" });
  const first = { gate: () => at(-1, "symbol", node.symbol), scope: () => at(-3, "name", short(title, 18)) }[kind]?.() ?? at(-3, "name");
  const below = at(kind === "gate" ? height / 2 + 13 : 13, scope ? "label" : "gradient");
  box.append(shape, first, ...(kind === "gate" ? [at(12, "name", short(node.name, 14))] : []), below);
  return { box, first, below };
}

// Dashed copies of boxes whose uses are far apart; they show the same value.
function paintCopy({ of, first, last, uses }, { x, y, width, height }) {
  const i = boxes[of].nodes.at(-1);
  const name = draw("text", { x, y: y - 3, class: "name" });
  const which = `${first === last ? "use" : "uses"} ${first === last ? first : `${first}–${last}`} of ${uses}`;
  const shape = draw("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: 10, class: "shape" });
  const kind = nodes[i].role === "parameter" ? "parameter" : "";
  const box = draw("g", { class: `node copy ${kind}`, role: "img", [boxes[of].scope ? "data-box" : "data-node"]: boxes[of].scope ? of : i }, shape, name);
  box.append(draw("text", { x, y: y + 13, class: "label" }, which));
  return { box, name, of, which };
}

function paintEnd(end) {
  const found = draw("g", { class: "node output", "aria-hidden": "true" });
  if (!end) return found;
  const frame = (inset) => ({
    x: end.x - end.width / 2 + inset, y: end.y - end.height / 2 + inset,
    width: end.width - 2 * inset, height: end.height - 2 * inset, class: "shape",
  });
  found.append(draw("rect", frame(0)), draw("rect", frame(4)));
  found.append(draw("text", { x: end.x, y: end.y + 4, class: "name" }, short(nodes[ROOT].name, 14)));
  return found;
}

function short(text, most) {
  const letters = [...text.replace(/\s+/g, " ")];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
}

// Let a number travel along an edge, backward for a gradient; not if the visitor prefers less motion.
function travel(e, text, type, seconds) {
  const line = lines[lineOf.get(e)];
  if (!line || matchMedia("(prefers-reduced-motion: reduce)").matches || svg.classList.contains("dense")) return;
  const back = type === "gradient";
  const motion = draw("animateMotion", {
    path: line.line.getAttribute("d"), dur: `${seconds}s`, fill: "freeze", begin: "indefinite",
    calcMode: "linear", keyTimes: "0;1", keyPoints: back ? "1;0" : "0;1",
  });
  const width = 7 * text.length + 10;
  const token = draw("g", { class: `travelling ${type}`, "aria-hidden": "true" });
  token.append(draw("rect", { x: -width / 2, y: -10, width, height: 20, rx: 10 }), draw("text", { y: 4 }, text), motion);
  svg.append(token);
  motion.beginElement();
  setTimeout(() => token.remove(), 1000 * seconds);
}

function stopTravelling() {
  svg.querySelectorAll(".travelling").forEach((token) => token.remove());
}

// A small triangle from the last point of a line to its tip.
function arrowhead([x, y], [tipX, tipY]) {
  const length = Math.hypot(tipX - x, tipY - y) || 1;
  const [dx, dy] = [(tipX - x) / length, (tipY - y) / length];
  const [baseX, baseY] = [tipX - 8 * dx, tipY - 8 * dy];
  return draw("path", {
    d: `M${tipX} ${tipY}L${baseX - 3 * dy} ${baseY + 3 * dx}L${baseX + 3 * dy} ${baseY - 3 * dx}Z`,
    class: "arrow",
  });
}
