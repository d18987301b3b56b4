// Scenes: what the diagram shows of a network, at work or in a lesson.

import { backprop } from "./backprop.js";
import { contributions, weightsOf, withParameters } from "./network.js";
import { inkColour, largestSize, signedColour } from "./pictures.js";

/** @import { Neuron, Scene } from "./diagram.js" */
/** @import { Network, Numbers } from "./network.js" */
/** @import { Palette } from "./pictures.js" */

/**
 * For each layer after the pixels, the activation with the full colour, and the size of
 * weight × activation with the full width. They are the same for every digit: what is dim is weak.
 * @typedef {{activations: number[], lines: number[]}} Scales
 */

/**
 * The network at work: lines are weight × activation, neurons are lit by their activation.
 * @param {Network} network
 * @param {Numbers[]} activations
 * @param {Neuron | null} chosen
 * @param {Scales} scales
 * @param {Palette} palette
 * @returns {Scene}
 */
export function atWork(network, activations, chosen, scales, palette) {
  const image = activations[0];
  const parts = chosen?.layer === 1 ? contributions(network, activations, 0, chosen.neuron) : null;
  return {
    network,
    activations,
    chosen,
    wanted: null,
    signed: false,
    from: 1,
    lines: (layer, neuron) => contributions(network, activations, layer - 1, neuron),
    strongest: (layer) => scales.lines[layer - 1],
    light: (layer, neuron) => activations[layer][neuron] / scales.activations[layer - 1],
    pixel(i) {
      if (image[i] === 0) return null;
      return parts
        ? signedColour(palette, parts[i], scales.lines[0])
        : inkColour(palette, image[i]);
    },
  };
}

/**
 * The same in a lesson: lines are how each weight is about to be nudged, neurons how they should
 * change. All are dimmer, the less there is left to learn.
 * @param {Scene} scene
 * @param {Float32Array} image
 * @param {number} label
 * @param {number} from the first layer that backpropagation has reached
 * @returns {Scene}
 */
export function inLesson(scene, image, label, from) {
  const { gradient, deltas } = backprop(scene.network, [{ image, label }]);
  const slopes = withParameters(scene.network, gradient);
  const missing = largestSize(deltas[deltas.length - 1]);
  return {
    ...scene,
    wanted: label,
    signed: true,
    from,
    lines: (layer, neuron) => weightsOf(slopes, layer - 1, neuron).map((slope) => -slope),
    strongest: (layer) => largestSize(slopes.weights[layer - 1]) / missing,
    light: (layer, neuron) =>
      (-deltas[layer - 1][neuron] * missing) / largestSize(deltas[layer - 1]),
  };
}
