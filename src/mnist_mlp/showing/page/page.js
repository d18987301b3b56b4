// The page: what is on it now, and what follows from that.

import { readAddress, writeAddress } from "./address.js";
import { makeAnswer } from "./answer.js";
import { compare } from "./attribution.js";
import { chooseNeurons, drawDiagram, layOut } from "./diagram.js";
import { find, makeTabs, prefersStill } from "./dom.js";
import { explainChoice, explainNeuron } from "./explain.js";
import { frameStrokes } from "./framing.js";
import { makeGalleries, makeOnes, paintWeights, unpackSamples } from "./galleries.js";
import { distance, unpackLikeness } from "./likeness.js";
import { forward, makeNetwork } from "./network.js";
import { makeNeurons } from "./neurons.js";
import { drawPad, isBlank, makePad } from "./pad.js";
import { readPalette } from "./pictures.js";
import { atWork, inLesson } from "./scene.js";
import { unpackSnapshots } from "./snapshots.js";
import { straighten } from "./straightening.js";
import { strangeWords } from "./strange.js";
import { makeLesson, unpackExamples } from "./teach.js";
import { makeTime } from "./time.js";
import { STEPS, makeTour } from "./tour.js";
import { verdict } from "./words.js";

/** @import { Point } from "./framing.js" */
/** @import { Drawing } from "./pad.js" */

const LEARNED = 0.95; // output from which a lesson has nothing left to show
const REVEAL = 350; // milliseconds for each layer that backpropagation goes back
const PAUSE_TO_KEEP = 300; // milliseconds without a change before the address is written

/**
 * Make the page of a network live.
 * @param {any} data what report_page.py gathered
 */
