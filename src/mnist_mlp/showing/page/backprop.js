// Backpropagation: the same as in backprop.py, one example at a time.
//
// A neuron's delta is ∂cost/∂z: how fast the cost changes with its weighted sum z. BP1 to BP4 are
// the equations of Nielsen's book (chapter 2).

import { ACTIVATIONS, forward, weightsOf, withParameters } from "./network.js";

/** @import { Cost, Network, Numbers } from "./network.js" */

/**
 * The delta of an output neuron for each cost, from its activation a and its target y (BP1).
 * @type {Record<Cost, (a: number, y: number) => number>}
 */
const DELTAS = {
  squared_error: (a, y) => 2 * (a - y) * a * (1 - a),
  cross_entropy: (a, y) => a - y,
  binary_cross_entropy: (a, y) => a - y,
};

/**
 * Return the gradient of the mini-batch's cost, in the layout of the network's parameters, and
 * the deltas of its first example: deltas[i] are those of layer i + 1.
 * @param {Network} network
 * @param {{image: Numbers, label: number}[]} examples
 */
export function backprop(network, examples) {
  const gradient = withParameters(network, new Float32Array(network.parameters.length));
  const deltas = examples.map(({ image, label }) => {
    const { activations } = forward(network, image);
    const outputs = activations[activations.length - 1];
    const found = deltasFrom(network, activations, outputDelta(network, outputs, label));
    addGradient(gradient, activations, found, 1 / examples.length);
    return found;
  });
  return { gradient: gradient.parameters, deltas: deltas[0] };
}

/**
 * The deltas of the outputs: what the cost asks of them.
 * @param {Network} network
 * @param {Numbers} outputs
 * @param {number} label
 */
function outputDelta(network, outputs, label) {
  const delta = DELTAS[network.cost];
  return Float64Array.from(outputs, (a, digit) => delta(a, Number(digit === label)));
}

/**
 * The deltas of all layers, from those of the outputs: δ = (δ W) · ∂a/∂z, layer by layer (BP2).
 * @param {Network} network
 * @param {Numbers[]} activations
 * @param {Float64Array} delta
 */
export function deltasFrom(network, activations, delta) {
  const { slope } = ACTIVATIONS[network.activation];
  const deltas = [delta];
  for (let layer = network.weights.length - 1; layer > 0; layer--) {
    const sums = timesWeights(network, layer, deltas[0]);
    deltas.unshift(sums.map((sum, i) => sum * slope(activations[layer][i])));
  }
  return deltas;
}

/**
 * δ W: the deltas of layer `layer` + 1, sent back to layer `layer` through the weights between.
 * @param {Network} network
 * @param {number} layer
 * @param {Float64Array} delta
 */
export function timesWeights(network, layer, delta) {
  const sums = new Float64Array(network.sizes[layer]);
  delta.forEach((d, neuron) => {
    if (d === 0) return; // saves time: most are 0 with ReLU
    const row = weightsOf(network, layer, neuron);
    for (let i = 0; i < row.length; i++) sums[i] += d * row[i];
  });
  return sums;
}

/**
 * Add one example's share to a mini-batch's gradient.
 * @param {Network} gradient
 * @param {Numbers[]} activations
 * @param {Float64Array[]} deltas
 * @param {number} share
 */
function addGradient(gradient, activations, deltas, share) {
  deltas.forEach((delta, layer) => {
    const a = activations[layer];
    delta.forEach((d, neuron) => {
      if (d === 0) return;
      gradient.biases[layer][neuron] += share * d; // ∂C/∂b = δ (BP3)
      const row = weightsOf(gradient, layer, neuron);
      for (let i = 0; i < row.length; i++) row[i] += share * d * a[i]; // ∂C/∂W = δ a (BP4)
    });
  });
}

/**
 * Take one step of gradient descent; the network that is returned is new.
 * @param {Network} network
 * @param {Float32Array} gradient
 * @param {number} learningRate
 */
export function step(network, gradient, learningRate) {
  const moved = network.parameters.map((parameter, i) => parameter - learningRate * gradient[i]);
  return withParameters(network, moved);
}
