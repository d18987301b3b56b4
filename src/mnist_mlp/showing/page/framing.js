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

/**
 * Draw strokes with a round pen, as a grey image: side × side numbers from 0, paper, to 1, ink.
 *
 * A stroke is a list of points [x, y]. They, and the width of the pen, are shares of the side.
 */
export function inkOf(strokes, pen, side) {
  const image = new Float32Array(side * side);
  const radius = (pen * side) / 2;
  for (const stroke of strokes) {
    const points = stroke.map((point) => point.map((share) => share * side));
    if (points.length === 1) points.push(points[0]);
    for (let i = 1; i < points.length; i++) addLine(image, side, radius, points[i - 1], points[i]);
  }
  return image;
}

/** Ink every pixel near a line, by its distance from it; half-covered ones are grey. */
export function addLine(image, side, radius, [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const square = dx * dx + dy * dy;
  const clip = (value) => Math.min(Math.max(Math.floor(value), 0), side);
  const right = clip(Math.max(x0, x1) + radius + 2);
  const bottom = clip(Math.max(y0, y1) + radius + 2);
  for (let row = clip(Math.min(y0, y1) - radius - 1); row < bottom; row++) {
    for (let column = clip(Math.min(x0, x1) - radius - 1); column < right; column++) {
      const at = row * side + column;
      if (image[at] === 1) continue;
      const x = column + 0.5 - x0;
      const y = row + 0.5 - y0;
      const along = square && Math.min(Math.max((x * dx + y * dy) / square, 0), 1);
      const distance = Math.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2);
      image[at] = Math.min(Math.max(radius + 0.5 - distance, image[at]), 1);
    }
  }
}

/**
 * Bring a square grey image of any size into MNIST's frame: 28×28 numbers in [0, 1].
 *
 * Where the image is blank, so is what is returned.
 */
export function frame(image, side = Math.sqrt(image.length)) {
  const framed = new Float32Array(SIDE * SIDE);
  const box = inkBox(image, side);
  if (!box) return framed;
  const { digit, width, height } = shrink(image, side, box);
  let mass = 0;
  let massX = 0;
  let massY = 0;
  digit.forEach((ink, i) => {
    mass += ink;
    massX += ink * (i % width);
    massY += ink * Math.floor(i / width);
  });
  const place = (moment, length) =>
    Math.min(Math.max(Math.round(CENTRE - moment / mass), 0), SIDE - length);
  const [left, top] = [place(massX, width), place(massY, height)];
  digit.forEach((ink, i) => {
    framed[(top + Math.floor(i / width)) * SIDE + left + (i % width)] = ink;
  });
  return framed;
}

/** The smallest box around all ink, ends excluded; null where there is none. */
export function inkBox(image, side) {
  let [left, top, right, bottom] = [side, side, 0, 0];
  image.forEach((ink, i) => {
    if (ink === 0) return;
    const [row, column] = [Math.floor(i / side), i % side];
    left = Math.min(left, column);
    right = Math.max(right, column + 1);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row + 1);
  });
  return right ? { left, top, right, bottom } : null;
}

/** Scale what is in a box so that its longer side is BOX, by the mean ink of the area of each pixel. */
export function shrink(image, side, { left, top, right, bottom }) {
  const scale = BOX / Math.max(right - left, bottom - top);
  const width = Math.max(1, Math.round((right - left) * scale));
  const height = Math.max(1, Math.round((bottom - top) * scale));
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
 * Cut the pixels from start to end into equal parts: for each a list of [pixel, share], what
 * share of the part that pixel is.
 */
export function shares(start, end, parts) {
  const length = (end - start) / parts;
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [start + part * length, start + (part + 1) * length];
    const found = [];
    for (let pixel = Math.floor(from); pixel < Math.min(to, end); pixel++) {
      const overlap = Math.min(to, pixel + 1) - Math.max(from, pixel);
      if (overlap > 0) found.push([pixel, overlap / length]);
    }
    return found;
  });
}
