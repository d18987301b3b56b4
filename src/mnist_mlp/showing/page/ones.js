// Ones as people write them in Europe: with a flag, which starts low and rises to the top.

/** @import { Point } from "./framing.js" */

const FLAGS = [0.1, 0.2, 0.35, 0.5, 0.65]; // their lengths, as shares of the height
const ANGLES = [20, 30, 40, 50]; // degrees between flag and stem
const SLANTS = [0, 0.1, 0.2]; // how far the top is to the right of the foot, as shares of the height

/**
 * The 1s, from hardly a flag to one as long as in Germany or France: 12 of each length.
 * @returns {{flag: number, strokes: Point[][]}[]}
 */
export function flaggedOnes() {
  return FLAGS.flatMap((flag) =>
    ANGLES.flatMap((angle) =>
      SLANTS.map((slant) => ({ flag, strokes: [one(flag, angle, slant)] })),
    ),
  );
}

/**
 * The stroke of one: from the flag's tip to the top, and down to the foot.
 * @param {number} flag
 * @param {number} angle
 * @param {number} slant
 * @returns {Point[]}
 */
function one(flag, angle, slant) {
  const lean = Math.atan(slant) + (angle * Math.PI) / 180;
  return [
    [slant - flag * Math.sin(lean), flag * Math.cos(lean)],
    [slant, 0],
    [0, 1],
  ];
}
