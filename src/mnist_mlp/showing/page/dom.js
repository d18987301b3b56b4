// Elements: how they are found, made, and walked with arrow keys.

/**
 * The element with an id. Raises an error if it is missing or of another kind.
 * @template {Element} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} kind
 */
export function find(id, kind = /** @type {any} */ (HTMLElement)) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no ${kind.name} with the id ${id}`);
  return found;
}

/**
 * Make an element with a class and a text.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/** Whether the user asked for less motion. */
export function prefersStill() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** @type {Record<string, [number, number]>} */
export const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * Let arrow keys move the focus among a container's buttons, of which Tab reaches only one.
 * @param {HTMLElement} container
 */
export function moveByArrows(container) {
  const buttons = () => /** @type {HTMLElement[]} */ ([...container.querySelectorAll("button")]);
  container.addEventListener("focusin", ({ target }) => {
    for (const button of buttons()) button.tabIndex = button === target ? 0 : -1;
  });
  container.addEventListener("keydown", (event) => {
    const from = event.target;
    if (!(event.key in ARROWS) || !(from instanceof HTMLElement)) return;
    nearest(from, buttons(), ARROWS[event.key])?.focus();
    event.preventDefault();
  });
}

/**
 * The nearest element in a direction; being off to the side counts more than being far.
 * @param {HTMLElement} from
 * @param {HTMLElement[]} elements
 * @param {[number, number]} direction
 */
function nearest(from, elements, [right, down]) {
  const middle = (/** @type {HTMLElement} */ each) => {
    const { left, top, width, height } = each.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  };
  const [x, y] = middle(from);
  let best;
  let least = Infinity;
  for (const each of elements) {
    const [dx, dy] = [middle(each)[0] - x, middle(each)[1] - y];
    const ahead = dx * right + dy * down;
    const aside = Math.abs(dx * down) + Math.abs(dy * right);
    if (ahead < 1 || ahead + 3 * aside >= least) continue;
    best = each;
    least = ahead + 3 * aside;
  }
  return best;
}

/**
 * Tabs: of the panels with these ids one is shown, chosen by the buttons "<id>-tab".
 * @template {string} Id
 * @param {Id[]} ids
 * @param {() => void} changed
 */
export function makeTabs(ids, changed) {
  let open = ids[0];
  const choose = (/** @type {Id} */ chosen) => {
    open = chosen;
    for (const id of ids) {
      find(`${id}-tab`).setAttribute("aria-selected", String(id === open));
      find(`${id}-tab`).tabIndex = id === open ? 0 : -1;
      find(id).hidden = id !== open;
    }
    changed();
  };
  for (const id of ids) {
    find(`${id}-tab`).addEventListener("click", () => choose(id));
    find(`${id}-tab`).addEventListener("focus", () => choose(id));
  }
  moveByArrows(find("tabs"));
  choose(open);
  return {
    open: () => open,
    choose,
    /** @param {Id} id */
    leaveOut(id) {
      find(`${id}-tab`).hidden = true;
      choose(ids.filter((other) => other !== id)[0]);
    },
  };
}
