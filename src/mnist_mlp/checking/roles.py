"""Roles: what the variables of a learner's program stand for, told from their names."""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

SIZE = r"(size|nodes|dim|neurons|layer_?size|units)"
ROLES = {
    "images": r"x|xs|x_?(train|batch|b|in|i|tr|input|data|sample|t)|xb|a_?0"
    r"|batch_?(x|images|inputs)|inputs?(_?(data|list|vector|array|s))?|imgs?|images?|data|features?|train_?x|pixels|samples?",
    "targets": r"y|ys|t|l|lbl|tgt|yb|y_?(true|train|batch|b|tr|oh|one_?hot|t|real|labels?|hot)"
    r"|correct|targets?(_?(list|s|vector))?|labels?(_?(list|vector))?|expected(_?output)?|one_?hot(_?y)?"
    r"|truth|ground_?truth|desired(_?output)?|answers?|train_?y|batch_?(y|labels|targets)",
    "pairs": r"(mini_?)?batch|train(ing)?_?data|pairs|examples",
    "parameters": r"params?|parameters|network|net|nn|model|p",
    "rate": r"lr|alpha|eta|learn(ing)?_?rate|rate|step_?size|l_?rate",
    "epochs": r"(n_?|num_?)?(epochs?|iterations?|iters?|steps|its)",
    "decay": r"reg|lambda_?|lambd|lmbda|lam|l2|weight_?decay|reg_?lambda|regularization",
    "n": r"m|n|bs|(mini_?)?batch_?size|(num|n)_?(examples|samples)|m_?train",
    "outputs": r"(num|n)_?(labels|classes|outputs?|out|o|y)|output_?"
    + SIZE
    + r"|out_?(size|dim)|d_?out",
    "inputs": r"(num_?|n_?)(inputs?|in|i|x)|input_?" + SIZE + r"|in_?(size|dim)|d_?in",
    "hidden": r"((num_?|n_?)?hidden(_?" + SIZE + r"|_?sizes|_?layers|_?dims|_?layer)?|n_?h|h)_?1?",
    "hidden2": r"((num_?|n_?)?hidden(_?" + SIZE + r")?|n_?h|h)_?2",
    "sizes": r"(layer_?)?sizes|layers(_?dims|_?sizes)?|(layer_?)?dims|architecture|structure"
    r"|neurons|topology|shape",
    "prediction": r"a_?l|a_?out|y_?hat|y_?pred|pred(ictions?)?|prob(abilitie)?s?|o|out|scores"
    r"|(final_?)?outputs?",
    "cache": r"caches?|memory|activations|zs|a_?s|states|intermediates?|acts"
    r"|forward_?(cache|result)|layer_?outputs",
}
FORWARD = r"(?i).*(forward|predict|feed|propagat|query|infer|think|run|compute_output).*"
GRADIENT = r"(?i).*(back|grad|deriv|nabla|loss|cost|bprop|prime).*"
STEP = r"(?i).*(train|fit|step|update|learn|descent|sgd|optimi|backprop|backward).*"
WEIGHT = r"(w|weights?|theta|syn|synapse|wei|kernel|v|u)[a-z_]*_?\d*|(ih|ho|hh)_?w(eights)?"
BIAS = r"(b|bias|biases|beta)[a-z_]*_?\d*|(ih|ho|h|o)_?b(ias)?"
GRADIENT_NAME = (
    r"_*(d|g|grads?|gradients?|nabla|delta|del|djd|dc|dl|part)_?[a-z_]*\d*"
    r"|.*(grads?|gradients?|delta)_?\d*"
)


class UnclearError(Exception):
    """A parameter whose meaning cannot be told."""


@cache
def role_of(name: str) -> str | None:
    """Return the role of a name, if it is a usual one."""
    for role, pattern in ROLES.items():
        if re.fullmatch(pattern, name.strip("_").lower()):
            return role
    return None


@cache
def is_weight(name: str) -> bool:
    """Tell whether a name is usual for a weight matrix, or for several."""
    return bool(re.fullmatch(WEIGHT, name.strip("_").lower()))


@cache
def is_bias(name: str) -> bool:
    """Tell whether a name is usual for biases."""
    name = name.strip("_").lower()
    return bool(re.fullmatch(BIAS, name)) and role_of(name) not in ("n", "pairs")


def is_gradient(name: str) -> bool:
    """Tell whether a name is usual for a gradient."""
    return bool(re.fullmatch(GRADIENT_NAME, name.lower()))


def number_in(name: str) -> int | None:
    """Return the number at the end of a name."""
    digits = re.search(r"(\d+)$", name)
    return int(digits[1]) if digits else None


@lru_cache(4096)
def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a function; none if it has no signature."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        p
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]


def roles_of(function: Callable[..., Any]) -> set[str | None]:
    """Return the roles of a function's parameters."""
    return {role_of(p.name) for p in parameters_of(function)}


def call(function: Callable[..., Any], supply: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
    """Call a function with what its parameters stand for.

    `names` has values by exact name, and `supply` by role. Raises UnclearError if neither has a
    value, and whatever the function raises.
    """
    positional, keywords = list[tuple[str, Any]](), dict[str, Any]()
    for parameter in parameters_of(function):
        role = role_of(parameter.name)
        if parameter.name in names:
            value = names[parameter.name]
        elif role is not None and role in supply:
            value = supply[role]
        elif parameter.default is not parameter.empty:
            continue
        else:
            raise UnclearError(f"{function.__name__}: what is its parameter {parameter.name}?")
        if parameter.kind is parameter.KEYWORD_ONLY or keywords:
            keywords[parameter.name] = value
        else:
            positional.append((parameter.name, value))
    given = dict(positional)
    if any(p.kind is p.POSITIONAL_ONLY for p in parameters_of(function)):
        return function(*given.values(), **keywords)
    return function(**given, **keywords)
