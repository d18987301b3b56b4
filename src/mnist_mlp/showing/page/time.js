// Watch it learn: a slider through the training, and what your digit was read as at every moment.

import { element, find, prefersStill } from "./dom.js";
import { answerOf } from "./network.js";
import { accuracyWords, count, decimal } from "./words.js";

/** @import { Moment } from "./snapshots.js" */
/** @import { Network } from "./network.js" */

const PACE = 700; // milliseconds that each moment is shown while it plays

/**
 * A moment's short name: 30, 1k, or e3 after the third epoch.
 * @param {Moment} moment
 */
function shortName({ step, epoch }) {
  if (step > 0 && Number.isInteger(epoch)) return `e${epoch}`;
  return step < 1000 ? String(step) : `${step / 1000}k`;
}

/**
 * What a moment is, in words.
 * @param {Moment} moment
 * @param {string} measuredOn
 */
function momentWords({ step, epoch, cost, accuracy }, measuredOn) {
  const epochs = Number.isInteger(epoch) && epoch > 0 ? ` (${count(epoch, "epoch")})` : "";
  const when = step === 0 ? "Untrained" : `After ${count(step, "step")}${epochs}`;
  if (accuracy === null || cost === null) return `${when}.`;
  const where = measuredOn === "validation" ? "images held out" : "its training images";
  return `${when}: it reads ${accuracyWords(accuracy)} of ${where}, cost ${decimal(cost)}.`;
}

/**
 * Listen to the slider; `show` is called with the place of the moment to show.
 * @param {(Moment & {network: Network})[]} moments
 * @param {string} measuredOn
 * @param {{left: number, right: number, last: number}} chart the x-axis of both curves
 * @param {(at: number) => void} show
 */
export function makeTime(moments, measuredOn, chart, show) {
  const slider = find("moment", HTMLInputElement);
  const play = find("play");
  slider.max = slider.value = String(moments.length - 1);
  let timer = 0;

  const cells = moments.map((moment, at) => {
    const cell = element("li");
    cell.append(element("b"), element("span", "hint", shortName(moment)));
    cell.addEventListener("click", () => {
      pause();
      goTo(at);
    });
    return cell;
  });
  find("strip").replaceChildren(...cells);
  const markers = [...document.querySelectorAll(".charts svg")].map((svg) => {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    line.setAttribute("class", "marker");
    line.setAttribute("y2", "85%");
    svg.append(line);
    return line;
  });

  const pause = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ Play";
  };
  /** @param {number} at */
  const goTo = (at) => {
    slider.value = String(at);
    if (at === moments.length - 1) pause();
    mark(at);
    show(at);
  };
  slider.addEventListener("input", () => {
    pause();
    goTo(Number(slider.value));
  });
  play.addEventListener("click", () => {
    if (timer) return pause();
    const atEnd = Number(slider.value) === moments.length - 1;
    play.textContent = "⏸ Pause";
    timer = window.setInterval(
      () => goTo(Number(slider.value) + 1),
      prefersStill() ? 2 * PACE : PACE,
    );
    if (atEnd) goTo(0);
  });
  pause();

  /** @param {number} at */
  const mark = (at) => {
    const words = momentWords(moments[at], measuredOn);
    find("when").textContent = words;
    slider.setAttribute("aria-valuetext", words);
    const x = String(chart.left + (moments[at].epoch / chart.last) * (chart.right - chart.left));
    for (const marker of markers) {
      marker.setAttribute("x1", x);
      marker.setAttribute("x2", x);
    }
    for (const [k, cell] of cells.entries()) cell.classList.toggle("now", k === at);
  };
  mark(moments.length - 1);

  return {
    pause,
    goTo,
    /**
     * Show what the network of every moment reads in the image.
     * @param {Float32Array} image
     */
    update(image) {
      moments.forEach(({ network }, k) => {
        const { digit, output } = answerOf(network, image);
        const shown = /** @type {HTMLElement} */ (cells[k].firstChild);
        shown.textContent = String(digit);
        shown.style.opacity = String(0.3 + 0.7 * output);
      });
    },
  };
}
