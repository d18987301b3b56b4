// Galleries: samples, mistakes, the confusion matrix with the digits in it, pictures of weights.

import { onGrid } from "./address.js";
import { decodeBytes, unpackRuns } from "./bytes.js";
import { element, find, moveByArrows } from "./dom.js";
import { SIDE } from "./framing.js";
import { answerOf, largest, weightsOf } from "./network.js";
import { flaggedOnes } from "./ones.js";
import { colourLimit, inkColour, paint, paintSigned, readPalette } from "./pictures.js";
import { count, outputWords } from "./words.js";

/** @import { Point } from "./framing.js" */
/** @import { Network } from "./network.js" */
/** @import { Drawing } from "./pad.js" */
/** @import { Palette } from "./pictures.js" */

/**
 * A digit of the page, with the answer of the trained network.
 * @typedef {object} Sample
 * @property {Float32Array} image
 * @property {number | null} label null for noise
 * @property {number | null} testImage its place among the test images, from 0
 * @property {number} predicted
 * @property {number} confidence the largest output
 */

const MOST_PICTURES = 64; // of neurons' weights

/**
 * @param {{pixels: string, label: (number | null)[], test_image: (number | null)[],
 *   predicted: number[], confidence: number[]}} packed
 * @returns {Sample[]}
 */
export function unpackSamples({ pixels, label, test_image, predicted, confidence }) {
  const size = SIDE * SIDE;
  const unpacked = unpackRuns(decodeBytes(pixels), label.length * size);
  return label.map((digit, i) => ({
    image: Float32Array.from(unpacked.subarray(i * size, (i + 1) * size), (pixel) => pixel / 255),
    label: digit,
    testImage: test_image[i],
    predicted: predicted[i],
    confidence: confidence[i],
  }));
}

/** @param {Sample} sample */
function sampleName({ label, testImage, predicted }) {
  const name =
    label === null ? "Noise" : `Test image ${testImage?.toLocaleString("en")}, a ${label}`;
  return `${name}, read as ${predicted}`;
}

/**
 * A small picture with a caption; a button if it does something.
 * @param {ArrayLike<number>} image 28×28, from 0 to 1
 * @param {string} name
 * @param {string} caption
 * @param {Palette} palette
 * @param {(() => void) | null} act
 */
function thumbnail(image, name, caption, palette, act) {
  const item = element("li");
  const holder = element(act ? "button" : "div", "thumbnail");
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", name);
  paint(canvas, image, (ink) => inkColour(palette, ink));
  holder.append(canvas, element("span", "caption", caption));
  holder.title = name;
  if (act) holder.addEventListener("click", act);
  item.append(holder);
  return item;
}

/**
 * Show the samples, the mistakes and the confusion matrix; `load` puts a sample on the pad.
 * @param {{to_load: number[], mistakes: number[], output: string}} data
 * @param {Sample[]} samples
 * @param {((place: number) => void) | null} load
 */
export function makeGalleries(data, samples, load) {
  let palette = readPalette();
  let cell = worstCell();

  /**
   * Fill a gallery, if the page has it.
   * @param {string} id
   * @param {number[]} places of its samples
   * @param {(sample: Sample) => string} caption
   */
  const fill = (id, places, caption) => {
    const pictures = places.map((place) => {
      const sample = samples[place];
      const act = load && (() => load(place));
      return thumbnail(sample.image, sampleName(sample), caption(sample), palette, act);
    });
    document.getElementById(id)?.replaceChildren(...pictures);
  };
  const words = (/** @type {Sample} */ { confidence }) => outputWords(data.output, confidence);

  /** Show the digits of the cell that was chosen. */
  const showCell = () => {
    const [label, predicted] = [Number(cell.dataset.label), Number(cell.dataset.predicted)];
    const all = Number(cell.textContent);
    const shown = [...samples.keys()]
      .filter((place) => samples[place].label === label && samples[place].predicted === predicted)
      .sort((a, b) => samples[b].confidence - samples[a].confidence)
      .slice(0, Number(cell.dataset.most));
    for (const other of document.querySelectorAll("#confusion button")) {
      other.setAttribute("aria-pressed", String(other === cell));
    }
    const which = label === predicted ? "" : ", the most confident first";
    const title = `${label} read as ${predicted}: ${count(all, "digit")}`;
    find("cell-title").textContent =
      shown.length < all ? `${title}, of which ${shown.length} are here${which}` : title + which;
    fill("cell-digits", shown, words);
  };

  for (const id of ["to-load", "mistakes", "ones", "cell-digits", "confusion"]) {
    const container = document.getElementById(id);
    if (container) moveByArrows(container);
  }
  find("confusion").addEventListener("click", ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    cell = target;
    showCell();
  });
  return {
    /** @param {Palette} colours */
    repaint(colours) {
      palette = colours;
      fill("to-load", data.to_load, ({ label, predicted }) =>
        label === null ? "noise" : `read as ${predicted}`,
      );
      fill(
        "mistakes",
        data.mistakes,
        (sample) => `${sample.label} read as ${sample.predicted}\n${words(sample)}`,
      );
      showCell();
    },
  };
}

