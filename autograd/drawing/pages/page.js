// Common to all pages: the data, creation of elements, formatting of numbers, and the stepper.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

function byId(id) {
  return document.getElementById(id);
}

// Create an element; a child that is a string becomes text, never HTML.
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A number with `digits` decimals, in scientific notation if it is very small or large.
function shown(x, digits) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  if (x === 0 || (10 ** -digits <= Math.abs(x) && Math.abs(x) < 1e7)) return (x + 0 || 0).toFixed(digits);
  return x.toExponential(Math.max(digits - 1, 0));
}

// A number with six significant digits.
function precise(x) {
  return Number.isFinite(x) ? String(Number(x.toPrecision(6)) || 0) : shown(x, 0);
}

// The frame of a notebook is as high as the page, which tells its height whenever that changes.
if (window.parent !== window) {
  new ResizeObserver(() => window.parent.postMessage(document.documentElement.offsetHeight, "*")).observe(document.body);
}

function button(text, label, press) {
  const made = make("button", { type: "button", "aria-label": label, title: label }, text);
  made.addEventListener("click", press);
  return made;
}

// Offer a text to be saved as a file of this name.
function saveFile(name, type, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}

// Call what `press` returns for a key, unless the key is for typing, for a button, or with Ctrl, Alt or Meta. Arrows in an
// empty field are not for typing.
function onKeys(press) {
  document.addEventListener("keydown", (event) => {
    const empty = event.target.type === "text" && event.target.value === "" && event.key.startsWith("Arrow");
    const typing = (event.target.matches("input, textarea, select") && !empty) || (event.key === " " && event.target !== document.body);
    const act = typing || event.ctrlKey || event.altKey || event.metaKey ? undefined : press(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

// Buttons, a slider and keys to move through steps 0 … last(), and to play them. `go` shows a step and returns it; `words`
// names the slider and the steps, and may have the milliseconds from step to step and, if steps beyond last() open later, the
// end of the slider.
function stepper(place, words, last, go) {
  let step = 0;
  let playing = null;
  const slider = make("input", { type: "range", min: 0, value: 0, "aria-label": words.slider });
  const move = (to) => {
    step = go(Math.max(0, Math.min(last(), to)));
    slider.max = (words.end ?? last)();
    slider.value = step;
    slider.setAttribute("aria-valuetext", words.step(step));
    [first, back].forEach((button) => button.toggleAttribute("disabled", step === 0));
    [next, end].forEach((button) => button.toggleAttribute("disabled", step === last()));
  };
  const first = button("|◀", "to the start (Home)", () => move(0));
  const back = button("◀ Back", "one step back (←)", () => move(step - 1));
  const next = button("Next ▶", "one step on (→)", () => move(step + 1));
  const end = button("▶|", "to the end (End)", () => move(last()));
  next.classList.add("main");
  const play = button("Play", "play all steps (space)", () => toggle());
  const speed = make("select", { "aria-label": "speed", title: "speed" });
  speed.append(...["0.5", "1", "2", "4"].map((times) => make("option", { value: times }, `${times}×`)));
  speed.value = "1";
  const halt = () => {
    clearTimeout(playing);
    playing = null;
    play.textContent = "Play";
  };
  const advance = () => {
    if (step === last()) return halt();
    move(step + 1);
    playing = setTimeout(advance, (words.pace ?? 1200) / Number(speed.value));
  };
  const toggle = () => {
    if (playing !== null) return halt();
    if (step === last()) move(0);
    play.textContent = "Pause";
    playing = setTimeout(advance, 0);
  };
  [first, back, next, end, slider].forEach((control) => control.addEventListener("pointerdown", halt));
  slider.addEventListener("input", () => move(Number(slider.value)));
  onKeys((key) => {
    if (key === " ") return toggle;
    const to = { ArrowLeft: step - 1, ArrowRight: step + 1, Home: 0, End: last() }[key];
    return to === undefined ? undefined : () => {
      halt();
      move(to);
    };
  });
  place.append(first, back, slider, next, end, play, speed);
  queueMicrotask(() => move(step)); // when the caller holds what this returns
  return { move, again: () => move(step), step: () => step, speed: () => Number(speed.value) };
}
