// The answer: the digit, in words how sure the network is, and the ten outputs as bars.

import { element, find } from "./dom.js";
import { decimal, neuronName, signed, verdict } from "./words.js";

/** @import { Neuron } from "./diagram.js" */
/** @import { Sample } from "./galleries.js" */
/** @import { Network, Numbers, Pass } from "./network.js" */

const PAUSE = 500; // milliseconds without a change before screen readers hear the answer

/**
 * What a sample really is, and whether the answer is right.
 * @param {Sample} sample
 * @param {number} answer
 */
function truth({ label, testImage }, answer) {
  if (label === null) return "In truth it is noise, and no digit at all.";
  const judgement = answer === label ? "Right" : "Wrong";
  return `${judgement}: it is test image ${testImage?.toLocaleString("en")}, a ${label}.`;
}

/**
 * The sum of a neuron in a line, for screens on which its explanation is out of view.
 * @param {Network} network
 * @param {Pass} pass
 * @param {Neuron} neuron
 */
function sumInALine(network, { z, activations }, { layer, neuron }) {
  const name = neuronName(network, layer, neuron);
  return `${name}: z ${signed(z[layer - 1][neuron])}, lit ${decimal(activations[layer][neuron])}.`;
}

export function makeAnswer() {
  let telling = 0;

  /**
   * The ten outputs as bars, for screens on which the diagram is out of view while one draws.
   * @param {Numbers} outputs
   * @param {number} winner -1 for none
   */
  const showBars = (outputs, winner) => {
    const bars = find("bars");
    if (!bars.children.length) {
      bars.append(...Array.from(outputs, (_, digit) => element("li", "", String(digit))));
    }
    outputs.forEach((output, digit) => {
      const bar = /** @type {HTMLElement} */ (bars.children[digit]);
      bar.style.setProperty("--output", String(output));
      bar.classList.toggle("won", digit === winner);
    });
  };

  return {
    /**
     * Show the answer at once; tell it to screen readers when nothing has changed for a while.
     * @param {object} seen
     * @param {Network} seen.network
     * @param {Pass} seen.pass
     * @param {ReturnType<typeof verdict>} seen.answer
     * @param {boolean} seen.blank
     * @param {Sample | null} seen.sample
     * @param {string} seen.strange what the picture looks like, if it is no digit
     * @param {Neuron | null} seen.chosen
     */
    update({ network, pass, answer, blank, sample, strange, chosen }) {
      const { digit, sure, words } = answer;
      find("answer").textContent = blank ? "–" : String(digit);
      find("answer").classList.toggle("unsure", !sure && !blank);
      find("verdict").textContent = blank
        ? `Draw a digit. Of an empty pad, the biases alone make ${digit}.`
        : words;
      find("strange").textContent = strange;
      find("truth").textContent = sample ? truth(sample, digit) : "";
      find("pointed").textContent = chosen ? sumInALine(network, pass, chosen) : "";
      showBars(pass.activations[pass.activations.length - 1], blank ? -1 : digit);
      clearTimeout(telling);
      telling = window.setTimeout(() => {
        const lines = ["verdict", "strange", "truth"].map((id) => find(id).textContent);
        const told = lines.join(" ").trim();
        if (find("told").textContent !== told) find("told").textContent = told;
      }, PAUSE);
    },
  };
}
