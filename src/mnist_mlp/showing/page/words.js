// Words: numbers and answers as a person would say them.

import { largest } from "./network.js";

/** @import { Numbers } from "./network.js" */

/**
 * A share as people say it: 97 %, >99 %, <1 %.
 * @param {number} share
 */
export function percent(share) {
  if (share > 0.99) return ">99\u00a0%";
  if (share < 0.01) return "<1\u00a0%";
  return `${Math.round(100 * share)}\u00a0%`;
}

/**
 * An accuracy: 96.2 %.
 * @param {number} share
 */
export function accuracyWords(share) {
  return `${(100 * share).toFixed(1)}\u00a0%`;
}

/**
 * A number with two decimals.
 * @param {number} number
 */
export function decimal(number) {
  const text = Math.abs(number).toFixed(2);
  return number < 0 && text !== "0.00" ? `−${text}` : text;
}

/**
 * A number with two decimals and a sign that is easy to see.
 * @param {number} number
 */
export function signed(number) {
  const text = decimal(number);
  return text.startsWith("−") ? text : `+${text}`;
}

/**
 * A count with a noun: 1 step, 1,000 steps.
 * @param {number} n
 * @param {string} noun
 */
export function count(n, noun) {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}

/**
 * An output: softmax gives shares of a whole, sigmoid ten separate numbers up to 1.
 * @param {string} kind
 * @param {number} value
 */
export function outputWords(kind, value) {
  return kind === "softmax" ? percent(value) : decimal(value);
}

/**
 * What the network answers, and whether it is sure: its lead over the runner-up is `unsure` or more.
 * @param {string} kind of the outputs
 * @param {Numbers} outputs
 * @param {number} unsure
 */
export function verdict(kind, outputs, unsure) {
  const [digit, rival] = largest(outputs, 2);
  const named = (/** @type {number} */ each) => `${each} (${outputWords(kind, outputs[each])})`;
  const sure = outputs[digit] - outputs[rival] >= unsure;
  const words = sure
    ? `It reads ${named(digit)}.`
    : `It is not sure: ${named(digit)} or ${named(rival)}.`;
  return { digit, rival, sure, words };
}

/**
 * A neuron's name; if there is one hidden layer, its number is left out.
 * @param {{sizes: number[]}} network
 * @param {number} layer
 * @param {number} neuron
 */
export function neuronName({ sizes }, layer, neuron) {
  if (layer === sizes.length - 1) return `Output ${neuron}`;
  return sizes.length === 3 ? `Hidden neuron ${neuron}` : `Hidden layer ${layer}, neuron ${neuron}`;
}
