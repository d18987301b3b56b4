// The diagram: the picture at the left, a column of neurons for each layer, the outputs at the right.

import { SIDE } from "./framing.js";
import { largest } from "./network.js";
import { css, drawSquares, inkColour, sharpContext, signedColour } from "./pictures.js";
import { outputWords } from "./words.js";

/** @import { Network, Numbers } from "./network.js" */
/** @import { Colour, Palette } from "./pictures.js" */

/** @typedef {{layer: number, neuron: number}} Neuron  layer 1 is the first after the pixels */
/** @typedef {Neuron & {x: number, y: number, radius: number}} Place */
/** @typedef {{from: Neuron & {x: number, y: number}, to: Place, value: number}} Line */

/**
 * Where everything is drawn, in CSS pixels.
 * @typedef {object} Plan
 * @property {number} width
 * @property {number} height
 * @property {number} text the size of text
 * @property {Place[][]} places of each layer's neurons; none for the pixels
 * @property {{x: number, y: number, size: number}} picture
 * @property {number} step from one layer to the next
 * @property {boolean} brief whether there is no room for bars and long headings
 */

/**
 * What is drawn.
 * @typedef {object} Scene
 * @property {Network} network
 * @property {Numbers[]} activations the image first, the outputs last
 * @property {(layer: number, neuron: number) => Numbers} lines into a neuron from each
 *   of the layer before
 * @property {(layer: number) => number} strongest line into a layer that has the full width
 * @property {(layer: number, neuron: number) => number} light from -1 to 1
 * @property {boolean} signed whether neurons are blue and red, not lit like ink
 * @property {Neuron | null} chosen the neuron that shows only its own lines
 * @property {(index: number) => Colour | null} pixel its colour; null for paper
 * @property {number | null} wanted the digit that is being taught
 * @property {number} from the first layer of neurons with lines: 1 draws all
 */

const MOST_LINES = 140; // between two layers: the strongest
const FAINTEST = 0.03; // lines below this share of the strongest are not drawn

/**
 * The length of the vector of weights that lead out of each neuron of a layer.
 * @param {Network} network
 * @param {number} layer
 */
function outgoingNorms({ sizes, weights }, layer) {
  const norms = new Float64Array(sizes[layer]);
  for (const [i, weight] of weights[layer].entries()) norms[i % sizes[layer]] += weight * weight;
  return norms.map(Math.sqrt);
}

/**
 * Choose the neurons of each layer that are drawn: all, or those that matter most for this image.
 *
 * What a neuron can change in the next layer is its activation times its outgoing weights.
 * @param {Network} network
 * @param {Numbers[]} activations
 * @param {number} most
 */
export function chooseNeurons(network, activations, most) {
  return network.sizes.map((size, layer) => {
    if (layer === 0) return [];
    if (size <= most || layer === network.sizes.length - 1) return [...Array(size).keys()];
    const norms = outgoingNorms(network, layer);
    const importance = norms.map((norm, i) => norm * Math.abs(activations[layer][i]));
    return largest(importance, most).sort((a, b) => a - b);
  });
}

/**
 * Find a place for everything in a room; a diagram of many layers may be wider.
 * @param {number[][]} drawn the neurons of each layer
 * @param {{width: number, height: number, text: number}} room `height` 0: as high as it likes
 * @returns {Plan}
 */
export function layOut(drawn, { width: least, height: given, text }) {
  const layers = drawn.length - 1;
  const brief = least < 30 * text;
  const most = Math.max(...drawn.map((neurons) => neurons.length));
  const top = 2.2 * text;
  const height = given || Math.max(top + 26 * most + 8, 18 * text);
  const labels = brief ? 3.7 * text : 8 * text;
  const size = brief ? Math.min(84, 0.22 * least) : Math.min(0.27 * least, 0.4 * height, 12 * text);
  const step = Math.max((least - size - labels - 12) / layers, brief ? 30 : 60);
  const places = drawn.map((neurons, layer) => {
    const gap = Math.min((height - top - 4) / neurons.length, 48);
    const first = top + (height - top - gap * neurons.length) / 2 + gap / 2;
    return neurons.map((neuron, i) => ({
      layer,
      neuron,
      x: 2 + size + step * layer,
      y: first + i * gap,
      radius: Math.min(gap * 0.38, brief ? 9 : 12),
    }));
  });
  const y = brief ? top + (height - top - size) / 2 : height - size - 3;
  const picture = { x: 2, y, size };
  const width = size + step * layers + labels + 12;
  return { width, height, text, places, picture, step, brief };
}

