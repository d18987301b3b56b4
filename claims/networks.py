"""The networks that several claims use: a recipe of claims/params.yaml, trained with each seed."""

from claim import NETWORKS, load_digits, load_recipe, train_networks
from command import run

from typing import Annotated

import typer


def networks(
    recipe: Annotated[str, typer.Argument(help="A recipe under `networks` in claims/params.yaml.")],
) -> None:
    """Train the networks of one recipe.

    Reads data/claims/prepared, params.yaml and claims/params.yaml; writes a model and a history for
    each seed to data/claims/networks/RECIPE.
    """
    settings = load_recipe(recipe)
    load_digits("training")  # so that the hint is right if they are missing
    folder = NETWORKS / recipe
    train_networks(settings["knobs"], settings["seeds"], keep=folder)
    print(f"{settings['seeds']} networks are in {folder}.")


if __name__ == "__main__":
    run(networks)
