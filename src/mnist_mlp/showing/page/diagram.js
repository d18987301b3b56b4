// The diagram: the picture at the left, a column of neurons for each layer, the outputs at the right.

const MOST_LINES = 140; // between two layers: the strongest contributions

/** The length of the vector of weights that lead out of each neuron of a layer. */
function outgoingNorms({ sizes, weights }, layer) {
  const norms = new Float64Array(sizes[layer]);
  weights[layer].forEach((weight, i) => (norms[i % sizes[layer]] += weight * weight));
  return norms.map(Math.sqrt);
}

/**
 * Choose the neurons of each layer that are drawn, in their order: all, or the most important.
 *
 * What a neuron can change in the next layer is its activation times its outgoing weights.
 */
function chooseNeurons(network, activations, norms, most) {
  return activations.map((values, layer) => {
    if (layer === 0) return [];
    if (values.length <= most || layer === activations.length - 1) return [...values.keys()];
    const importance = Array.from(values, (value, i) => Math.abs(value) * norms[layer][i]);
    return largest(importance, most).sort((a, b) => a - b);
  });
}

/** Find a place for everything in a diagram of at least this width. */
function layOut(drawn, least) {
  const small = least < 600;
  const layers = drawn.length - 1;
  const size = small ? 84 : Math.min(170, least * 0.19);
  const labels = small ? 62 : 118;
  const height = small ? 400 : 520;
  const [left, top, bottom] = [2, 34, 12];
  const step = Math.max((least - left - size - labels) / layers, small ? 46 : 60);
  const places = drawn.map((neurons, layer) => {
    const gap = Math.min((height - top - bottom) / neurons.length, 44);
    const first = top + (height - top - bottom - gap * (neurons.length - 1)) / 2;
    return neurons.map((neuron, i) => ({
      layer,
      neuron,
      x: left + size + step * layer - 14,
      y: first + i * gap,
      radius: Math.min(gap * 0.36, small ? 8 : 11),
    }));
  });
  const picture = { x: left, y: top + (height - top - bottom - size) / 2, size };
  const width = left + size + step * layers + labels;
  return { width, height, places, picture, small, brief: step < 90 };
}

/** The strongest contributions into the neurons that are drawn in layer `layer` + 1, weakest first. */
function strongestLines(network, activations, plan, layer, chosen) {
  const { picture, places } = plan;
  const pixel = picture.size / SIDE;
  const sources = layer
    ? places[layer]
    : Array.from(activations[0].keys(), (i) => ({
        neuron: i,
        x: picture.x + ((i % SIDE) + 0.5) * pixel,
        y: picture.y + (Math.floor(i / SIDE) + 0.5) * pixel,
      }));
  const lit = sources.filter((source) => activations[layer][source.neuron] !== 0);
  const lines = [];
  for (const to of places[layer + 1]) {
    const weights = weightsOf(network, layer, to.neuron);
    for (const from of lit) {
      const touches = [from, to].some((end) => isNeuron(end, chosen));
      if (chosen && !touches) continue;
      lines.push({ from, to, value: weights[from.neuron] * activations[layer][from.neuron] });
    }
  }
  lines.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return lines.slice(0, MOST_LINES).reverse();
}

function isNeuron(place, chosen) {
  return Boolean(chosen) && place.layer === chosen.layer && place.neuron === chosen.neuron;
}

/** Draw the network at work on one image. `chosen`, if not null, shows only its own lines. */
function drawDiagram(canvas, network, { activations }, plan, chosen) {
  const context = sharpContext(canvas, plan.width, plan.height);
  canvas.style.width = `${plan.width}px`;
  canvas.style.height = `${plan.height}px`;
  for (let layer = 0; layer < plan.places.length - 1; layer++) {
    drawLines(context, strongestLines(network, activations, plan, layer, chosen));
  }
  drawPicture(context, plan.picture);
  plan.places.forEach((places, layer) => {
    const brightest = scaleOf(network, activations, layer);
    for (const place of places) {
      const level = activations[layer][place.neuron] / brightest;
      drawNeuron(context, place, level, chosen);
      if (layer < network.sizes.length - 1) drawNumber(context, place, level);
    }
    drawHeading(context, network, plan, layer);
  });
  drawOutputs(context, activations.at(-1), plan);
}

