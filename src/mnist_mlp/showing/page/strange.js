// What is plainly no digit: the network can only answer with one, so the page says it beside.

import { DOT, boxOf } from "./framing.js";

/** @import { Point } from "./framing.js" */

const LEANS = [-0.4, -0.2, 0, 0.2, 0.4]; // of writing: how far its top is to the right of its foot
const GAP = 0.1; // between two digits, as a share of their height
const TALL = 0.6; // of the tallest part's height: the parts of one digit are smaller
const FULL = 240; // ink, in pixels: 1 in 2,400 of MNIST's digits has more, by a thick pen

/**
 * Say what a picture looks like, if it is no digit.
 * @param {Point[][]} strokes none if the picture was not drawn
 * @param {Float32Array} picture
 * @param {boolean} unlike whether it is too far from digits
 * @param {boolean} unusual whether few digits are as far
 */
export function strangeWords(strokes, picture, unlike, unusual) {
  const plain = thatLooksLike(strokes, picture);
  if (plain) return `That looks like ${plain}.`;
  if (unlike) return "This does not look like a digit.";
  return unusual ? "This would be an unusual digit." : "";
}

/**
 * Name what was drawn, if it is plainly no digit.
 * @param {Point[][]} strokes none if the picture was not drawn
 * @param {Float32Array} picture the strokes as the network sees them
 * @returns {"a dot" | "a line" | "several digits" | "a scribble" | null}
 */
export function thatLooksLike(strokes, picture) {
  if (!strokes.length) return null;
  const { width, height } = boxOf(strokes);
  if (Math.max(width, height) < DOT) return "a dot";
  if (strokes.every(isFlatLine)) return "a line";
  if (LEANS.some((lean) => isSeveral(strokes, lean))) return "several digits";
  return picture.reduce((sum, ink) => sum + ink, 0) > FULL ? "a scribble" : null;
}

/**
 * Whether a stroke is a straight line that is nearer to a dash than to a 1.
 * @param {Point[]} stroke
 */
function isFlatLine(stroke) {
  const { width, height } = boxOf([stroke]);
  let length = 0;
  for (let i = 1; i < stroke.length; i++) {
    length += Math.hypot(stroke[i][0] - stroke[i - 1][0], stroke[i][1] - stroke[i - 1][1]);
  }
  return height < width / 2 && length < 1.2 * Math.hypot(width, height);
}

/**
 * Whether strokes fall into parts that stand apart, side by side, two of them tall.
 * @param {Point[][]} strokes
 * @param {number} lean
 */
function isSeveral(strokes, lean) {
  const boxes = strokes.map((stroke) => boxOf([stroke], lean)).sort((a, b) => a.left - b.left);
  const { height } = boxOf(strokes);
  /** @type {{top: number, right: number, bottom: number}[]} */
  const parts = [];
  for (const { left, top, right, bottom } of boxes) {
    const last = parts[parts.length - 1];
    if (!last || left - last.right > GAP * height) parts.push({ top, right, bottom });
    else {
      last.top = Math.min(last.top, top);
      last.right = Math.max(last.right, right);
      last.bottom = Math.max(last.bottom, bottom);
    }
  }
  return parts.filter(({ top, bottom }) => bottom - top > TALL * height).length > 1;
}
