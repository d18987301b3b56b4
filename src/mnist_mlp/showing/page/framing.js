// Framing: from strokes of a pen to the 28×28 picture that the network sees.
//
// It is done as for MNIST itself: a digit is scaled, keeping its proportions, to fit a box of
// 20×20 pixels, with grey levels where ink covers a part of a pixel; then its centre of mass is
// moved to the centre of 28×28 (Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten
// digits). In MNIST's files the move is by whole pixels, and the centre is the middle of the
// pixel with 14 others to its left and above it: no digit is off by more than half a pixel.

export const SIDE = 28; // pixels along each side of what the network sees
export const BOX = 20; // pixels along the longer side of the digit in it
export const CENTRE = 14; // the row, and the column, of its centre of mass
const HALF = 0.5001; // of a pixel, and a little more: rounding errors must not move a digit
// With this pen, skeletons of MNIST's digits come nearest to the digits themselves, on average.
const STROKE = 2.6; // pixels across a stroke
const EDGE = 1.3; // pixels over which its ink fades
export const DOT = 0.05; // of the pad: anything smaller is not enlarged further

/** @typedef {[number, number]} Point x and y */

/**
 * Frame strokes as `frame` does a picture, but draw them in it, with a pen of one width.
 *
 * A stroke is a list of points, in shares of the pad. Neither the size nor the place of a drawing
 * matters: strokes of a small digit are as thick as those of a large one.
 * @param {Point[][]} strokes
 * @returns {Float32Array} 28×28 numbers from 0, paper, to 1, ink
 */
export function frameStrokes(strokes) {
  if (!strokes.length) return new Float32Array(SIDE * SIDE);
  const { left, top, right, bottom, width, height } = boxOf(strokes);
  const scale = (BOX - STROKE) / Math.max(width, height, DOT);
  const drawAround = (/** @type {number} */ middleX, /** @type {number} */ middleY) => {
    const x0 = middleX - (scale * (left + right)) / 2;
    const y0 = middleY - (scale * (top + bottom)) / 2;
    return draw(strokes, ([x, y]) => [x0 + scale * x, y0 + scale * y]);
  };
  const middle = (/** @type {number} */ mass, /** @type {number} */ length) => {
    const room = (SIDE - STROKE - scale * length) / 2; // between the digit and the edges
    return SIDE / 2 + Math.min(Math.max(CENTRE - mass, -room), room);
  };
  const [massX, massY] = centreOfMass(drawAround(SIDE / 2, SIDE / 2));
  return drawAround(middle(massX, width), middle(massY, height));
}

/**
 * The smallest box around strokes, after leaning them back: x + lean · y takes the place of x.
 * @param {Point[][]} strokes at least one
 */
export function boxOf(strokes, lean = 0) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const stroke of strokes) {
    for (const [x, y] of stroke) {
      left = Math.min(left, x + lean * y);
      right = Math.max(right, x + lean * y);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  return { left, top, right, bottom, width: right - left, height: bottom - top };
}

/**
 * Draw strokes with the pen: ink falls from 1 to 0 over its edge.
 * @param {Point[][]} strokes
 * @param {(point: Point) => Point} place where in the 28×28 pixels a point is
 */
function draw(strokes, place) {
  const nearest = new Float32Array(SIDE * SIDE).fill(Infinity);
  for (const stroke of strokes) {
    let last = place(stroke[0]);
    for (const point of stroke) {
      const next = place(point);
      approach(nearest, last, next);
      last = next;
    }
  }
  return nearest.map((square) =>
    Math.min(Math.max((STROKE / 2 - Math.sqrt(square)) / EDGE + 0.5, 0), 1),
  );
}

/**
 * Update the square of each pixel's distance from the nearest stroke, for one more line.
 * @param {Float32Array} nearest
 * @param {Point} from
 * @param {Point} to
 */
function approach(nearest, [x0, y0], [x1, y1]) {
  const reach = (STROKE + EDGE) / 2;
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squaredLength = dx * dx + dy * dy;
  const first = (/** @type {number} */ value) => Math.max(Math.floor(value - reach), 0);
  const end = (/** @type {number} */ value) => Math.min(Math.ceil(value + reach), SIDE);
  const [left, right] = [first(Math.min(x0, x1)), end(Math.max(x0, x1))];
  const bottom = end(Math.max(y0, y1));
  for (let row = first(Math.min(y0, y1)); row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const x = column + 0.5 - x0;
      const y = row + 0.5 - y0;
      const along = squaredLength && Math.min(Math.max((x * dx + y * dy) / squaredLength, 0), 1);
      const square = (x - along * dx) ** 2 + (y - along * dy) ** 2;
      const at = row * SIDE + column;
      if (square < nearest[at]) nearest[at] = square;
    }
  }
}

