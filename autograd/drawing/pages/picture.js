// The picture, drawn once from the layout; show() fills in the numbers.

const sheet = (window.innerWidth < 600 && DATA.tall) || DATA.wide;
const { places, copies, routes } = sheet; // the last place and route belong to the box with the root's name
const svg = byId("graph");
svg.classList.toggle("dense", routes.length > 150);
svg.setAttribute("viewBox", `-8 -8 ${sheet.width + 16} ${sheet.height + 16}`);
const lines = routes.map(({ path, tip, label }, e) => {
  const value = draw("text", { x: label[0], y: label[1] - 4, class: "value" });
  const gradient = draw("text", { x: label[0], y: label[1] + 8, class: "gradient" });
  const end = path.slice(path.lastIndexOf(" ") + 1).replace(",", " ");
  const line = draw("path", { d: `${path}L${tip[0]} ${tip[1]}`, class: "line" });
  const hit = draw("path", { d: path, class: "hit" });
  const box = draw("g", { class: "edge", tabindex: 0, role: "img", "data-edge": e }, hit, line, value, gradient);
  const ahead = arrow(end.split(" ").map(Number), tip);
  const [start, second] = path.slice(1).split(/C| /).map((point) => point.split(",").map(Number));
  const turned = arrow(second, start); // shown instead when a gradient has come back
  turned.classList.add("turned");
  box.append(ahead, turned);
  return { box, value, gradient, line };
});
const shapes = nodes.map((node, i) => {
  const { x, y, width, height } = places[i];
  const kind = node.gate ? "gate" : node.role;
  const box = draw("g", { class: `node ${kind}${i === ROOT ? " root" : ""}`, tabindex: 0, role: "img", "data-node": i });
  const at = (dy, type, text = "") => draw("text", { x, y: y + dy, class: type }, text);
  const rounded = { input: 10, parameter: 0, constant: 0 }[kind];
  const shape = node.gate
    ? draw("ellipse", { cx: x, cy: y, rx: width / 2, ry: height / 2, class: "shape" })
    : draw("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: rounded, class: "shape" });
  const first = node.gate ? at(4, "symbol", node.symbol) : at(-3, "name", "");
  const above = node.gate ? at(-height / 2 - 5, "label", short(node.name, 14)) : at(0, "label");
  const below = node.gate ? at(height / 2 + 13, "gradient") : at(13, "gradient");
  box.append(shape, first, above, below);
  return { box, first, below };
});
// Dashed copies of nodes whose uses are far apart; they show the same value.
const again = copies.map(({ of, first, last, uses, x, y, width, height }) => {
  const name = draw("text", { x, y: y - 3, class: "name" });
  const which = `${first === last ? "use" : "uses"} ${first === last ? first : `${first}–${last}`} of ${uses}`;
  const shape = draw("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: 10, class: "shape" });
  const box = draw("g", { class: `node copy ${nodes[of].role === "parameter" ? "parameter" : ""}`, role: "img", "data-node": of }, shape, name);
  box.append(draw("text", { x, y: y + 13, class: "label" }, which));
  return { box, name, of, which };
});
byId("again").hidden = again.length === 0;
const end = places[nodes.length];
const output = draw("g", { class: "node output", "aria-hidden": "true" });
if (end) {
  const frame = (inset) => ({
    x: end.x - end.width / 2 + inset, y: end.y - end.height / 2 + inset,
    width: end.width - 2 * inset, height: end.height - 2 * inset, class: "shape",
  });
  output.append(draw("rect", frame(0)), draw("rect", frame(4)));
  output.append(draw("text", { x: end.x, y: end.y + 4, class: "name" }, short(nodes[ROOT].name, 14)));
}
svg.append(...lines.map((line) => line.box), ...shapes.map((shape) => shape.box), ...again.map((copy) => copy.box), output);

function short(text, most) {
  const letters = [...text.replace(/\s+/g, " ")];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
}

// Let a number travel along an edge, backward for a gradient; not if the visitor prefers less motion.
function travel(e, text, type, seconds) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || svg.classList.contains("dense")) return;
  const back = type === "gradient";
  const motion = draw("animateMotion", {
    path: lines[e].line.getAttribute("d"), dur: `${seconds}s`, fill: "freeze", begin: "indefinite",
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
function arrow([x, y], [tipX, tipY]) {
  const length = Math.hypot(tipX - x, tipY - y) || 1;
  const [dx, dy] = [(tipX - x) / length, (tipY - y) / length];
  const [baseX, baseY] = [tipX - 8 * dx, tipY - 8 * dy];
  return draw("path", {
    d: `M${tipX} ${tipY}L${baseX - 3 * dy} ${baseY + 3 * dx}L${baseX + 3 * dy} ${baseY - 3 * dx}Z`,
    class: "arrow",
  });
}
