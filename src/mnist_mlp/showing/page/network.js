// The network: the same forward pass as in network.py, for one image at a time.

import { decodeFloats } from "./bytes.js";

/**
 * A network. All its parameters are one vector: all weights, then all biases. weights[i] and
 * biases[i] are views of it, and lead into layer i + 1: weights[i] has a row of sizes[i] numbers
 * for each neuron of that layer.
 * @typedef {"sigmoid" | "tanh" | "relu"} Activation
 * @typedef {"squared_error" | "cross_entropy" | "binary_cross_entropy"} Cost
 * @typedef {object} Network
 * @property {number[]} sizes the number of neurons in each layer, the 784 pixels first
 * @property {Activation} activation of the hidden layers
 * @property {"sigmoid" | "softmax"} output the activation function of the output layer
 * @property {Cost} cost
 * @property {(Activation | "softmax")[]} functions what layer i + 1 does with its sums
 * @property {Float32Array} parameters
 * @property {Float32Array[]} weights
 * @property {Float32Array[]} biases
 */

/**
 * A network as the page's data has it: its parameters are float32 in base64.
 * @typedef {Pick<Network, "sizes" | "activation" | "output" | "cost">} Kind
 * @typedef {Kind & {parameters: string}} Description
 */

/**
 * @typedef {Float32Array | Float64Array} Numbers
 * @typedef {object} Pass what `forward` returns
 * @property {Float64Array[]} z the weighted sums, W a + b; z[i] are those of layer i + 1
 * @property {Numbers[]} activations of every layer; the image is the first, the outputs the last
 */

/**
 * A hidden neuron's activation (squishing) function z → a, and its slope ∂a/∂z given a. Each has a
 * line of its own, because report_page.py reads the names.
 * @type {Record<Activation, {squish: (z: number) => number, slope: (a: number) => number}>}
 */
export const ACTIVATIONS = {
  sigmoid: { squish: (z) => 1 / (1 + Math.exp(-z)), slope: (a) => a * (1 - a) },
  tanh: { squish: Math.tanh, slope: (a) => 1 - a * a },
  relu: { squish: (z) => Math.max(z, 0), slope: Math.sign }, // a is never negative: 0 or 1
};

/**
 * Turn sums into shares that add up to 1. Subtracting the largest z first keeps exp in range.
 * @param {Float64Array} z
 */
export function softmax(z) {
  const most = z.reduce((a, b) => Math.max(a, b));
  const powers = z.map((value) => Math.exp(value - most));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}

/**
 * Make a network from its description.
 * @param {Description} description
 * @returns {Network}
 */
export function makeNetwork({ sizes, activation, output, cost, parameters }) {
  const functions = sizes.slice(1).map((_, i) => (i < sizes.length - 2 ? activation : output));
  return withParameters({ sizes, activation, output, cost, functions }, decodeFloats(parameters));
}

/**
 * Make a network like another one around other parameters, which are not copied.
 * @param {Omit<Network, "parameters" | "weights" | "biases">} network
 * @param {Float32Array} parameters
 * @returns {Network}
 */
export function withParameters(network, parameters) {
  const { sizes } = network;
  let start = 0;
  const take = (/** @type {number} */ n) => {
    start += n;
    return parameters.subarray(start - n, start);
  };
  const weights = sizes.slice(1).map((nOut, layer) => take(nOut * sizes[layer]));
  const biases = sizes.slice(1).map(take);
  return { ...network, parameters, weights, biases };
}

/**
 * Send an image, 784 numbers in [0, 1], through the network.
 * @param {Network} network
 * @param {Numbers} image
 * @returns {Pass}
 */
export function forward({ sizes, weights, biases, functions }, image) {
  const activations = [image];
  /** @type {Float64Array[]} */
  const sums = [];
  weights.forEach((matrix, layer) => {
    const before = activations[layer];
    const nIn = sizes[layer];
    const z = Float64Array.from(biases[layer], (bias, neuron) => {
      let sum = bias;
      for (let i = 0, at = neuron * nIn; i < nIn; i++, at++) sum += matrix[at] * before[i];
      return sum;
    });
    sums.push(z);
    const name = functions[layer];
    activations.push(name === "softmax" ? softmax(z) : z.map(ACTIVATIONS[name].squish));
  });
  return { z: sums, activations };
}

/**
 * What the network reads in an image: the digit of the largest output, and this output.
 * @param {Network} network
 * @param {Float32Array} image
 */
export function answerOf(network, image) {
  const { activations } = forward(network, image);
  const outputs = activations[activations.length - 1];
  const [digit] = largest(outputs, 1);
  return { digit, output: outputs[digit] };
}

/**
 * The weights that lead from layer `layer` into one neuron of the next.
 * @param {Network} network
 * @param {number} layer
 * @param {number} neuron
 */
export function weightsOf({ sizes, weights }, layer, neuron) {
  return weights[layer].subarray(neuron * sizes[layer], (neuron + 1) * sizes[layer]);
}

/**
 * What each neuron of layer `layer` adds to the sum of one neuron of the next: weight × activation.
 * @param {Network} network
 * @param {Numbers[]} activations
 * @param {number} layer
 * @param {number} neuron
 */
export function contributions(network, activations, layer, neuron) {
  const weights = weightsOf(network, layer, neuron);
  return Float64Array.from(weights, (weight, i) => weight * activations[layer][i]);
}

/**
 * The indices of the n largest of some numbers, the largest first; the earlier of equal ones.
 * @param {Numbers | number[]} numbers
 * @param {number} n
 */
export function largest(numbers, n) {
  return [...numbers.keys()].sort((a, b) => numbers[b] - numbers[a] || a - b).slice(0, n);
}
