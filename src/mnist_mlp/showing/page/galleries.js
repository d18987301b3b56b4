// Galleries: digits to load, the confusion matrix with the digits in it, pictures of weights.

const MOST_PICTURES = 64; // of neurons' weights

/** Unpack the digits, which are a list for each property. */
function unpackDigits({ pixels, label, test_image: testImage, predicted, confidence }) {
  const size = SIDE * SIDE;
  const unpacked = unpackRuns(decodeBytes(pixels), label.length * size);
  return label.map((digit, i) => ({
    image: Float32Array.from(unpacked.subarray(i * size, (i + 1) * size), (pixel) => pixel / 255),
    label: digit,
    testImage: testImage[i],
    predicted: predicted[i],
    confidence: confidence[i],
  }));
}

/** A small picture of a digit, with a caption; a click loads it, if there is a network to read it. */
function thumbnail(place, caption) {
  const { image, label, testImage, predicted } = digits[place];
  const item = document.createElement("li");
  const holder = element(network ? "button" : "div", "thumbnail");
  const canvas = document.createElement("canvas");
  const name = label === null ? "Noise" : `Test image ${testImage}, a ${label}`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${name}, read as ${predicted}`);
  canvas.repaint = () => paint(canvas, image, inkColour);
  canvas.repaint();
  holder.append(canvas, element("span", "caption", caption));
  holder.title = `${name}, read as ${predicted}`;
  if (network) holder.addEventListener("click", () => load(place));
  item.append(holder);
  return item;
}

function misreadCaption(place) {
  const { label, predicted, confidence } = digits[place];
  return `${label} as ${predicted}\n${outputWords(confidence)}`;
}

function toLoadCaption(place) {
  const { label, predicted } = digits[place];
  if (label === null) return "noise";
  return label === predicted ? "right" : "wrong";
}

/** Show the digits that are in a cell of the confusion matrix. */
function showCell(button) {
  const [label, predicted] = [Number(button.dataset.label), Number(button.dataset.predicted)];
  const places = [...digits.keys()].filter(
    (place) => digits[place].label === label && digits[place].predicted === predicted,
  );
  const most = Number(button.dataset.most);
  const count = Number(button.textContent);
  const shown = places.sort((a, b) => digits[b].confidence - digits[a].confidence).slice(0, most);
  for (const other of document.querySelectorAll("#confusion button")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  const which = label === predicted ? "" : ", the most confident first";
  const words = `${label} read as ${predicted}: ${count.toLocaleString("en")} digits`;
  find("cell-title").textContent =
    shown.length < count ? `${words}, of which ${shown.length} are here${which}` : words + which;
  find("cell-digits").replaceChildren(
    ...shown.map((place) => thumbnail(place, outputWords(digits[place].confidence))),
  );
}

function listenToConfusion() {
  const table = find("confusion");
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) showCell(button);
  });
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("button")]);
  moveByArrows(table, () => rows, "rows");
  const mistakes = [...table.querySelectorAll("button:not(.right)")];
  showCell(mistakes[largest(mistakes.map((button) => Number(button.textContent)), 1)[0]]);
}

/** Paint the weights of the first layer's neurons, all on one scale. */
function paintWeights() {
  const limit = colourLimit(network.weights[0]);
  const norms = Array.from({ length: network.sizes[1] }, (_, neuron) =>
    Math.hypot(...weightsOf(network, 0, neuron)),
  );
  const shown = largest(norms, MOST_PICTURES).sort((a, b) => a - b);
  const items = shown.map((neuron) => {
    const item = document.createElement("li");
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `The weights of neuron ${neuron}`);
    canvas.repaint = () => {
      paint(canvas, weightsOf(network, 0, neuron), (weight) => signedColour(weight, limit));
    };
    canvas.repaint();
    item.append(canvas, element("span", "caption", String(neuron)));
    return item;
  });
  find("weights").append(...items);
  if (shown.length < network.sizes[1]) {
    find("weights-note").textContent =
      `These are the ${shown.length} of ${network.sizes[1]} with the largest weights.`;
  }
}