/**
 * Whether a place is that of a chosen neuron.
 * @param {Neuron} place
 * @param {Neuron | null} chosen
 */
export function isNeuron(place, chosen) {
  return chosen !== null && place.layer === chosen.layer && place.neuron === chosen.neuron;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Scene} scene
 * @param {Plan} plan
 * @param {Palette} palette
 */
export function drawDiagram(canvas, scene, plan, palette) {
  const context = sharpContext(canvas, plan.width, plan.height);
  canvas.style.width = `${plan.width}px`;
  canvas.style.height = `${plan.height}px`;
  for (let layer = scene.from; layer < plan.places.length; layer++) {
    drawLines(
      context,
      strongestLines(scene, plan, layer),
      scene.strongest(layer),
      layer === 1 ? 1.5 : 3,
      palette,
    );
  }
  drawSquares(context, plan.picture, scene.pixel);
  const { x, y, size } = plan.picture;
  context.strokeStyle = css(palette.quiet, 0.7);
  context.lineWidth = 1;
  context.strokeRect(x - 0.5, y - 0.5, size + 1, size + 1);
  plan.places.forEach((places, layer) => {
    for (const place of places) {
      const light = layer < scene.from - 1 ? 0 : scene.light(layer, place.neuron);
      drawNeuron(
        context,
        place,
        lightColour(scene, light, palette),
        isNeuron(place, scene.chosen),
        palette,
      );
      if (layer < plan.places.length - 1) drawNumber(context, place, light, palette);
    }
    drawHeading(context, scene.network, plan, layer, palette);
  });
  drawOutputs(context, scene, plan, palette);
}

/**
 * The strongest lines into the neurons that are drawn in a layer, weakest first; of a neuron that
 * is chosen, only its own.
 * @param {Scene} scene
 * @param {Plan} plan
 * @param {number} layer
 */
function strongestLines({ lines: linesInto, strongest, chosen }, { picture, places }, layer) {
  const sources = layer === 1 ? pixelPlaces(picture) : places[layer - 1];
  const least = FAINTEST * strongest(layer);
  /** @type {Line[]} */
  const lines = [];
  for (const to of places[layer]) {
    const values = linesInto(layer, to.neuron);
    for (const from of sources) {
      const value = values[from.neuron];
      if (Math.abs(value) < least) continue;
      if (chosen && !isNeuron(from, chosen) && !isNeuron(to, chosen)) continue;
      lines.push({ from, to, value });
    }
  }
  lines.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return lines.slice(0, MOST_LINES).reverse();
}

/**
 * The middle of each pixel in the picture at the left.
 * @param {Plan["picture"]} picture
 */
function pixelPlaces({ x, y, size }) {
  const side = size / SIDE;
  return Array.from({ length: SIDE * SIDE }, (_, neuron) => ({
    layer: 0,
    neuron,
    x: x + ((neuron % SIDE) + 0.5) * side,
    y: y + (Math.floor(neuron / SIDE) + 0.5) * side,
  }));
}

/**
 * The thicker, the stronger; lines that push down are dashed too, for those who see no red.
 * @param {CanvasRenderingContext2D} context
 * @param {Line[]} lines
 * @param {number} strongest the line that has the full width
 * @param {number} width
 * @param {Palette} palette
 */
function drawLines(context, lines, strongest, width, palette) {
  for (const { from, to, value } of lines) {
    const strength = Math.min(Math.abs(value) / strongest, 1);
    context.strokeStyle = css(value < 0 ? palette.against : palette.for, 0.15 + 0.75 * strength);
    context.lineWidth = 0.5 + width * strength;
    context.setLineDash(value < 0 ? [6, 4] : []);
    const middle = (from.x + to.x) / 2;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.bezierCurveTo(middle, from.y, middle, to.y, to.x, to.y);
    context.stroke();
  }
  context.setLineDash([]);
}

