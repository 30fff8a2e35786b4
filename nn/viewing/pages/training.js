// The page of a training run: what each step shows, and the controls.

const frames = DATA.frames.map((frame) => ({
  ...frame,
  weights: new Float32Array(bytes(frame.weights)),
  gradients: new Float32Array(bytes(frame.gradients)),
  scores: frame.scores ? Float64Array.from(new Int16Array(bytes(frame.scores)), (x) => x * frame.scale) : null,
}));
curves = DATA.curves;
frames.forEach(measure);

function show(frame) {
  const { step, epoch, cost } = frame;
  const beginning = step < 0;
  byId("sentence").replaceChildren(
    make("strong", {}, beginning ? "Before the first step: " : `Step ${step + 1} of ${DATA.steps}, epoch ${epoch}: `),
    `cost ${precise(cost)} and its gradients. ${beginning ? "Initial weights" : "Weights"}${plane.why ? "" : " and boundary"}${
      beginning ? "" : " after this step"}.`,
  );
  paint(frame);
}

const afterSteps = frames.filter(({ step }) => step >= 0).length;
byId("summary").textContent =
  `${afterSteps === DATA.steps ? `All ${DATA.steps}` : `${afterSteps} of ${DATA.steps}`} steps of training: buttons, slider, or the keys ← → Home End, and space to play.`;
const steps = stepper(
  byId("controls"),
  {
    slider: "step",
    step: (i) => (frames[i].step < 0 ? "before the first step" : `step ${frames[i].step + 1} of ${DATA.steps}`),
    pace: 200,
  },
  () => frames.length - 1,
  (to) => {
    show(frames[to]);
    return to;
  },
);
chart.classList.add("clickable");
chart.addEventListener("click", (event) => {
  const box = chart.getBoundingClientRect();
  const part = (((event.clientX - box.left) / box.width) * 360 - AREA.left) / (AREA.right - AREA.left);
  const far = frames.map(({ step }) => Math.abs(step - part * lastStep()));
  steps.move(far.indexOf(Math.min(...far)));
});
