// Explanations: the answer in words, and the sum behind the activation of one neuron.

const MOST_PARTS = 8; // contributions of neurons that are listed one by one

/** An output in words: softmax gives shares of a whole, sigmoid ten separate numbers up to 1. */
function outputWords(value) {
  return data.output === "softmax" ? percent(value) : value.toFixed(2);
}

/** Say what the network answers, and honestly so where it is unsure: {digit, sure, words}. */
function verdict(outputs) {
  const [first, second] = largest(outputs, 2);
  const named = (digit) => `${digit} (${outputWords(outputs[digit])})`;
  if (outputs[first] - outputs[second] >= data.unsure) {
    return { digit: first, sure: true, words: `It reads ${named(first)}.` };
  }
  const words = `It is not sure: ${named(first)} or ${named(second)}.`;
  return { digit: first, sure: false, words };
}

/** Say what a digit that was loaded really is, and whether the answer is right. */
function truth({ label, testImage }, answer) {
  if (label === null) return "In truth it is noise, and no digit at all.";
  const judgement = answer === label ? "Right" : "Wrong";
  return `${judgement}: it is test image ${testImage.toLocaleString("en")}, a ${label}.`;
}

function neuronName({ sizes }, layer, neuron) {
  if (layer === sizes.length - 1) return `Output ${neuron}`;
  return `Hidden layer ${layer}, neuron ${neuron}`;
}

/** Show how the sum of a neuron comes about: what spoke for it, what against, and its bias. */
function explainNeuron(network, { z, activations }, { layer, neuron }) {
  const parts = contributions(network, activations, layer - 1, neuron);
  const total = (wanted) => parts.filter(wanted).reduce((a, b) => a + b, 0);
  const kind = network.functions[layer - 1];
  const whose = kind === "softmax" ? "of all ten sums" : "of it";
  find("neuron-title").textContent = neuronName(network, layer, neuron);
  find("sum-for").textContent = signed(total((part) => part > 0));
  find("sum-against").textContent = signed(total((part) => part < 0));
  find("sum-bias").textContent = signed(network.biases[layer - 1][neuron]);
  find("sum-z").textContent = signed(z[layer - 1][neuron]);
  find("sum-kind").textContent = `is ${kind} ${whose}`;
  find("sum-activation").textContent = activations[layer][neuron].toFixed(2);
  find("neuron-pictures").hidden = layer !== 1;
  find("neuron-parts").hidden = layer === 1;
  if (layer === 1) showPixels(network, parts, neuron);
  else showParts(network, activations, parts, { layer, neuron });
}

/** For the first layer, two pictures: the weights, and weight × pixel. */
function showPixels(network, parts, neuron) {
  const limit = colourLimit(network.weights[0]);
  const largestPart = parts.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  paint(find("neuron-weights"), weightsOf(network, 0, neuron), (w) => signedColour(w, limit));
  paint(find("neuron-pixels"), parts, (part) => signedColour(part, largestPart));
}

/** For later layers, a list: the strongest contributions of the neurons before, and the rest. */
function showParts(network, activations, parts, { layer, neuron }) {
  const sizes = parts.map(Math.abs);
  const strongest = largest(sizes, MOST_PARTS);
  const longest = sizes[strongest[0]] || 1;
  const weights = weightsOf(network, layer - 1, neuron);
  const rows = strongest.map((i) => {
    const product = `${signed(weights[i])} × ${activations[layer - 1][i].toFixed(2)}`;
    return partRow(`neuron ${i}`, product, parts[i], longest);
  });
  if (parts.length > strongest.length) {
    const rest = parts.reduce((a, b) => a + b, 0) - strongest.reduce((sum, i) => sum + parts[i], 0);
    rows.push(partRow(`the ${parts.length - strongest.length} others`, "", rest, longest));
  }
  find("neuron-parts").replaceChildren(...rows);
}

function partRow(name, product, part, longest) {
  const row = document.createElement("li");
  const bar = element("span", "bar");
  const filled = element("span", part < 0 ? "filled against" : "filled for");
  filled.style.width = `${50 * Math.min(Math.abs(part) / longest, 1)}%`;
  bar.append(filled);
  row.append(
    element("span", "name", name),
    element("span", "product", product),
    bar,
    element("span", "part", signed(part)),
  );
  return row;
}

/** Make an element with a class and a text. */
function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