/**
 * @param {Scene} scene
 * @param {number} light
 * @param {Palette} palette
 */
function lightColour({ signed }, light, palette) {
  return signed || light < 0 ? signedColour(palette, light, 1) : inkColour(palette, light);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Place} place
 * @param {Colour} colour
 * @param {boolean} chosen
 * @param {Palette} palette
 */
function drawNeuron(context, { x, y, radius }, colour, chosen, palette) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = css(colour);
  context.fill();
  context.strokeStyle = css(chosen ? palette.for : palette.quiet);
  context.lineWidth = chosen ? 3 : 1.2;
  context.stroke();
}

/**
 * Write a neuron's number into it, if there is room.
 * @param {CanvasRenderingContext2D} context
 * @param {Place} place
 * @param {number} light
 * @param {Palette} palette
 */
function drawNumber(context, { neuron, x, y, radius }, light, palette) {
  if (radius < 7 || neuron > 99) return;
  context.fillStyle = css(Math.abs(light) > 0.5 ? palette.paper : palette.ink);
  context.font = `${Math.min(radius + 2, 10)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(neuron), x, y + 0.5);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Network} network
 * @param {Plan} plan
 * @param {number} layer
 * @param {Palette} palette
 */
function drawHeading(context, { sizes }, { places, picture, step, text }, layer, palette) {
  const all = sizes[layer];
  const drawn = layer ? places[layer].length : all;
  const name =
    layer === 0
      ? "pixels"
      : layer === sizes.length - 1
        ? "outputs"
        : all === 1
          ? "neuron"
          : "neurons";
  const number = drawn < all ? `${drawn} of ${all}` : String(all);
  context.fillStyle = css(palette.quiet);
  context.font = `${0.8 * text}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  const x = layer ? places[layer][0].x : picture.x + picture.size / 2;
  const room = layer ? step - 6 : picture.size;
  const fits = (/** @type {string} */ words) => context.measureText(words).width < room;
  const words = [`${number} ${name}`, number, String(drawn)].find(fits) ?? "";
  context.fillText(words, x, layer ? text : picture.y - 6);
}

/**
 * Write the digit beside each output, with its value as a bar and a number; an arrow says what a
 * lesson wants of it.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Plan} plan
 * @param {Palette} palette
 */
function drawOutputs(context, { network, activations, wanted }, plan, palette) {
  const { places, brief, text } = plan;
  const outputs = activations[activations.length - 1];
  const winner = largest(outputs, 1)[0];
  const bar = brief ? 0 : 3 * text;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const { neuron, x, y, radius } of places[places.length - 1]) {
    const start = x + radius + 0.4 * text;
    const won = neuron === winner;
    context.font = `${won ? "700 " : ""}${text}px system-ui, sans-serif`;
    context.fillStyle = css(won ? palette.ink : palette.quiet);
    context.fillText(String(neuron), start, y + 1);
    if (bar) {
      context.fillStyle = css(palette.quiet, 0.25);
      context.fillRect(start + text, y - 4, bar, 8);
      context.fillStyle = css(palette.ink);
      context.fillRect(start + text, y - 4, bar * outputs[neuron], 8);
    }
    context.fillStyle = css(won ? palette.ink : palette.quiet);
    context.font = `${0.75 * text}px system-ui, sans-serif`;
    const words = outputWords(network.functions[places.length - 2], outputs[neuron]);
    context.fillText(words, start + (bar ? bar + 1.3 * text : 0.8 * text), y + 1);
    if (wanted !== null) drawWish(context, { x: x - radius - 9, y }, neuron === wanted, palette);
  }
}

/**
 * An arrow: up for an output that should grow, down for one that should shrink.
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number}} at
 * @param {boolean} up
 * @param {Palette} palette
 */
function drawWish(context, { x, y }, up, palette) {
  const tip = up ? -6 : 6;
  context.fillStyle = css(up ? palette.for : palette.against);
  context.beginPath();
  context.moveTo(x, y + tip);
  context.lineTo(x - 4, y - tip / 3);
  context.lineTo(x + 4, y - tip / 3);
  context.fill();
}
