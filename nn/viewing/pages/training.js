// The page of a training run: what each step shows, and the controls.

function show() {
  const { step, epoch, cost } = frames[now];
  const beginning = step < 0;
  byId("sentence").replaceChildren(
    make("strong", {}, beginning ? "Before the first step: " : `Step ${step + 1} of ${DATA.steps}, epoch ${epoch}: `),
    `cost ${precise(cost)}, with its gradients; the weights${plane.why ? "" : " and the boundary"} are those that ${
      beginning ? "training begins with" : "the step led to"}.`,
  );
  paintCurve();
  paintPlane();
  paintWeights();
}

const afterSteps = frames.filter(({ step }) => step >= 0).length;
byId("summary").textContent =
  `${afterSteps === DATA.steps ? `All ${DATA.steps}` : `${afterSteps} of ${DATA.steps}`} steps of training: buttons, slider, or the keys ← → Home End.`;
const steps = stepper(
  byId("stepper"),
  { slider: "step", step: (i) => (frames[i].step < 0 ? "before the first step" : `step ${frames[i].step + 1} of ${DATA.steps}`) },
  () => frames.length - 1,
  (to) => {
    now = to;
    show();
    return now;
  },
);
window.addEventListener("resize", show);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
