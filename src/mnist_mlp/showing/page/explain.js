// Explanations: the sum behind one neuron, and why the network says one digit and not another.

import { element, find } from "./dom.js";
import { contributions, largest, weightsOf } from "./network.js";
import { colourLimit, largestSize, paintSigned } from "./pictures.js";
import { decimal, neuronName, signed } from "./words.js";

/** @import { compare } from "./attribution.js" */
/** @import { Network, Numbers, Pass } from "./network.js" */
/** @import { Palette } from "./pictures.js" */

const MOST_PARTS = 6; // contributions of neurons that are listed one by one

/** @param {ArrayLike<number>} parts */
function splitSum(parts) {
  let [up, down] = [0, 0];
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] > 0) up += parts[i];
    else down += parts[i];
  }
  return { up, down };
}

/**
 * Show how the sum of a neuron comes about: what pushed it up, what down, and its bias.
 * @param {Network} network
 * @param {Pass} pass
 * @param {{layer: number, neuron: number}} place
 * @param {Palette} palette
 */
export function explainNeuron(network, { z, activations }, { layer, neuron }, palette) {
  const parts = contributions(network, activations, layer - 1, neuron);
  const { up, down } = splitSum(parts);
  const kind = network.functions[layer - 1];
  find("neuron-title").textContent = neuronName(network, layer, neuron);
  find("sum-for").textContent = signed(up);
  find("sum-against").textContent = signed(down);
  find("sum-bias").textContent = signed(network.biases[layer - 1][neuron]);
  find("sum-z").textContent = signed(z[layer - 1][neuron]);
  find("sum-kind").textContent = kind === "softmax" ? "softmax of all ten sums" : `${kind}(z)`;
  find("sum-activation").textContent = decimal(activations[layer][neuron]);
  find("neuron-pictures").hidden = layer !== 1;
  find("neuron-parts").hidden = layer === 1;
  if (layer === 1) {
    const weights = weightsOf(network, 0, neuron);
    const limit = colourLimit(network.weights[0]);
    paintSigned(find("neuron-weights", HTMLCanvasElement), weights, palette, limit);
    paintSigned(find("neuron-pixels", HTMLCanvasElement), parts, palette, largestSize(parts));
  } else {
    find("neuron-parts").replaceChildren(...partRows(network, activations, parts, layer, neuron));
  }
}

/**
 * The strongest contributions of the neurons before, and the rest.
 * @param {Network} network
 * @param {Numbers[]} activations
 * @param {Float64Array} parts
 * @param {number} layer
 * @param {number} neuron
 */
function partRows(network, activations, parts, layer, neuron) {
  const strongest = largest(parts.map(Math.abs), MOST_PARTS);
  const longest = largestSize(parts);
  const weights = weightsOf(network, layer - 1, neuron);
  const rows = strongest.map((i) => {
    const product = `${signed(weights[i])} × ${decimal(activations[layer - 1][i])}`;
    return partRow(`neuron ${i}`, product, parts[i], longest);
  });
  if (parts.length > strongest.length) {
    const all = parts.reduce((sum, part) => sum + part, 0);
    const rest = all - strongest.reduce((sum, i) => sum + parts[i], 0);
    const others = parts.length - strongest.length;
    rows.push(partRow(others === 1 ? "the other one" : `${others} others`, "", rest, longest));
  }
  return rows;
}

/**
 * @param {string} name
 * @param {string} product
 * @param {number} part
 * @param {number} longest
 */
function partRow(name, product, part, longest) {
  const row = element("li");
  const bar = element("span", "bar");
  const filled = element("span", part < 0 ? "filled against" : "filled for");
  filled.style.width = `${50 * Math.min(Math.abs(part) / longest, 1)}%`;
  bar.append(filled);
  row.append(
    element("span", "name", name),
    element("span", "product", product),
    bar,
    element("span", "part", signed(part)),
  );
  return row;
}

/**
 * Show why digit a leads digit b: the pixels for it and against it.
 * @param {ReturnType<typeof compare>} comparison
 * @param {number} a
 * @param {number} b
 * @param {Palette} palette
 */
export function explainChoice(comparison, a, b, palette) {
  const { pixels, forSum, againstSum, rest, lead, exact } = comparison;
  find("why-title").textContent = `Why ${a} and not ${b}?`;
  paintSigned(find("why-picture", HTMLCanvasElement), pixels, palette, largestSize(pixels));
  const leads = lead < 0 ? "trails" : "leads";
  find("why-lead").textContent = `${a} ${leads} ${b} by ${decimal(Math.abs(lead))}:`;
  find("why-for").textContent = signed(forSum);
  find("why-against").textContent = signed(againstSum);
  find("why-rest").textContent = signed(rest);
  find("why-name").textContent = exact ? "biases" : "the rest";
  find("why-exact").textContent = exact
    ? "These three are the whole lead."
    : "Approximate: gradient × pixel, which leaves the rest unexplained.";
}
