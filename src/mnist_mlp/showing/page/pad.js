// The pad: strokes by mouse, touch, pen or keyboard.

const PAD = 280; // pixels along each side of the image that strokes are drawn in
const PEN = 0.08; // its share of the pad: gives usual digits as much ink as MNIST's have
const STEP = 0.02; // share of the pad that an arrow key moves the pen
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The pen of the keyboard: where it is, and whether it is down; null while it is not in use. */
let pen = null;
let drawing = null; // the pointer that is drawing now

/** Begin a stroke; what was loaded before makes room for it. */
function beginStroke(point) {
  state.digit = null;
  state.strokes.push([point]);
  changed();
}

function continueStroke([x, y]) {
  const stroke = state.strokes.at(-1);
  const [lastX, lastY] = stroke.at(-1);
  if (Math.hypot(x - lastX, y - lastY) * PAD < 1) return;
  stroke.push([x, y]);
  changed();
}

function undo() {
  if (state.digit === null) state.strokes.pop();
  liftPen();
  changed();
}

function clear() {
  state.digit = null;
  state.strokes = [];
  liftPen();
  changed();
}

function liftPen() {
  if (pen) pen.down = false;
}

/** The place of a pointer as shares of the pad. */
function pointOf(event) {
  const { left, top, width, height } = find("pad").getBoundingClientRect();
  return [(event.clientX - left) / width, (event.clientY - top) / height];
}

function listenToPad() {
  const pad = find("pad");
  pad.addEventListener("pointerdown", (event) => {
    if (drawing !== null || event.button !== 0) return;
    drawing = event.pointerId;
    pad.setPointerCapture(drawing);
    pen = null;
    beginStroke(pointOf(event));
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drawing) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) continueStroke(pointOf(each));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (event.pointerId === drawing) drawing = null;
    });
  }
  pad.addEventListener("keydown", onPadKey);
  pad.addEventListener("blur", () => {
    pen = null;
    changed();
  });
  for (const [id, act] of Object.entries({ undo, clear })) {
    find(id).addEventListener("click", () => {
      act();
      if (state.strokes.length === 0) pad.focus({ preventScroll: true }); // the button is of no use
    });
  }
}

/** Arrow keys move the pen, space sets it down and lifts it; other keys undo and clear. */
function onPadKey(event) {
  const isUndo = event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey));
  if (isUndo) undo();
  else if (event.key === "Delete") clear();
  else if (event.key === " ") togglePen();
  else if (event.key in STEPS) movePen(STEPS[event.key]);
  else return;
  event.preventDefault();
}

function togglePen() {
  pen ??= { at: [0.5, 0.5], down: false };
  pen.down = !pen.down;
  if (pen.down) beginStroke(pen.at);
  changed();
}

function movePen(direction) {
  pen ??= { at: [0.5, 0.5], down: false };
  pen.at = pen.at.map((share, i) => Math.min(Math.max(share + STEP * direction[i], 0), 1));
  if (pen.down) continueStroke(pen.at);
  changed();
}

/** Show what is on the pad: a loaded digit, or strokes, and the pen of the keyboard. */
function drawPad() {
  const canvas = find("pad");
  const side = canvas.clientWidth;
  const context = sharpContext(canvas, side, side);
  if (state.digit !== null) drawPicture(context, { x: 0, y: 0, size: side });
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = PEN * side;
  context.strokeStyle = css(colours.ink);
  for (const stroke of state.strokes) {
    context.beginPath();
    for (const [x, y] of [stroke[0], ...stroke]) context.lineTo(x * side, y * side);
    context.stroke();
  }
  if (pen) {
    context.beginPath();
    context.arc(pen.at[0] * side, pen.at[1] * side, (PEN * side) / 2, 0, 2 * Math.PI);
    context.fillStyle = css(colours.for, pen.down ? 0.9 : 0.15);
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = css(colours.for);
    context.stroke();
  }
}
