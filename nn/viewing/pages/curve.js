// The costs by the steps taken, of training and validation, with a marker at the moment that is shown.

const AREA = { left: 52, right: 350, top: 10, bottom: 150 };
const chart = draw("svg", { viewBox: "0 0 360 186", role: "img" });
const names = make("div", { id: "names" });
byId("curve").append(chart, names);

const words = (type, x, y, text) => draw("text", { class: type, x, y }, text);

// The numbers at the side: powers of ten with their doubles and fives, or, where these are too few, the ends.
function costNumbers(lowest, highest, logarithmic) {
  if (!logarithmic) return roundNumbers(lowest, highest, 5);
  const powers = Array.from({ length: Math.ceil(highest) - Math.floor(lowest) + 1 }, (_, i) => Math.floor(lowest) + i);
  const inside = (list) => list.filter((x) => lowest <= Math.log10(x) && Math.log10(x) <= highest);
  const tens = inside(powers.map((power) => 10 ** power));
  const more = inside(powers.flatMap((power) => [1, 2, 5].map((x) => x * 10 ** power)));
  const found = more.length <= 6 ? more : tens.filter((_, i) => i % Math.ceil(tens.length / 6) === 0);
  return found.length > 1 ? found : [10 ** lowest, 10 ** highest];
}

// The number of steps at the right end of the chart.
function lastStep() {
  return Math.max(1, ...curves.map(({ points }) => points.at(-1)?.[0] ?? 0));
}

function paintCurve() {
  const costs = [current.cost, ...curves.flatMap(({ points }) => points.map(([, cost]) => cost))];
  const logarithmic = Math.min(...costs) > 0;
  const height = logarithmic ? Math.log10 : (cost) => cost;
  let [lowest, highest] = [Math.min(...costs), Math.max(...costs)].map(height);
  if (lowest === highest) [lowest, highest] = [lowest - 0.5, highest + 0.5];
  const last = lastStep();
  const xOf = (step) => AREA.left + ((AREA.right - AREA.left) * step) / last;
  const yOf = (cost) => AREA.bottom - ((AREA.bottom - AREA.top) * (height(cost) - lowest)) / (highest - lowest);
  const at = xOf(Math.max(0, current.step)); // the cost before the first step is the first on the curve
  chart.replaceChildren(
    ...costNumbers(lowest, highest, logarithmic).flatMap((cost) => [
      draw("line", { class: "tick", x1: AREA.left, x2: AREA.right, y1: yOf(cost), y2: yOf(cost) }),
      words("end", AREA.left - 6, yOf(cost) + 4, String(Number(cost.toPrecision(2)))),
    ]),
    ...roundNumbers(0, last, 4).filter(Number.isInteger).map((step) => words("middle", xOf(step), AREA.bottom + 16, String(step))),
    words("middle", (AREA.left + AREA.right) / 2, AREA.bottom + 32, `steps taken; costs on a ${logarithmic ? "logarithmic" : "linear"} scale`),
    ...curves.map(({ points }, i) =>
      draw("path", { class: `costs curve${i}`, d: points.length ? `M${points.map(([step, cost]) => `${xOf(step)} ${yOf(cost)}`).join("L")}` : "" })),
    draw("line", { class: "step", x1: at, x2: at, y1: AREA.top, y2: AREA.bottom }),
    draw("circle", { r: 5, cx: at, cy: yOf(current.cost) }),
  );
  chart.setAttribute("aria-label", `costs by the steps taken: ${precise(current.cost)} after ${Math.max(0, current.step)} of ${last}`);
  names.replaceChildren(...curves.map(({ name }, i) => make("span", {},
    draw("svg", { width: 26, height: 10, viewBox: "0 0 26 10", "aria-hidden": "true" }, draw("path", { class: `costs curve${i}`, d: "M1 5H25" })), ` ${name}`)));
}
