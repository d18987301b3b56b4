// Teach it: backpropagation in the page, for your digit alone or with digits of the training set.

import { backprop, step } from "./backprop.js";
import { decodeBytes, unpackNibbles, unpackRuns } from "./bytes.js";
import { element, find, moveByArrows } from "./dom.js";
import { SIDE } from "./framing.js";
import { answerOf } from "./network.js";
import { accuracyWords, count, outputWords } from "./words.js";

/** @import { Network } from "./network.js" */
/** @typedef {{image: Float32Array, label: number}} Example */

const COMPANY = 31; // training digits that join yours in a mini-batch

/**
 * @param {{pixels: string, labels: number[]}} packed
 * @returns {Example[]}
 */
export function unpackExamples({ pixels, labels }) {
  const size = SIDE * SIDE;
  const unpacked = unpackNibbles(unpackRuns(decodeBytes(pixels), (labels.length * size) / 2));
  return labels.map((label, i) => ({ image: unpacked.subarray(i * size, (i + 1) * size), label }));
}

/**
 * @param {Network} network
 * @param {Example[]} examples
 */
function accuracyOn(network, examples) {
  const right = examples.filter(({ image, label }) => answerOf(network, image).digit === label);
  return right.length / examples.length;
}

/**
 * A lesson for the network that the page shows: what it is taught, and what it has become.
 * @param {Example[]} test digits to score it with
 * @param {Example[]} training digits to keep yours company
 * @param {() => {network: Network, image: Float32Array}} now what the page shows
 * @param {(act?: "chose" | "taught") => void} changed
 */
export function makeLesson(test, training, now, changed) {
  /** @type {number | null} */
  let label = null;
  /** @type {{before: Network, taught: Network, steps: number, others: string} | null} */
  let lesson = null; // `others` says what became of the other digits
  let next = 0; // training digit

  const buttons = Array.from({ length: 10 }, (_, digit) => {
    const button = element("button", "", String(digit));
    button.addEventListener("click", () => {
      label = digit;
      changed("chose");
    });
    return button;
  });
  find("labels").replaceChildren(...buttons);
  moveByArrows(find("labels"));

  const nMates = Math.min(COMPANY, training.length);
  find("mates").textContent = count(nMates, "training digit");
  /** @param {Example} example */
  const miniBatch = (example) => {
    if (!find("company", HTMLInputElement).checked) return [example];
    const mates = Array.from({ length: nMates }, () => {
      next = (next + 1) % training.length;
      return training[next];
    });
    return [example, ...mates];
  };

  /** @param {number} times */
  const teach = (times) => {
    const { network, image } = now();
    if (label === null) return;
    const learningRate = Number(find("rate", HTMLSelectElement).value);
    const before = lesson?.before ?? network;
    let taught = network;
    for (let i = 0; i < times; i++) {
      const { gradient } = backprop(taught, miniBatch({ image, label }));
      taught = step(taught, gradient, learningRate);
    }
    const scores = [before, taught].map((each) => accuracyWords(accuracyOn(each, test)));
    const others = `${count(test.length, "other")}: ${scores.join(" → ")}.`;
    lesson = { before, taught, steps: (lesson?.steps ?? 0) + times, others };
    changed("taught");
  };
  find("one-step").addEventListener("click", () => teach(1));
  find("ten-steps").addEventListener("click", () => teach(10));

  const forget = () => {
    lesson = null;
  };
  find("forget").addEventListener("click", () => {
    forget();
    changed();
  });

  /** What the lesson has done, to the digit on the pad and to others. */
  const progress = () => {
    if (!lesson) return "";
    const { before, taught, steps, others } = lesson;
    const { image } = now();
    const { digit, output } = answerOf(taught, image);
    const words = `${answerOf(before, image).digit} → ${digit} (${outputWords(taught.output, output)})`;
    return `After ${count(steps, "step")}, your digit: ${words}; ${others}`;
  };

  return {
    label: () => label,
    taught: () => lesson?.taught ?? null,
    forget,
    /** @param {number | null} digit */
    choose(digit) {
      label = digit;
    },
    /**
     * @param {boolean} possible whether there is a digit to teach
     * @param {boolean} learned whether the network reads it as it should
     */
    update(possible, learned) {
      for (const [digit, button] of buttons.entries()) {
        button.setAttribute("aria-pressed", String(digit === label));
      }
      const ready = possible && label !== null;
      find("one-step", HTMLButtonElement).disabled = !ready;
      find("ten-steps", HTMLButtonElement).disabled = !ready;
      find("forget", HTMLButtonElement).disabled = !lesson;
      find("wish").textContent = wish(possible, label, learned);
      find("taught").textContent = possible ? progress() : "";
    },
  };
}

/**
 * @param {boolean} possible
 * @param {number | null} label
 * @param {boolean} learned
 */
function wish(possible, label, learned) {
  if (!possible) return "Draw a digit first.";
  if (label === null) return "Choose what it is, and see what each output then wants.";
  if (learned) return `It reads ${label}, and there is little left to nudge.`;
  return `Read it right to left: output ${label} wants to grow, the others to shrink.`;
}