function start(data) {
  const samples = unpackSamples(data.digits);
  const trained = makeNetwork(data.network);
  const last = trained.sizes.length - 1;
  const likeness = data.likeness && unpackLikeness(data.likeness);
  const moments = data.snapshots ? unpackSnapshots(data.snapshots, trained) : [];
  let address = readAddress(location.hash, samples.length);
  let palette = readPalette();
  let moment = moments.length - 1;
  let reveal = 1; // the first layer whose lines are drawn in a lesson
  let revealing = 0;
  let waiting = false;
  let keeping = 0;

  /** Have everything updated before the screen is drawn next; many events make one update. */
  function changed() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      update();
    });
  }

  /**
   * What the network sees of strokes.
   * @param {Point[][]} strokes
   */
  function look(strokes) {
    return data.straightened ? straighten(frameStrokes(strokes)) : frameStrokes(strokes);
  }

  const networkNow = () => lesson.taught() ?? moments[moment]?.network ?? trained;
  const sampleNow = () => {
    const { sample } = pad.drawing();
    return sample === null ? null : samples[sample];
  };
  const imageNow = () => sampleNow()?.image ?? look(pad.drawing().strokes);

  /** Work out everything from the pad to the answer, once, and show it. */
  function update() {
    const [network, image, drawing] = [networkNow(), imageNow(), pad.drawing()];
    const pass = forward(network, image);
    const { activations } = pass;
    const blank = isBlank(drawing);
    const answer = verdict(network.output, activations[last], data.unsure);
    const chosen = neurons.chosen();
    const rival = neurons.rival() ?? answer.rival;
    const other = rival === answer.digit ? answer.rival : rival;
    const plan = layOut(chooseNeurons(network, activations, data.most_neurons), roomFor("diagram"));
    const label = tabs.open() === "lesson" && !blank ? lesson.label() : null;
    const learned = label !== null && activations[last][label] > LEARNED;
    const scene = atWork(network, activations, chosen, data.scales, palette);
    const shown = label === null || learned ? scene : inLesson(scene, image, label, reveal);

    drawPad(drawing, image, pad.pen(), palette);
    drawDiagram(find("network", HTMLCanvasElement), shown, plan, palette);
    neurons.update(network, activations, plan);
    explainNeuron(network, pass, chosen ?? { layer: last, neuron: answer.digit }, palette);
    explainChoice(compare(network, pass, answer.digit, other), answer.digit, other, palette);
    const known = likeness && network === trained && !blank; // of no other network
    const far = known && distance(likeness, activations);
    const unlike = known && far > likeness.limit;
    const unusual = known && far > likeness.unusual;
    const strange = strangeWords(drawing.strokes, image, unlike, unusual);
    said.update({ network, pass, answer, blank, sample: sampleNow(), strange, chosen });
    time?.update(image);
    lesson.update(!blank, learned);
    find("legend").hidden = shown !== scene;
    find("lesson-legend").hidden = shown === scene;
    find("lesson-note").hidden = lesson.taught() === null;
    find("said").style.setProperty("--room", `${plan.picture.size + plan.step - 40}px`);
    clearTimeout(keeping);
    keeping = window.setTimeout(keep, PAUSE_TO_KEEP);
  }

  /** Keep what is on the page in its address. */
  function keep() {
    writeAddress(pad.drawing(), tour.at(), address.embed);
  }

  /** Show another network: of another moment, or after a lesson. */
  function networkChanged() {
    paintWeights(networkNow(), palette);
    changed();
  }

  /** Let a lesson take a sample for what it is. If it is the only tab, the user begins it. */
  function chooseTruth() {
    lesson.choose(time ? (sampleNow()?.label ?? null) : null);
  }

  /** Go back through the layers, right to left, as backpropagation does. */
  function goBack() {
    if (prefersStill()) return;
    reveal = last;
    clearInterval(revealing);
    revealing = window.setInterval(() => {
      reveal = Math.max(reveal - 1, 1);
      if (reveal === 1) clearInterval(revealing);
      changed();
    }, REVEAL);
  }

  /** Draw everything again, in the colours and the width that are in force now. */
  function repaint() {
    palette = readPalette();
    galleries.repaint(palette);
    ones.repaint(palette);
    paintWeights(networkNow(), palette);
    update();
  }

  const said = makeAnswer();
  const pad = makePad(address.drawing ?? { strokes: [], sample: data.to_load[0] }, (drew) => {
    if (drew) tour.saw("drew");
    if (drew && pad.drawing().strokes.length < 2) chooseTruth();
    changed();
  });
  const neurons = makeNeurons(last, (act) => {
    if (act) tour.saw(act);
    changed();
  });
  const load = (/** @type {Drawing} */ drawing) => {
    pad.draw(drawing);
    if (find("pad").getBoundingClientRect().bottom < 0) scrollTo("think", "start");
  };
  const galleries = makeGalleries(data, samples, (sample) => load({ strokes: [], sample }));
  const ones = makeOnes(trained, look, load);
  const tabs = makeTabs(["time", "lesson"], changed);
  const time =
    moments.length > 1
      ? makeTime(moments, data.snapshots.measured_on, data.chart, (at) => {
          moment = at;
          lesson.forget();
          tour.saw("moved");
          networkChanged();
        })
      : null;
  if (!time) tabs.leaveOut("time");
  const steps = STEPS.filter(({ show }) => time || show !== "time");
  const tour = makeTour(
    steps,
    ({ show }) => {
      if (show === "time" || show === "lesson") tabs.choose(show);
      if (show === "lesson") time?.goTo(moments.length - 1); // where training ended
      scrollTo(show, "nearest");
    },
    keep,
  );
  const [test, training] = [data.practice.test, data.practice.training].map(unpackExamples);
  const now = () => ({ network: networkNow(), image: imageNow() });
  const lesson = makeLesson(test, training, now, (act) => {
    time?.pause();
    if (act === "chose") goBack();
    if (act === "taught") tour.saw("taught");
    networkChanged();
  });
  chooseTruth();

  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", repaint);
  }
  for (const event of ["beforeprint", "afterprint"]) {
    addEventListener(event, () => {
      document.documentElement.classList.toggle("printing", event === "beforeprint");
      repaint();
    });
  }
  addEventListener("hashchange", () => {
    address = readAddress(location.hash, samples.length);
    document.body.classList.toggle("embedded", address.embed);
    if (address.drawing) pad.draw(address.drawing);
    tour.goTo(address.tour);
  });
  document.body.classList.toggle("embedded", address.embed);
  repaint();
  new ResizeObserver(changed).observe(find("diagram"));
  tour.goTo(address.tour);
}

/**
 * The room for a diagram: as high as its element, or 0 if that has no height of its own.
 * @param {string} id
 */
function roomFor(id) {
  const holder = find(id);
  const text = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const fills = getComputedStyle(holder).overflowY === "hidden";
  return { width: holder.clientWidth, height: fills ? holder.clientHeight : 0, text };
}

/**
 * @param {string} id
 * @param {ScrollLogicalPosition} block
 */
function scrollTo(id, block) {
  find(id).scrollIntoView({ block, behavior: prefersStill() ? "auto" : "smooth" });
}

/**
 * Show the digits of a network that is too large for the page.
 * @param {any} data
 */
function startWithoutNetwork(data) {
  const galleries = makeGalleries(data, unpackSamples(data.digits), null);
  const repaint = () => galleries.repaint(readPalette());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  repaint();
}

document.documentElement.classList.add("running");
const pageData = JSON.parse(find("data", HTMLScriptElement).textContent ?? "");
if (pageData.network) start(pageData);
else startWithoutNetwork(pageData);
