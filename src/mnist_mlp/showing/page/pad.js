// The pad: strokes by mouse, touch, pen or keyboard.

import { onGrid } from "./address.js";
import { ARROWS, find } from "./dom.js";
import { css, drawSquares, inkColour, sharpContext } from "./pictures.js";

/** @import { Point } from "./framing.js" */
/** @import { Palette } from "./pictures.js" */

/** @typedef {{strokes: Point[][], sample: number | null}} Drawing  or a sample, by its place */
/** @typedef {{at: Point, down: boolean}} Pen  of the keyboard */

const PEN = 0.07; // width of the strokes on the pad, as a share of its side
const STEP = 0.02; // share of the pad that an arrow key moves the pen
const LEAST_MOVE = 0.004; // share of the pad between two points of a stroke

/** @type {Drawing} */
const BLANK = { strokes: [], sample: null };

/** @param {Drawing} drawing */
export function isBlank({ strokes, sample }) {
  return strokes.length === 0 && sample === null;
}

/**
 * Keep the drawing, and let a user draw, undo and clear.
 * @param {Drawing} first
 * @param {(drew: boolean) => void} changed told whether something new was put on the pad
 */
export function makePad(first, changed) {
  const canvas = find("pad", HTMLCanvasElement);
  let drawing = first;
  /** @type {Drawing[]} */
  const past = [];
  /** @type {number | null} */
  let pointer = null; // that is drawing now
  /** @type {Pen | null} */
  let pen = null;

  /** Put something else on the pad; `undo` brings back what was there. */
  const draw = (/** @type {Drawing} */ next) => {
    if (!(isBlank(drawing) && isBlank(next))) past.push(drawing);
    drawing = next;
    show(!isBlank(next));
  };
  const undo = () => {
    pointer = null; // a stroke that is being drawn ends
    drawing = past.pop() ?? drawing;
    show(false);
  };
  const show = (/** @type {boolean} */ drew) => {
    find("undo", HTMLButtonElement).disabled = past.length === 0;
    find("clear", HTMLButtonElement).disabled = isBlank(drawing);
    changed(drew);
  };
  /** The same, by something else than a stroke. */
  const put = (/** @type {Drawing} */ next) => {
    pointer = null;
    draw(next);
  };
  const begin = (/** @type {Point} */ point) =>
    draw({ strokes: [...drawing.strokes, [point]], sample: null });
  const proceed = (/** @type {Point} */ [x, y]) => {
    const before = drawing.strokes;
    const stroke = before[before.length - 1];
    const [lastX, lastY] = stroke[stroke.length - 1];
    if (Math.hypot(x - lastX, y - lastY) < LEAST_MOVE) return;
    drawing = { strokes: [...before.slice(0, -1), [...stroke, [x, y]]], sample: null };
    changed(false);
  };

  /** @returns {Point} */
  const pointOf = (/** @type {PointerEvent} */ event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return onGrid([(event.clientX - left) / width, (event.clientY - top) / height]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    pen = null;
    begin(pointOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) proceed(pointOf(each));
  });
  const end = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId === pointer) pointer = null;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);

  /** On a keyboard, arrow keys move the pen, and space sets it down or lifts it. */
  const onKey = (/** @type {KeyboardEvent} */ { key, ctrlKey, metaKey }) => {
    /** @type {Pen} */
    const { at, down: isDown } = pen ?? { at: [0.5, 0.5], down: false };
    if (key === " ") {
      pen = { at, down: !isDown };
      if (pen.down) begin(at);
    } else if (key in ARROWS) {
      const [right, down] = ARROWS[key];
      pen = { at: onGrid([at[0] + STEP * right, at[1] + STEP * down]), down: isDown };
      if (isDown) proceed(pen.at);
    } else {
      pen = null;
      if (key === "Delete") put(BLANK);
      else if (key === "Backspace" || (key === "z" && (ctrlKey || metaKey))) undo();
      else return false;
    }
    changed(false);
    return true;
  };
  canvas.addEventListener("keydown", (event) => {
    if (onKey(event)) event.preventDefault();
  });
  canvas.addEventListener("blur", () => {
    pen = null;
    changed(false);
  });
  const onButton = (/** @type {string} */ id, /** @type {() => void} */ act) =>
    find(id).addEventListener("click", () => {
      pen = null;
      act();
      if (find(id, HTMLButtonElement).disabled) canvas.focus({ preventScroll: true });
    });
  onButton("undo", undo);
  onButton("clear", () => put(BLANK));

  show(false);
  return { drawing: () => drawing, draw: put, pen: () => pen };
}

/**
 * Show what is on the pad: a sample, or strokes, and the pen of the keyboard.
 * @param {Drawing} drawing
 * @param {Float32Array} image what the network sees of it
 * @param {Pen | null} pen
 * @param {Palette} palette
 */
export function drawPad({ strokes, sample }, image, pen, palette) {
  const canvas = find("pad", HTMLCanvasElement);
  const side = canvas.clientWidth;
  const context = sharpContext(canvas, side, side);
  if (sample !== null) {
    const pixel = (/** @type {number} */ i) => (image[i] ? inkColour(palette, image[i]) : null);
    drawSquares(context, { x: 0, y: 0, size: side }, pixel);
  }
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = PEN * side;
  context.strokeStyle = css(palette.ink);
  for (const stroke of strokes) {
    context.beginPath();
    for (const [x, y] of [stroke[0], ...stroke]) context.lineTo(x * side, y * side);
    context.stroke();
  }
  if (!pen) return;
  context.beginPath();
  context.arc(pen.at[0] * side, pen.at[1] * side, (PEN * side) / 2, 0, 2 * Math.PI);
  context.fillStyle = css(palette.for, pen.down ? 0.9 : 0.15);
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = css(palette.for);
  context.stroke();
}
