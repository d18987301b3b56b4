// Snapshots: the network as it was at moments of its training.

import { decodeBytes, decodeFloats } from "./bytes.js";
import { weightsOf, withParameters } from "./network.js";

/** @import { Network } from "./network.js" */

/**
 * @typedef {object} Moment
 * @property {number} step
 * @property {number} epoch
 * @property {number | null} cost null if nothing was measured, as before the first step
 * @property {number | null} accuracy from 0 to 1; likewise
 */

/**
 * Unpack the network at every moment. The last one is the network itself, which is not stored.
 *
 * Of the others, one after the other, weights are 8-bit integers in base64, to be multiplied by
 * the scale of their row, a number for each neuron. Scales and biases are float32 in base64.
 * @param {{moments: Moment[], weights: string, scales: string, biases: string}} description
 * @param {Network} network
 * @returns {(Moment & {network: Network})[]}
 */
export function unpackSnapshots({ moments, weights, scales, biases }, network) {
  const nNeurons = network.biases.reduce((sum, { length }) => sum + length, 0);
  const nWeights = network.parameters.length - nNeurons;
  const allWeights = new Int8Array(decodeBytes(weights).buffer);
  const allScales = decodeFloats(scales);
  const allBiases = decodeFloats(biases);
  return moments.map((moment, k) => {
    if (k === moments.length - 1) return { ...moment, network };
    const [from, to] = [k * nNeurons, (k + 1) * nNeurons];
    const past = withParameters(network, new Float32Array(network.parameters.length));
    past.parameters.set(allWeights.subarray(k * nWeights, (k + 1) * nWeights));
    past.parameters.set(allBiases.subarray(from, to), nWeights);
    scaleRows(past, allScales.subarray(from, to));
    return { ...moment, network: past };
  });
}

/**
 * Multiply each neuron's weights by its scale.
 * @param {Network} network
 * @param {Float32Array} scales
 */
function scaleRows(network, scales) {
  let row = 0;
  network.biases.forEach(({ length }, layer) => {
    for (let neuron = 0; neuron < length; neuron++, row++) {
      const weights = weightsOf(network, layer, neuron);
      weights.set(weights.map((weight) => weight * scales[row]));
    }
  });
}