/** The cell of the confusion matrix with the most mistakes. */
function worstCell() {
  /** @type {NodeListOf<HTMLElement>} */
  const cells = document.querySelectorAll("#confusion button:not(.right)");
  const counts = Array.from(cells, ({ textContent }) => Number(textContent));
  return cells[largest(counts, 1)[0]];
}

/**
 * Paint the weights of the first layer's neurons, all on one scale.
 * @param {Network} network
 * @param {Palette} palette
 */
export function paintWeights(network, palette) {
  const limit = colourLimit(network.weights[0]);
  const norms = Array.from({ length: network.sizes[1] }, (_, neuron) =>
    Math.hypot(...weightsOf(network, 0, neuron)),
  );
  const shown = largest(norms, MOST_PICTURES).sort((a, b) => a - b);
  const list = find("weights");
  while (list.children.length < shown.length) {
    const item = element("li");
    const canvas = element("canvas");
    canvas.setAttribute("role", "img");
    item.append(canvas, element("span", "caption"));
    list.append(item);
  }
  shown.forEach((neuron, i) => {
    const [canvas, caption] = list.children[i].children;
    canvas.setAttribute("aria-label", `The weights of neuron ${neuron}`);
    caption.textContent = String(neuron);
    const weights = weightsOf(network, 0, neuron);
    paintSigned(/** @type {HTMLCanvasElement} */ (canvas), weights, palette, limit);
  });
  find("weights-note").textContent =
    shown.length < network.sizes[1]
      ? `These are the ${shown.length} of ${network.sizes[1]} with the largest weights.`
      : "";
}

/**
 * Show how 1s with a flag are read, one of each length; `draw` puts one on the pad.
 * @param {Network} network
 * @param {(strokes: Point[][]) => Float32Array} look what the network sees of strokes
 * @param {(drawing: Drawing) => void} draw
 */
export function makeOnes(network, look, draw) {
  const ones = flaggedOnes().map(({ flag, strokes }) => {
    const image = look(strokes);
    return { flag, strokes, image, digit: answerOf(network, image).digit };
  });
  const right = ones.filter(({ digit }) => digit === 1).length;
  find("ones-words").textContent =
    `Of ${ones.length} ones drawn with a flag, it reads ${right} as 1.`;
  const lengths = [...new Set(ones.map(({ flag }) => flag))];
  return {
    /** @param {Palette} palette */
    repaint(palette) {
      find("ones").replaceChildren(
        ...lengths.map((length) => {
          const same = ones.filter(({ flag }) => flag === length);
          const { image, strokes, digit } = same[Math.floor(same.length / 2)];
          const n = same.filter((one) => one.digit === 1).length;
          const caption = `${n} of ${same.length}\nread as 1`;
          return thumbnail(image, `A 1 with a flag, read as ${digit}`, caption, palette, () =>
            draw({ strokes: strokes.map((stroke) => stroke.map(onPad)), sample: null }),
          );
        }),
      );
    },
  };
}

/**
 * Bring a point of a 1 of height 1, whose foot is at 0, to the middle of the pad.
 * @param {[number, number]} point
 */
function onPad([x, y]) {
  return onGrid([0.55 + 0.7 * x, 0.15 + 0.7 * y]);
}