/**
 * The centre of mass of a picture of that width, as [column, row].
 * @param {Float32Array} image
 */
function centreOfMass(image, width = SIDE) {
  let [mass, x, y] = [0, 0, 0];
  image.forEach((ink, i) => {
    mass += ink;
    x += ink * (i % width);
    y += ink * Math.floor(i / width);
  });
  return [x / mass, y / mass];
}

/**
 * Bring a square picture of ink on blank paper into MNIST's frame, as `frame` in framing.py does.
 *
 * That one also takes photos: it finds the ink, and corrects very thin or thick strokes.
 * @param {ArrayLike<number>} image side × side numbers in [0, 1]
 * @returns {Float32Array} 28×28 numbers in [0, 1], blank if the picture is
 */
export function frame(image, side = Math.sqrt(image.length)) {
  const framed = new Float32Array(SIDE * SIDE);
  const box = inkBox(image, side);
  if (!box) return framed;
  const { digit, width, height } = shrink(image, side, box);
  const start = (/** @type {number} */ mass, /** @type {number} */ length) =>
    Math.min(Math.max(Math.ceil(CENTRE - HALF - mass), 0), SIDE - length);
  const [massX, massY] = centreOfMass(digit, width);
  const [left, top] = [start(massX, width), start(massY, height)];
  digit.forEach((ink, i) => {
    framed[(top + Math.floor(i / width)) * SIDE + left + (i % width)] = ink;
  });
  return framed;
}

/**
 * The smallest box around all ink; right and bottom are just outside. Null if there is none.
 * @param {ArrayLike<number>} image
 * @param {number} side
 */
function inkBox(image, side) {
  let [left, top, right, bottom] = [side, side, 0, 0];
  for (let i = 0; i < side * side; i++) {
    if (image[i] === 0) continue;
    const [row, column] = [Math.floor(i / side), i % side];
    left = Math.min(left, column);
    right = Math.max(right, column + 1);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row + 1);
  }
  return right ? { left, top, right, bottom } : null;
}

/**
 * Scale what is in a box so that its longer side is BOX.
 * @param {ArrayLike<number>} image
 * @param {number} side
 * @param {{left: number, top: number, right: number, bottom: number}} box
 */
function shrink(image, side, { left, top, right, bottom }) {
  const longer = Math.max(right - left, bottom - top);
  const width = Math.max(1, Math.round(((right - left) * BOX) / longer));
  const height = Math.max(1, Math.round(((bottom - top) * BOX) / longer));
  const columns = shares(left, right, width);
  const digit = new Float32Array(width * height);
  shares(top, bottom, height).forEach((rowShares, row) => {
    columns.forEach((columnShares, column) => {
      let sum = 0;
      for (const [y, rowShare] of rowShares) {
        for (const [x, share] of columnShares) sum += image[y * side + x] * rowShare * share;
      }
      digit[row * width + column] = Math.min(sum, 1);
    });
  });
  return { digit, width, height };
}

/**
 * Make the pixels from start to end into fewer: for each a list of [old pixel, share].
 *
 * Shares fall with the distance by Hamming's window over a sinc, as in Pillow.
 * @param {number} start
 * @param {number} end
 * @param {number} parts
 */
function shares(start, end, parts) {
  const size = (end - start) / parts;
  const reach = Math.max(size, 1);
  return Array.from({ length: parts }, (_, part) => {
    const middle = start + (part + 0.5) * size;
    const last = Math.min(Math.floor(middle + reach + 0.5), end);
    const found = [];
    let total = 0;
    for (let pixel = Math.max(Math.floor(middle - reach + 0.5), start); pixel < last; pixel++) {
      const angle = (Math.PI * (pixel + 0.5 - middle)) / reach;
      const sinc = angle ? Math.sin(angle) / angle : 1;
      const weight = sinc * (0.54 + 0.46 * Math.cos(angle));
      found.push([pixel, weight]);
      total += weight;
    }
    return found.map(([pixel, weight]) => [pixel, weight / total]);
  });
}
