// The page: what it holds, and what happens when somebody draws, points, clicks or types.

const find = (id) => document.getElementById(id);
const data = JSON.parse(find("data").textContent);
const network = data.network && makeNetwork(data.network);
const digits = unpackDigits(data.digits);
const norms = network && network.weights.map((_, layer) => outgoingNorms(network, layer));
const PAUSE = 500; // milliseconds without a change before screen readers hear the answer

/** What is on the pad, strokes or a digit's place, and the neuron that is pointed at, or fixed. */
const state = { strokes: [], digit: null, pointed: null, fixed: null };
let waiting = false;
let telling = 0;

/** Have everything updated before the screen is drawn next; many events make one update. */
function changed() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    update();
  });
}

/** Work out everything from the pad to the answer, and show it. */
function update() {
  const image =
    state.digit === null ? frameStrokes(state.strokes) : digits[state.digit].image;
  const result = forward(network, image);
  const drawn = chooseNeurons(network, result.activations, norms, data.most_neurons);
  const plan = layOut(drawn, find("diagram").clientWidth);
  const chosen = state.pointed ?? state.fixed;
  const answer = verdict(result.activations.at(-1));
  const output = { layer: network.sizes.length - 1, neuron: answer.digit };
  paint(find("seen"), image, inkColour); // which the pad and the diagram copy
  drawPad();
  drawDiagram(find("network"), network, result, plan, chosen);
  placeNeurons(result, plan);
  explainNeuron(network, result, chosen ?? output);
  showAnswer(answer);
}

/** Show the answer at once; say it to screen readers when nothing has changed for a while. */
function showAnswer({ digit, sure, words }) {
  const blank = state.digit === null && state.strokes.length === 0;
  const loaded = state.digit !== null;
  find("answer").textContent = blank ? "–" : digit;
  find("answer").classList.toggle("unsure", !sure && !blank);
  find("verdict").textContent = blank ? "Draw a digit." : words;
  find("truth").textContent = loaded ? truth(digits[state.digit], digit) : "";
  find("undo").disabled = loaded || blank;
  find("clear").disabled = blank;
  clearTimeout(telling);
  telling = setTimeout(() => {
    const told = `${find("verdict").textContent} ${find("truth").textContent}`.trim();
    if (find("told").textContent !== told) find("told").textContent = told;
  }, PAUSE);
}

/** Put a digit, by its place among `digits`, on the pad. */
function load(place) {
  state.strokes = [];
  state.digit = place;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (find("pad").getBoundingClientRect().bottom < 0) {
    find("think").scrollIntoView({ behavior: still ? "auto" : "smooth" });
  }
  changed();
}

/** Lay a button over each neuron that is drawn, to point at, tap, or reach by keyboard. */
function placeNeurons({ activations }, { places }) {
  const wanted = places.flat();
  const group = find("neurons");
  while (group.children.length > wanted.length) group.lastChild.remove();
  while (group.children.length < wanted.length) {
    const button = element("button", "neuron");
    button.tabIndex = group.children.length ? -1 : 0;
    group.append(button);
  }
  wanted.forEach(({ layer, neuron, x, y, radius }, i) => {
    const button = group.children[i];
    const isFixed = isNeuron({ layer, neuron }, state.fixed);
    const value = activations[layer][neuron].toFixed(2);
    button.place = { layer, neuron };
    button.setAttribute("aria-label", `${neuronName(network, layer, neuron)}: ${value}`);
    button.setAttribute("aria-pressed", String(isFixed));
    button.style.left = `${x - radius - 2}px`;
    button.style.top = `${y - radius - 2}px`;
    button.style.width = button.style.height = `${2 * radius + 4}px`;
  });
}

function listenToNeurons() {
  const group = find("neurons");
  const point = (place) => {
    state.pointed = place;
    changed();
  };
  for (const type of ["pointerover", "focusin"]) {
    group.addEventListener(type, (event) => event.target.place && point(event.target.place));
  }
  for (const type of ["pointerout", "focusout"]) group.addEventListener(type, () => point(null));
  group.addEventListener("click", ({ target }) => {
    if (!target.place) return;
    const again = isNeuron(target.place, state.fixed);
    state.fixed = again ? null : target.place;
    point(again ? null : target.place);
  });
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    state.fixed = null;
    point(null);
  });
  moveByArrows(group, () => {
    const columns = [];
    for (const button of group.children) (columns[button.place.layer - 1] ??= []).push(button);
    return columns;
  });
}

/**
 * Let arrow keys move the focus among buttons of which only one can be reached by Tab.
 *
 * `lines` gives them as a list of columns, or of rows.
 */
function moveByArrows(container, lines, direction = "columns") {
  const turned = direction === "rows";
  container.addEventListener("focusin", ({ target }) => {
    for (const button of lines().flat()) button.tabIndex = button === target ? 0 : -1;
  });
  container.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    const [dx, dy] = STEPS[event.key];
    const [across, along] = turned ? [dy, dx] : [dx, dy];
    const all = lines();
    const from = all.findIndex((line) => line.includes(event.target));
    const to = Math.min(Math.max(from + across, 0), all.length - 1);
    const share = all[from].indexOf(event.target) / all[from].length;
    const at = across ? Math.floor(share * all[to].length) : all[from].indexOf(event.target) + along;
    all[to][Math.min(Math.max(at, 0), all[to].length - 1)].focus();
    event.preventDefault();
  });
}

/** Draw everything again, in the colours and the width that are in force now. */
function repaint() {
  readColours();
  for (const canvas of document.querySelectorAll("canvas")) canvas.repaint?.();
  if (network) update();
}

function start() {
  readColours();
  find("mistakes")?.append(...data.mistakes.map((place) => thumbnail(place, misreadCaption(place))));
  listenToConfusion();
  if (network) {
    find("to-load").append(...data.to_load.map((place) => thumbnail(place, toLoadCaption(place))));
    paintWeights();
    listenToPad();
    listenToNeurons();
    state.digit = data.to_load[0];
    update();
    new ResizeObserver(changed).observe(find("diagram"));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
}

start();