/** The activation that lights a neuron in full: relu has no bound, so the largest of its layer. */
function scaleOf({ functions }, activations, layer) {
  if (functions[layer - 1] !== "relu") return 1;
  return activations[layer].reduce((a, b) => Math.max(a, b)) || 1;
}

function drawLines(context, lines) {
  const strongest = Math.abs(lines.at(-1)?.value ?? 1);
  for (const { from, to, value } of lines) {
    const strength = Math.abs(value) / strongest;
    context.strokeStyle = css(value < 0 ? colours.against : colours.for, 0.12 + 0.78 * strength);
    context.lineWidth = 0.4 + 3 * strength;
    const middle = (from.x + to.x) / 2;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.bezierCurveTo(middle, from.y, middle, to.y, to.x, to.y);
    context.stroke();
  }
}

/** Copy what the network sees, in sharp squares; where it is paper, what lies below shows. */
function drawPicture(context, { x, y, size }) {
  context.imageSmoothingEnabled = false;
  context.globalCompositeOperation = colours.paper[0] > colours.ink[0] ? "darken" : "lighten";
  context.drawImage(find("seen"), x, y, size, size);
  context.globalCompositeOperation = "source-over";
  context.strokeStyle = css(colours.quiet, 0.6);
  context.lineWidth = 1;
  context.strokeRect(x - 0.5, y - 0.5, size + 1, size + 1);
}

/** Light a neuron by its activation, as a share of the brightest; below zero it is red. */
function drawNeuron(context, { layer, neuron, x, y, radius }, level, chosen) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = css(level < 0 ? signedColour(level, 1) : inkColour(level));
  context.fill();
  const isChosen = isNeuron({ layer, neuron }, chosen);
  context.strokeStyle = css(isChosen ? colours.for : colours.quiet);
  context.lineWidth = isChosen ? 3 : 1.2;
  context.stroke();
}

/** Write a neuron's number into it, where there is room. */
function drawNumber(context, { neuron, x, y, radius }, level) {
  if (radius < 9 || neuron > 99) return;
  const size = Math.abs(level);
  context.fillStyle = css(size > 0.5 ? colours.paper : size > 0.2 ? colours.ink : colours.quiet);
  context.font = "10px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(neuron), x, y + 0.5);
}

function drawHeading(context, { sizes }, { places, picture, brief }, layer) {
  const drawn = places[layer].length;
  const all = sizes[layer];
  const x = layer ? places[layer][0].x : picture.x + picture.size / 2;
  const name = layer === 0 ? "pixels" : layer === sizes.length - 1 ? "outputs" : "neurons";
  const count = layer && drawn < all ? `${drawn} of ${all}` : String(all);
  context.fillStyle = css(colours.quiet);
  context.font = "13px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  context.fillText(brief ? count : `${count} ${name}`, x, layer ? 16 : picture.y - 8);
}

/** Write the digit beside each output, with a bar as long as its activation. */
function drawOutputs(context, outputs, { places, small }) {
  const winner = largest(outputs, 1)[0];
  const length = small ? 24 : 56;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const { neuron, x, y, radius } of places.at(-1)) {
    const start = x + radius + 8;
    context.font = `${neuron === winner ? "700 19px" : "15px"} system-ui, sans-serif`;
    context.fillStyle = css(neuron === winner ? colours.ink : colours.quiet);
    context.fillText(String(neuron), start, y + 1);
    context.fillStyle = css(colours.quiet, 0.25);
    context.fillRect(start + 18, y - 4, length, 8);
    context.fillStyle = css(colours.ink);
    context.fillRect(start + 18, y - 4, length * outputs[neuron], 8);
  }
}
