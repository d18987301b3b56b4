// Pictures: numbers as colours, in the page's own, which follow the light or dark scheme.

/** The page's colours as [red, green, blue], to mix: see style.css. */
const colours = {};

/** Read the colours of the scheme that is in force. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "ink", "quiet", "for", "against"]) {
    colours[name] = style.getPropertyValue(`--${name}`).trim().split(/\s+/).map(Number);
  }
}

function css([red, green, blue], alpha = 1) {
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}

function mix(from, to, share) {
  return from.map((value, i) => value + share * (to[i] - value));
}

/** 0 is paper and 1 is ink. */
function inkColour(value) {
  return mix(colours.paper, colours.ink, value);
}

/** 0 is paper; blue speaks for, red against, in full colour from `limit` on. */
function signedColour(value, limit) {
  const end = value < 0 ? colours.against : colours.for;
  return mix(colours.paper, end, Math.min(Math.abs(value) / (limit || 1), 1));
}

/** Paint 28×28 numbers on a canvas of as many pixels, in the colours that a function gives them. */
function paint(canvas, values, colour) {
  if (canvas.width !== SIDE) canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(SIDE, SIDE);
  values.forEach((value, i) => picture.data.set([...colour(value), 255], 4 * i));
  context.putImageData(picture, 0, 0);
}

/** The size that has the full colour in pictures of weights: all but one in 500 are smaller. */
function colourLimit(weights) {
  const sizes = Float32Array.from(weights, Math.abs).sort();
  return sizes[Math.floor((sizes.length - 1) * (1 - 1 / 500))] || sizes.at(-1);
}

/** Give a canvas as many pixels as the screen has in that size; returns its context, in CSS pixels. */
function sharpContext(canvas, width, height) {
  const density = window.devicePixelRatio || 1;
  const [columns, rows] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== columns || canvas.height !== rows) {
    [canvas.width, canvas.height] = [columns, rows];
  }
  const context = canvas.getContext("2d");
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** A share as people say it: 97 %, over 99 %. */
function percent(share) {
  if (share > 0.99) return "over 99\u00a0%";
  if (share < 0.01) return "under 1\u00a0%";
  return `${Math.round(100 * share)}\u00a0%`;
}

/** A number with a sign that is easy to see, and two decimals. */
function signed(number) {
  return `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(2)}`;
}
