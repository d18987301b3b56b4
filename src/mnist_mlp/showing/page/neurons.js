// The neurons of the diagram as buttons: to point at, tap, or reach by keyboard.

import { isNeuron } from "./diagram.js";
import { element, find, moveByArrows } from "./dom.js";
import { decimal, neuronName } from "./words.js";

/** @import { Neuron, Plan } from "./diagram.js" */
/** @import { Network, Numbers } from "./network.js" */

/**
 * Listen for the neuron that is pointed at, the one that was clicked, and the output that the answer
 * is compared with. Escape, a click on empty space, or "Show all" lets go.
 * @param {number} last the layer of the outputs
 * @param {(act?: "pointed" | "compared") => void} changed
 */
export function makeNeurons(last, changed) {
  const group = find("neurons");
  /** @type {Neuron | null} */
  let pointed = null;
  /** @type {Neuron | null} */
  let fixed = null;

  /** @param {Neuron | null} place */
  const point = (place) => {
    pointed = place;
    changed(place ? "pointed" : undefined);
  };
  const letGo = () => {
    fixed = null;
    point(null);
  };
  for (const type of ["pointerover", "focusin"]) {
    group.addEventListener(type, ({ target }) => point(neuronOf(target)));
  }
  for (const type of ["pointerout", "focusout"]) group.addEventListener(type, () => point(null));
  group.addEventListener("click", ({ target }) => {
    const place = neuronOf(target);
    if (!place || isNeuron(place, fixed)) return letGo();
    fixed = place;
    point(place);
    if (place.layer === last) changed("compared");
  });
  moveByArrows(group);
  find("show-all").addEventListener("click", letGo);
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") letGo();
  });
  document.addEventListener("click", ({ target }) => {
    const used = target instanceof Element && target.closest("button, input, select, label, #pad");
    if (!used && fixed) letGo();
  });

  return {
    chosen: () => pointed ?? fixed,
    /** The output that was clicked. */
    rival: () => (fixed?.layer === last ? fixed.neuron : null),
    /**
     * @param {Network} network
     * @param {Numbers[]} activations
     * @param {Plan} plan
     */
    update(network, activations, { places, brief }) {
      find("show-all").hidden = fixed === null;
      const wanted = places.flat();
      while (group.children.length > wanted.length) group.lastChild?.remove();
      while (group.children.length < wanted.length) {
        const button = element("button", "neuron");
        button.tabIndex = group.children.length ? -1 : 0;
        group.append(button);
      }
      wanted.forEach(({ layer, neuron, x, y, radius }, i) => {
        const button = /** @type {HTMLElement} */ (group.children[i]);
        const size = brief ? 26 : 2 * radius + 4;
        const value = decimal(activations[layer][neuron]);
        button.dataset.layer = String(layer);
        button.dataset.neuron = String(neuron);
        button.setAttribute("aria-label", `${neuronName(network, layer, neuron)}: ${value}`);
        button.setAttribute("aria-pressed", String(isNeuron({ layer, neuron }, fixed)));
        button.style.left = `${x - size / 2}px`;
        button.style.top = `${y - size / 2}px`;
        button.style.width = button.style.height = `${size}px`;
      });
    },
  };
}

/**
 * @param {EventTarget | null} target
 * @returns {Neuron | null}
 */
function neuronOf(target) {
  if (!(target instanceof HTMLElement) || !target.matches(".neuron")) return null;
  return { layer: Number(target.dataset.layer), neuron: Number(target.dataset.neuron) };
}
