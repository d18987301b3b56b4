// Attribution: why the network says one digit and not another, pixel by pixel.
//
// The lead of output a over output b is z_a − z_b. It is sent back to the pixels, as the cost is in
// backpropagation, which gives its slope in each pixel. ReLU switches neurons on or off; while none
// switches, the lead is a linear function of the pixels, so slope × pixel and the biases add up to
// it. With the other activation functions, slope × pixel is an approximation.

import { deltasFrom, timesWeights } from "./backprop.js";

/** @import { Network, Pass } from "./network.js" */

/**
 * Compare outputs a and b.
 *
 * `pixels` are what each pixel adds to the lead; `forSum` and `againstSum` are the sums of those
 * above and below 0. The `rest` makes up the `lead`: forSum + againstSum + rest. If this is
 * `exact`, the rest is what the biases add.
 * @param {Network} network
 * @param {Pass} pass
 * @param {number} a
 * @param {number} b
 */
export function compare(network, { z, activations }, a, b) {
  const sums = z[z.length - 1];
  const difference = sums.map((_, digit) => Number(digit === a) - Number(digit === b));
  const [delta] = deltasFrom(network, activations, difference);
  const slopes = timesWeights(network, 0, delta);
  const pixels = Float32Array.from(slopes, (slope, i) => slope * activations[0][i]);
  const forSum = pixels.reduce((sum, part) => sum + Math.max(part, 0), 0);
  const againstSum = pixels.reduce((sum, part) => sum + Math.min(part, 0), 0);
  const lead = sums[a] - sums[b];
  const rest = lead - forSum - againstSum;
  const exact = network.activation === "relu" || network.weights.length === 1;
  return { pixels, forSum, againstSum, rest, lead, exact };
}
