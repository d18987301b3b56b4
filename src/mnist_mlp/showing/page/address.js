// The address: a drawing is kept in the page's fragment, so that a reload or a link brings it back.

/** @import { Point } from "./framing.js" */
/** @import { Drawing } from "./pad.js" */

const GRID = 1000; // steps along the pad's side

/**
 * Round a point to what the address can keep, inside the pad.
 * @param {Point} point
 * @returns {Point}
 */
export function onGrid([x, y]) {
  const round = (/** @type {number} */ share) =>
    Math.round(Math.min(Math.max(share, 0), 1) * GRID) / GRID;
  return [round(x), round(y)];
}

/**
 * Write strokes as letters: two base-36 digits for each number, a dot between strokes.
 * @param {Point[][]} strokes
 */
export function encodeStrokes(strokes) {
  const letters = (/** @type {number} */ share) =>
    Math.round(share * GRID)
      .toString(36)
      .padStart(2, "0");
  return strokes.map((stroke) => stroke.flat().map(letters).join("")).join(".");
}

/**
 * @param {string} text what `encodeStrokes` returned, or anything
 * @returns {Point[][]} none if the text is something else
 */
export function decodeStrokes(text) {
  if (!/^([0-9a-z]{4})+(\.([0-9a-z]{4})+)*$/.test(text)) return [];
  const share = (/** @type {string} */ letters) => Number.parseInt(letters, 36) / GRID;
  const decode = (/** @type {string} */ point) =>
    onGrid([share(point.slice(0, 2)), share(point.slice(2))]);
  return text.split(".").map((stroke) => (stroke.match(/.{4}/g) ?? []).map(decode));
}

/**
 * What the fragment says: a drawing, if it has one, the step of the tour, and whether this is a slide.
 * @param {string} fragment
 * @param {number} nSamples
 */
export function readAddress(fragment, nSamples) {
  const found = new URLSearchParams(fragment.replace(/^#/, ""));
  const strokes = decodeStrokes(found.get("strokes") ?? "");
  const digit = Number(found.get("digit") || NaN);
  const sample = Number.isInteger(digit) && digit >= 0 && digit < nSamples ? digit : null;
  const isKept = strokes.length > 0 || sample !== null || found.get("strokes") === "";
  return {
    drawing: isKept ? { strokes, sample: strokes.length ? null : sample } : null,
    tour: Number(found.get("tour") ?? 0) - 1,
    embed: found.get("embed") === "",
  };
}

/**
 * Keep the drawing and the tour's step in the address, without a new entry in the history.
 * @param {Drawing} drawing
 * @param {number} tour from 0; -1 for none
 * @param {boolean} embed
 */
export function writeAddress({ strokes, sample }, tour, embed) {
  const parts = [sample === null ? `strokes=${encodeStrokes(strokes)}` : `digit=${sample}`];
  if (tour >= 0) parts.push(`tour=${tour + 1}`);
  if (embed) parts.push("embed");
  history.replaceState(null, "", `#${parts.join("&")}`);
}
