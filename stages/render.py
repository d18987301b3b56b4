"""Stage 5, render: pictures of the weights and of the most confident mistakes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out

from command import MODEL, PARAMS, PREPARED, ModelFile, ParamsFile, PreparedFolder, run

from typing import Annotated

import typer

from mnist_mlp.base.files import atomic_write
from mnist_mlp.base.params import load_params
from mnist_mlp.data.dataset import load_dataset
from mnist_mlp.learning.evaluation import answer
from mnist_mlp.learning.model import load_network
from mnist_mlp.showing.tiles import draw_mistakes, draw_weights

WEIGHTS = Path("metrics/weights.png")
MISTAKES = Path("metrics/mistakes.png")


def render(
    params_file: ParamsFile = PARAMS,
    prepared: PreparedFolder = PREPARED,
    model: ModelFile = MODEL,
    weights: Annotated[Path, typer.Option(help="The weights of the first layer.")] = WEIGHTS,
    mistakes: Annotated[Path, typer.Option(help="The most confident mistakes.")] = MISTAKES,
) -> None:
    """Draw the weights of the first layer, and the most confident mistakes on the test digits.

    Reads data/model.npz, data/prepared and the knob kernels; writes metrics/weights.png and
    metrics/mistakes.png.
    """
    load_params(params_file)
    network = load_network(model)
    test = load_dataset(prepared, "test")
    outputs = answer(network, test.images)
    pictures = {
        weights: draw_weights(
            network.weights[0], "first hidden layer" if len(network.weights) > 1 else "outputs"
        ),
        mistakes: draw_mistakes(test.images, outputs, test.labels),
    }
    for path, picture in pictures.items():
        with atomic_write(path) as file:
            picture.save(file, "PNG")
    print(f"Look at {weights} and {mistakes}.")


if __name__ == "__main__":
    run(render)
