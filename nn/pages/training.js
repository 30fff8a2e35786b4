// The page of a training run: what each step shows, and the controls.

function show() {
  const { step, epoch, cost } = frames[now];
  byId("sentence").replaceChildren(
    make("strong", {}, `Step ${step + 1} of ${DATA.steps}, epoch ${epoch}: `),
    `cost ${precise(cost)}, with its gradients; the weights${plane.why ? "" : " and the boundary"} are those that the step led to.`,
  );
  paintCurve();
  paintPlane();
  paintWeights();
}

byId("summary").textContent =
  `${frames.length === DATA.steps ? `All ${DATA.steps}` : `${frames.length} of ${DATA.steps}`} steps of training: buttons, slider, or the keys ← → Home End.`;
const steps = stepper(
  byId("stepper"),
  { slider: "step", step: (i) => `step ${frames[i].step + 1} of ${DATA.steps}` },
  () => frames.length - 1,
  (to) => {
    now = to;
    show();
    return now;
  },
);
window.addEventListener("resize", show);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
