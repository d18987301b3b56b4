// Straightening: the same as straighten in straightening.py, byte for byte.

import { SIDE } from "./framing.js";

const WIDTH = 4.5; // standard deviation of the ink's columns, in pixels
const HEIGHT = 5.5; // and of its rows
const MOST = 2; // times as wide or high as before, at most, or that part
const MIDDLE = SIDE / 2;

/**
 * Bring ink to the middle, upright, and as wide and high as every other digit.
 * @param {Float32Array} image 28×28 numbers in [0, 1]
 * @returns {Float32Array} 28×28 numbers in [0, 1], blank if the image is
 */
export function straighten(image) {
  const bytes = image.map((ink) => Math.round(255 * ink));
  const sums = [0, 0, 0, 0, 0, 0];
  bytes.forEach((byte, i) => {
    const [x, y] = [(i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5];
    [1, x, y, x * x, x * y, y * y].forEach((power, k) => {
      sums[k] += byte * power;
    });
  });
  const ink = sums[0];
  if (!ink) return image;
  const [x, y, xx, xy, yy] = sums.slice(1).map((sum) => sum / ink);
  const slant = (xy - x * y) / Math.max(yy - y * y, 1);
  const width = Math.sqrt(Math.max(xx - x * x - slant * (xy - x * y), 0));
  const height = Math.sqrt(Math.max(yy - y * y, 0));
  const across = Math.min(Math.max(width / WIDTH, 1 / MOST), MOST);
  const down = Math.min(Math.max(height / HEIGHT, 1 / MOST), MOST);
  const left = x - across * MIDDLE - slant * down * MIDDLE;
  const top = y - down * MIDDLE;
  return image.map((_, i) => {
    const [column, row] = [(i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5];
    const byte = between(bytes, across * column + slant * down * row + left, down * row + top);
    return byte / 255;
  });
}

/**
 * The brightness at a place between pixels, as a whole number: bilinear, 0 outside, as in Pillow.
 * @param {Float32Array} bytes
 * @param {number} x
 * @param {number} y
 */
function between(bytes, x, y) {
  if (x < 0 || x >= SIDE || y < 0 || y >= SIDE) return 0;
  const [column, row] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
  const inside = (/** @type {number} */ place) => Math.min(Math.max(place, 0), SIDE - 1);
  const along = (/** @type {number} */ line) => {
    const [first, second] = [column, column + 1].map((at) => bytes[line * SIDE + inside(at)]);
    return first + (second - first) * (x - 0.5 - column);
  };
  const upper = along(inside(row));
  const lower = along(inside(row + 1));
  return Math.floor(upper + (lower - upper) * (y - 0.5 - row));
}
