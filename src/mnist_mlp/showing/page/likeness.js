// Likeness: the same distance from digits as in likeness.py, for one image at a time.

import { decodeBytes, decodeFloats } from "./bytes.js";
import { SIDE } from "./framing.js";

/** @import { Numbers } from "./network.js" */

/**
 * What digits look like to a network.
 * @typedef {object} Likeness
 * @property {Float32Array[][]} digits of each digit the mean vector, then the directions around it
 * @property {number} limit what is farther from digits does not look like one
 * @property {number} unusual what is farther, as few digits are, is a reason to be unsure
 */

/**
 * Undo describe_likeness in report_page.py: vectors of n bytes, each with its scale.
 * @param {object} packed
 * @param {number} packed.n
 * @param {number} packed.each
 * @param {number} packed.limit
 * @param {number} packed.unusual
 * @param {string} packed.vectors
 * @param {string} packed.scales
 * @returns {Likeness}
 */
export function unpackLikeness({ n, each, limit, unusual, vectors, scales }) {
  const numbers = new Int8Array(decodeBytes(vectors).buffer);
  const unpacked = Array.from(decodeFloats(scales), (scale, i) =>
    Float32Array.from(numbers.subarray(i * n, (i + 1) * n), (number) => scale * number),
  );
  const starts = unpacked.flatMap((_, i) => (i % each === 0 ? [i] : []));
  return { digits: starts.map((start) => unpacked.slice(start, start + each)), limit, unusual };
}

/**
 * Return how far an image is from digits, given its activations in every layer.
 * @param {Likeness} likeness
 * @param {Numbers[]} activations
 */
export function distance({ digits }, activations) {
  const hidden = activations[activations.length - 2];
  const vector = [...unit(squares(activations[0])), ...unit(hidden)];
  const distances = digits.map(([mean, ...directions]) => {
    const offset = vector.map((value, i) => value - mean[i]);
    const explained = directions.map((direction) => dot(direction, offset) ** 2);
    return explained.reduce((left, part) => left - part, dot(offset, offset));
  });
  return Math.min(...distances);
}

/**
 * Sum the pixels of an image in squares of 2×2; for vectors of length 1, sums are as good as means.
 * @param {Numbers} image
 */
function squares(image) {
  const sums = new Float64Array(image.length / 4);
  image.forEach((ink, i) => {
    const [row, column] = [Math.floor(i / SIDE), i % SIDE];
    sums[(SIDE / 2) * Math.floor(row / 2) + Math.floor(column / 2)] += ink;
  });
  return sums;
}

/** @param {Numbers} vector */
function unit(vector) {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return Array.from(vector, (value) => value / length);
}

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
