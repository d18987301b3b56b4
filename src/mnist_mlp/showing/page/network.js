// The network: the same forward pass as in network.py, for one image at a time.

/**
 * What a neuron does with its weighted sum z, a function in a line: report_page.py reads their names.
 * softmax, which needs all z of its layer, is apart.
 */
export const ACTIVATIONS = {
  sigmoid: (z) => 1 / (1 + Math.exp(-z)),
  tanh: Math.tanh,
  relu: (z) => Math.max(z, 0),
};

/** Turn sums into shares that add up to 1; the largest z, taken away first, keeps exp in range. */
export function softmax(z) {
  const largest = z.reduce((a, b) => Math.max(a, b));
  const powers = z.map((value) => Math.exp(value - largest));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}

/** Turn base64 into bytes. */
export function decodeBytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/**
 * Make a network from its description in the page: {sizes, activation, output, parameters}.
 *
 * `parameters` is one vector of float32, lowest byte first, in base64: all weights, then all
 * biases. weights[i] leads into layer i + 1, a row of n_in numbers for each of its n_out neurons;
 * biases[i] is added there.
 */
export function makeNetwork({ sizes, activation, output, parameters }) {
  const bytes = new DataView(decodeBytes(parameters).buffer);
  const vector = new Float32Array(bytes.byteLength / 4);
  for (let i = 0; i < vector.length; i++) vector[i] = bytes.getFloat32(4 * i, true);
  let start = 0;
  const take = (n) => vector.subarray(start, (start += n));
  const outSizes = sizes.slice(1);
  const weights = outSizes.map((nOut, layer) => take(nOut * sizes[layer]));
  const biases = outSizes.map(take);
  const functions = outSizes.map((_, layer) => (layer < outSizes.length - 1 ? activation : output));
  return { sizes, weights, biases, functions };
}

/**
 * Send an image, 784 numbers in [0, 1], through the network.
 *
 * Returns {z, activations}: activations[0] is the image and the last are the ten outputs;
 * z[i] are the weighted sums, W a + b, in layer i + 1.
 */
export function forward({ sizes, weights, biases, functions }, image) {
  const activations = [image];
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
    activations.push(name === "softmax" ? softmax(z) : z.map(ACTIVATIONS[name]));
  });
  return { z: sums, activations };
}

/** The weights that lead from layer `layer` into one neuron of the next. */
export function weightsOf({ sizes, weights }, layer, neuron) {
  return weights[layer].subarray(neuron * sizes[layer], (neuron + 1) * sizes[layer]);
}

/** What each neuron of layer `layer` adds to the sum of one neuron of the next: weight × activation. */
export function contributions(network, activations, layer, neuron) {
  const weights = weightsOf(network, layer, neuron);
  return Float64Array.from(weights, (weight, i) => weight * activations[layer][i]);
}

/** The indices of the n largest of some numbers, the largest first; the earlier of equal ones. */
export function largest(numbers, n) {
  return [...numbers.keys()].sort((a, b) => numbers[b] - numbers[a] || a - b).slice(0, n);
}
