"""Roles: what the parameters and variables of a learner's program stand for, told from their names."""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

ROLES = {
    "images": r"(x|xs|x_?(train|batch|b|in|i|tr|input|data|sample|t)?|inputs?(_?(data|list|vector|array|s))?"
    r"|img|imgs|images?|data|features?|a_?0|train_?x|batch_?(x|images|inputs)|xb|pixels|samples?)",
    "targets": r"(y|ys|t|y_?(true|train|batch|b|tr|oh|onehot|one_hot|t|real|label|labels|hot)|l|lbl|tgt"
    r"|targets?(_?(list|s|vector))?|labels?(_?list|_?vector)?|expected(_?output)?|truth|one_?hot(_?y)?"
    r"|desired(_?output)?|ground_?truth|answers?|train_?y|batch_?(y|labels|targets)|yb|correct|outputs?_?true)",
    "pairs": r"(mini_?batch|batch|training_?data|train_?data|pairs|examples)",
    "parameters": r"(params?|parameters|network|net|nn|model|p)",
    "rate": r"(lr|alpha|eta|learning_?rate|learn_?rate|rate|step_?size|l_?rate|learningrate|lrate)",
    "epochs": r"(n_?)?(num_?)?(epochs?|iterations?|iters?|steps|its|n_?iter|num_iterations)",
    "decay": r"(reg|lambda_?|lambd|lmbda|lam|l2|weight_?decay|reg_?lambda|regularization)",
    "n": r"(m|n|batch_?size|mini_?batch_?size|num_?examples|n_?examples|n_?samples|num_samples|m_?train|bs)",
    "outputs": r"(num_?labels|num_?classes|n_?classes|n_?outputs?|n_?out|output_?(size|nodes|dim|neurons|layer_?size|units)"
    r"|outputnodes|out_?(size|dim)|d_?out|no|n_?o|n_?y)",
    "inputs": r"(n_?inputs?|n_?in|input_?(size|nodes|dim|neurons|layer_?size|units)|inputnodes|in_?(size|dim)"
    r"|d_?in|ni|n_?i|n_?x|num_?inputs?)",
    "hidden": r"(n_?hidden|n_?h|hidden(_?(size|nodes|dim|neurons|layer_?size|units|sizes|layers|dims|layer))?|hiddennodes"
    r"|nh|h|num_?hidden)_?1?",
    "hidden2": r"(n_?hidden|n_?h|hidden(_?(size|nodes|dim|neurons|layer_?size|units))?)_?2",
    "sizes": r"(sizes|layer_?sizes|layers(_?dims|_?sizes)?|layer_?dims|dims|architecture|structure|neurons|topology|shape)",
    "prediction": r"(a_?l|a_?out|y_?hat|yhat|y_?pred|pred(ictions?)?|probs?|probabilities|outputs?|out|final_?outputs?|scores|o)",
    "cache": r"(caches?|memory|activations|zs|a_?s|states|intermediates?|forward_?(cache|result)|acts|layer_?outputs)",
}
FORWARD = r"(?i).*(forward|predict|feed|propagat|query|infer|think|run|compute_output).*"
GRADIENT = r"(?i).*(back|grad|deriv|nabla|loss|cost|bprop|prime).*"
STEP = r"(?i).*(train|fit|step|update|learn|descent|sgd|optimi|backprop|backward).*"
WEIGHT = r"(w|weights?|theta|syn|synapse|wei|kernel|v|u)[a-z_]*_?\d*|(ih|ho|hh)_?w(eights)?"
BIAS = r"(b|bias|biases|beta)[a-z_]*_?\d*|(ih|ho|h|o)_?b(ias)?"
GRADIENT_NAME = r"_*(d|g|grads?|gradients?|nabla|delta|del|djd|dc|dl|part)_?[a-z_]*\d*(_?grads?|_?gradients?)?|.*(_grads?|_gradients?|_?delta|grad)_?\d*"


class Unclear(Exception):
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

    `names` has values by exact name, and `supply` by role. Raises Unclear if neither has a value,
    and whatever the function raises.
    """
    positional, keywords = [], {}
    for parameter in parameters_of(function):
        role = role_of(parameter.name)
        if parameter.name in names:
            value = names[parameter.name]
        elif role in supply:
            value = supply[role]
        elif parameter.default is not parameter.empty:
            continue
        else:
            raise Unclear(f"{function.__name__}: what is its parameter {parameter.name}?")
        if parameter.kind is parameter.KEYWORD_ONLY or keywords:
            keywords[parameter.name] = value
        else:
            positional.append((parameter.name, value))
    given = dict(positional)
    if any(p.kind is p.POSITIONAL_ONLY for p in parameters_of(function)):
        return function(*given.values(), **keywords)
    return function(**given, **keywords)
