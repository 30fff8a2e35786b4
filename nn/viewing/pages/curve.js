// The loss curve, with a marker at the step; a click on it goes there.

const AREA = { left: 52, right: 350, top: 10, bottom: 200 };
const costs = [...curve.map(([, cost]) => cost), ...frames.map(({ cost }) => cost)];
const logarithmic = Math.min(...costs) > 0;
const height = logarithmic ? Math.log10 : (cost) => cost;
const [lowest, highest] = [Math.min(...costs), Math.max(...costs)].map(height);
const room = highest - lowest || 1;
const xOf = (step) => AREA.left + ((AREA.right - AREA.left) * step) / Math.max(1, DATA.steps - 1);
const yOf = (cost) => AREA.bottom - ((AREA.bottom - AREA.top) * (height(cost) - lowest)) / room;

// The numbers at the side: powers of ten with their doubles and fives, or, where these are too few, the ends.
function ticks() {
  if (!logarithmic) return [lowest, (lowest + highest) / 2, highest];
  const powers = Array.from({ length: Math.ceil(highest) - Math.floor(lowest) + 1 }, (_, i) => Math.floor(lowest) + i);
  const inside = (list) => list.filter((x) => lowest <= Math.log10(x) && Math.log10(x) <= highest);
  const tens = inside(powers.map((power) => 10 ** power));
  const more = inside(powers.flatMap((power) => [1, 2, 5].map((x) => x * 10 ** power)));
  const found = more.length <= 6 ? more : tens.filter((_, i) => i % Math.ceil(tens.length / 6) === 0);
  return found.length > 1 ? found : [10 ** lowest, 10 ** highest];
}

const words = (type, x, y, text) => draw("text", { class: type, x, y }, text);
const across = draw("line", { class: "step", y1: AREA.top, y2: AREA.bottom });
const dot = draw("circle", { r: 5 });
const chart = draw("svg", { viewBox: "0 0 360 222", role: "img" },
  ...ticks().flatMap((cost) => [
    draw("line", { class: "tick", x1: AREA.left, x2: AREA.right, y1: yOf(cost), y2: yOf(cost) }),
    words("end", AREA.left - 6, yOf(cost) + 4, String(Number(cost.toPrecision(2)))),
  ]),
  words("start", AREA.left, AREA.bottom + 16, "1"),
  words("end", AREA.right, AREA.bottom + 16, String(DATA.steps)),
  words("middle", (AREA.left + AREA.right) / 2, AREA.bottom + 16, "step"),
  draw("path", { class: "costs", d: `M${curve.map(([step, cost]) => `${xOf(step)} ${yOf(cost)}`).join("L")}` }),
  across,
  dot,
);
chart.addEventListener("click", (event) => {
  const box = chart.getBoundingClientRect();
  const spot = ((event.clientX - box.left) / box.width) * 360;
  const far = frames.map(({ step }) => Math.abs(xOf(step) - spot));
  steps.move(far.indexOf(Math.min(...far)));
});
const scaleWords = `${DATA.penalised ? "with the penalty; " : ""}${logarithmic ? "logarithmic scale" : "linear scale"}`;
byId("curve").append(chart, make("p", { class: "pale" }, `Of the batch at each step, ${scaleWords}.`));

function paintCurve() {
  const { cost } = frames[now];
  const step = Math.max(0, frames[now].step); // the cost before the first step is the first on the curve
  across.setAttribute("x1", xOf(step));
  across.setAttribute("x2", xOf(step));
  dot.setAttribute("cx", xOf(step));
  dot.setAttribute("cy", yOf(cost));
  chart.setAttribute("aria-label", `loss curve: cost ${precise(cost)} at step ${step + 1} of ${DATA.steps}`);
}
