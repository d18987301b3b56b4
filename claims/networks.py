"""The networks that claims ask about: a recipe of claims/params.yaml, trained with every seed."""

from claim import NETWORKS, knobs, train
from command import run

from typing import Annotated

import typer


def networks(family: Annotated[str, typer.Argument(help="The name of a recipe.")]) -> None:
    """Train the networks of one family.

    Reads data/claims/prepared, params.yaml and the recipe under `networks` in claims/params.yaml;
    writes data/claims/networks/FAMILY: a model and a history for each seed.
    """
    recipe = knobs("networks")[family]
    folder = NETWORKS / family
    train(recipe["knobs"], recipe["seeds"], keep=folder)
    print(f"{recipe['seeds']} networks are in {folder}.")


if __name__ == "__main__":
    run(networks)
