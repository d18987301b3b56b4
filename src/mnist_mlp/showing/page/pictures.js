// Pictures: numbers as colours. Blue pushes up, red pulls down, in both colour schemes.

import { SIDE } from "./framing.js";

/** @typedef {[number, number, number]} Colour  red, green and blue, 0 to 255 */
/** @typedef {"paper" | "ink" | "quiet" | "for" | "against"} ColourName */
/** @typedef {Record<ColourName, Colour>} Palette */

/** @type {ColourName[]} */
const COLOUR_NAMES = ["paper", "ink", "quiet", "for", "against"];

/**
 * The page's colours now: see style.css.
 * @returns {Palette}
 */
export function readPalette() {
  const probe = document.createElement("i");
  probe.className = "probe";
  document.body.append(probe);
  const colours = COLOUR_NAMES.map((name) => {
    probe.dataset.colour = name;
    return [name, (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number)];
  });
  probe.remove();
  return Object.fromEntries(colours);
}

/** @param {Colour} colour */
export function css([red, green, blue], alpha = 1) {
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}

/**
 * The colour of ink: 0 is paper, 1 is ink.
 * @param {Palette} palette
 * @param {number} value
 */
export function inkColour({ paper, ink }, value) {
  return mix(paper, ink, Math.min(Math.max(value, 0), 1));
}

/**
 * Blue for positive numbers, red for negative; in full colour from `limit` on.
 * @param {Palette} palette
 * @param {number} value
 * @param {number} limit
 */
export function signedColour(palette, value, limit) {
  const end = value < 0 ? palette.against : palette.for;
  return mix(palette.paper, end, Math.min(Math.abs(value) / (limit || 1), 1));
}

/**
 * @param {Colour} from
 * @param {Colour} to
 * @param {number} share
 * @returns {Colour}
 */
function mix(from, to, share) {
  const at = (/** @type {number} */ i) => from[i] + share * (to[i] - from[i]);
  return [at(0), at(1), at(2)];
}

/**
 * Paint 28×28 numbers on a canvas, one pixel each.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {(value: number) => Colour} colour
 */
export function paint(canvas, values, colour) {
  if (canvas.width !== SIDE) canvas.width = canvas.height = SIDE;
  const context = contextOf(canvas);
  const picture = context.createImageData(SIDE, SIDE);
  for (let i = 0; i < values.length; i++) {
    const [red, green, blue] = colour(values[i]);
    picture.data.set([red, green, blue, 255], 4 * i);
  }
  context.putImageData(picture, 0, 0);
}

/**
 * Paint 28×28 numbers on a canvas in blue and red.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {Palette} palette
 * @param {number} limit
 */
export function paintSigned(canvas, values, palette, limit) {
  paint(canvas, values, (value) => signedColour(palette, value, limit));
}

/**
 * Draw 28×28 squares on a canvas of another size, in the colours that a function gives them.
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, size: number}} place
 * @param {(index: number) => Colour | null} colour null for none
 */
export function drawSquares(context, { x, y, size }, colour) {
  const side = size / SIDE;
  for (let i = 0; i < SIDE * SIDE; i++) {
    const own = colour(i);
    if (!own) continue;
    context.fillStyle = css(own);
    const [column, row] = [i % SIDE, Math.floor(i / SIDE)];
    context.fillRect(x + column * side, y + row * side, side + 0.3, side + 0.3);
  }
}

/**
 * The largest size of some numbers, at least 1e-9, so that it can divide.
 * @param {ArrayLike<number>} values
 */
export function largestSize(values) {
  let largest = 1e-9;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]));
  return largest;
}

/**
 * The size that has the full colour in pictures of weights: all but one in 500 are smaller.
 * @param {Float32Array} weights
 */
export function colourLimit(weights) {
  const sizes = weights.map(Math.abs).sort();
  return sizes[Math.floor((sizes.length - 1) * (1 - 1 / 500))] || sizes[sizes.length - 1];
}

/**
 * Give a canvas as many pixels as the screen has in that size, and clear it.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @returns its context, in CSS pixels
 */
export function sharpContext(canvas, width, height) {
  const density = window.devicePixelRatio || 1;
  const [columns, rows] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== columns || canvas.height !== rows) {
    [canvas.width, canvas.height] = [columns, rows];
  }
  const context = contextOf(canvas);
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser cannot draw on a canvas");
  return context;
}
