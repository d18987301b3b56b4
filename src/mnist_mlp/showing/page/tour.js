// The tour: six steps, each of which waits for what you do.

import { find } from "./dom.js";

/**
 * @typedef {object} Step
 * @property {string} ask at most 40 words with `outcome`
 * @property {string} outcome said when it is done
 * @property {string} show the id of what it is about
 * @property {(seen: Seen) => boolean} done
 */

/**
 * What the user has done since the step began.
 * @typedef {object} Seen
 * @property {boolean} drew
 * @property {boolean} pointed
 * @property {boolean} compared
 * @property {boolean} moved the slider
 * @property {boolean} taught
 */

/** @type {Step[]} */
export const STEPS = [
  {
    ask: "Draw a digit on the pad, large or small.",
    outcome:
      "Every stroke changes the answer. Nothing is sent anywhere: the whole network is in this page.",
    show: "hand",
    done: ({ drew }) => drew,
  },
  {
    ask: "Your drawing became 28×28 pixels, centred, as in MNIST. That is all the network sees. Clear, and draw small, in a corner: it hardly changes.",
    outcome: "Size and place do not matter.",
    show: "hand",
    done: ({ drew }) => drew,
  },
  {
    ask: "Point at a lit neuron, or tap it.",
    outcome:
      "Blue pixels pushed it up, red ones down. Their sum, plus the bias, decides how brightly it lights.",
    show: "diagram",
    done: ({ pointed }) => pointed,
  },
  {
    ask: "Click an output that lost, at the right.",
    outcome: "The picture shows which of your pixels spoke for the answer and not for this digit.",
    show: "diagram",
    done: ({ compared }) => compared,
  },
  {
    ask: "Move the slider to the left, back to the untrained network.",
    outcome: "There it only guesses. The strip shows when it learned to read your digit.",
    show: "time",
    done: ({ moved }) => moved,
  },
  {
    ask: "Draw something that it misreads, say what it is, and take steps.",
    outcome: "Each step nudges every weight a little. Watch what it costs on other digits.",
    show: "lesson",
    done: ({ taught }) => taught,
  },
];

/** @returns {Seen} */
function nothing() {
  return { drew: false, pointed: false, compared: false, moved: false, taught: false };
}

/**
 * Guide through the steps, in a bar at the bottom of the window.
 * @param {Step[]} steps those that this page can show
 * @param {(step: Step) => void} prepare bring what a step is about into view
 * @param {() => void} keep note the step in the address
 */
export function makeTour(steps, prepare, keep) {
  const bar = find("tour");
  let at = -1; // the step, from 0; -1 while there is no tour
  let seen = nothing();

  const show = () => {
    bar.hidden = at < 0;
    document.body.classList.toggle("touring", at >= 0);
    for (const each of document.querySelectorAll(".shown")) each.classList.remove("shown");
    if (at < 0) return;
    const step = steps[at];
    const done = step.done(seen);
    find("tour-count").textContent = `${at + 1} of ${steps.length}`;
    find("tour-words").textContent = done ? `✓ ${step.outcome}` : step.ask;
    find("tour-next", HTMLButtonElement).disabled = !done;
    find("tour-next").textContent = at === steps.length - 1 ? "Done" : "Next";
    document.getElementById(step.show)?.classList.add("shown");
  };
  /** @param {number} step */
  const goTo = (step) => {
    at = step in steps ? step : -1;
    seen = nothing();
    show();
    if (at >= 0) prepare(steps[at]);
    keep();
  };
  find("start-tour").addEventListener("click", () => {
    goTo(0);
    find("tour-skip").focus();
  });
  find("tour-next").addEventListener("click", () => goTo(at + 1));
  find("tour-skip").addEventListener("click", () => goTo(at + 1));
  find("tour-end").addEventListener("click", () => {
    goTo(-1);
    find("start-tour").focus();
  });

  return {
    at: () => at,
    goTo,
    /** @param {keyof Seen} act */
    saw(act) {
      if (at < 0 || seen[act]) return;
      seen[act] = true;
      show();
    },
  };
}
