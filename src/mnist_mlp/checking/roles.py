"""Roles: what the variables of a learner's program stand for, told from their names."""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from types import MethodType
from typing import Any

SIZE = r"_?(size|nodes|dim|neurons|layer_?size|units|features|width)s?"
HIDDEN = r"((num|nn|n|size)_?)?(hidden|hid|h)(_?layers?)?"
SET = r"train(ing)?|val|valid|test|dev|mini|all"  # what a part of the data is called
ROLES = {
    "images": rf"x|xs|rows?|x_?({SET}|batch|b|in|i|tr|input|data|sample|t|train_?batch)|xb|a_?0"
    r"|batch_?(x|images|inputs)|data|features?|pixels|samples?"
    r"|(mini_?)?(inputs?|images?|imgs?)(_?(data|list|vector|array|s|train|batch))?"
    rf"|({SET})_?(x|images|inputs?|imgs?)"
    r"|bild(er)?|eingaben?|daten|imagen(es)?|imagens?|entradas?|dados|entrees?|immagini",
    "targets": rf"y|ys|y_?({SET}|true|batch|b|tr|oh|one_?hot|t|real|labels?|hot|data|vec)|yb"
    r"|t|l|lbl|tgt|teachers?|solutions?|gold|y_?enc(oded)?|correct|(ground_?)?truth|answers?|digits?"
    r"|(targets?|labels?)(_?(list|s|vector|array|train|batch|hot|one_?hot))?"
    r"|(expected|desired)(_?outputs?)?|one_?hot(_?(y|labels?|targets?))?"
    rf"|({SET})_?(y|labels?|targets?|outputs?)|batch_?(y|labels|targets)"
    r"|ziffern?|ziele?|klassen?|etiquetas?|objetivos?|rotulos?|alvos?|etiquettes?|cibles?",
    "batch": r"(mini_?)?batch",
    "pairs": r"train(ing)?_?(data|set|pairs)|pairs|examples|data_?set",
    "table": r"train(ing)?(_?(rows|table))?|table|rows",
    "parameters": r"((initial_?)?nn_?)?param(eter)?s?(_?(values|dict|vec(tor)?))?"
    r"|network|net|nn|model|p|par|thetas?|flat|vec(tor)?",
    "rate": r"lr|alpha|eta|learn(ing)?_?rate|rate|step_?size|l_?rate|step_?length"
    r"|lernrate|tasa|taxa|taux|alfa",
    "epochs": r"(n_?|num_?|max_?)?(epochs?|iterations?|iters?|steps|its)|epochen|epocas?|epoques?",
    "decay": r"reg(_?(strength|rate|param))?|lambda_?|lambd|lmbda|lmbd|lam|l2(_?(reg|lambda))?"
    r"|weight_?decay|decay|reg_?lambda|regulari[sz]ation|wd|decaimento|zerfall",
    "momentum": r"mu|mom(entum)?",
    "keep": r"keep(_?(prob|rate|probability|p))?|p_?keep",
    "dropped": r"drop(_?(prob|rate|p|out))?(_?(prob|rate|p))?|p_?drop(out)?",
    "n": r"m|n|num|bs|(mini_?)?batch_?size|(num|n)_?(examples|samples|train)|m_?train",
    "outputs": rf"(num|nn?)_?(labels?|lab|classes|cls|outputs?|out|o|y)|(nn_?)?out(puts?)?{SIZE}"
    r"|d_?out|classes|k|size_?out(put)?",
    "inputs": rf"(num|nn?)_?(inputs?|in|i|x|features)|(nn_?)?in(puts?)?{SIZE}"
    r"|d_?in|size_?in(put)?",
    "hidden": rf"{HIDDEN}(_?1)?({SIZE})?(_?1)?",
    "hidden2": rf"{HIDDEN}(_?2({SIZE})?|({SIZE})?_?2)",
    "hidden3": rf"{HIDDEN}(_?3({SIZE})?|({SIZE})?_?3)",
    "sizes": r"(layer_?)?sizes|layers?(_?(dims?|sizes|nodes))?|(layer_?)?dims|architecture"
    r"|structure|neurons|topology|shape|(n_?)?units",
    "prediction": r"a_?l|a_?out|y_?hat|y_?pred|pred(ictions?|icted)?|prob(abilitie)?s?|o|out|scores"
    r"|(final_?)?outputs?",
    "cache": r"caches?|memory|activations|zs|a_?s|states|intermediates?|acts|forward_?cache"
    r"|forward_?result|layer_?outputs",
}
FORWARD = r"(?i).*(forward|predict|feed|propagat|query|infer|think|run|compute_output).*"
GRADIENT = r"(?i).*(back|grad|deriv|nabla|loss|cost|bprop|prime).*"
STEP = r"(?i).*(train|fit|step|update|learn|descent|sgd|optimi|backprop|backward).*"
WEIGHT = (
    r"(w|weights?|theta|syn|synapse|wei|kernel|gew|peso|poids|pesi|coef)[a-z_\d]*|[vu]_?\d*"
    r"|(ih|ho|hh)_?w(eights?)?"
    r"|(hidden|output|out|in|h|o|l|layer|fc)_?\d?_?(w|weights?)"
)
BIAS = (
    r"(b|bias|biases|beta|schwell|vies|sesgo|intercept|soglia)[a-z_\d]*"
    r"|(hidden|output|out|ih|ho|h|o|l|layer|fc)_?\d?_?(b|bias(es)?)"
)
GRADIENT_NAME = (
    r"_*(d|g|grads?|gradients?|nabla|delta|del|djd|dc|dl|part)_?[a-z_]*\d*"
    r"|.*(grads?|gradients?|delta)_?\d*"
)


Function = Callable[..., Any]


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
    name = name.strip("_").lower()
    return bool(re.fullmatch(WEIGHT, name)) and role_of(name) != "decay"


@cache
def is_bias(name: str) -> bool:
    """Tell whether a name is usual for biases."""
    name = name.strip("_").lower()
    return bool(re.fullmatch(BIAS, name)) and role_of(name) not in ("n", "batch")


def is_gradient(name: str) -> bool:
    """Tell whether a name is usual for a gradient."""
    return bool(re.fullmatch(GRADIENT_NAME, name.lower()))


def number_in(name: str) -> int | None:
    """Return the number at the end of a name."""
    digits = re.search(r"(\d+)$", name)
    return int(digits[1]) if digits else None


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a function; none if it has no signature."""
    if isinstance(function, MethodType):  # remembered without its object, which may be large
        return _parameters_of(function.__func__)[1:]
    return _parameters_of(function)


@lru_cache(4096)
def _parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        p
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]


def roles_in(function: Callable[..., Any]) -> Mapping[str, str | None]:
    """Return the role of each parameter of a function; others may tell what one stands for."""
    own = [parameter.name for parameter in parameters_of(function)]
    roles = dict(zip(own, map(role_of, usual_names(function)), strict=True))
    every = set(roles.values())
    meant = {}
    if {"hidden", "outputs"} <= every:
        meant["n"] = "inputs"  # n, h, k are the sizes of the layers
    if "targets" in every and "images" not in every:
        meant["batch"] = "images"
    return {name: meant.get(role or "", role) for name, role in roles.items()}


def called(function: Callable[..., Any], name: str) -> str:
    """Return what an argument is called where the learner's file calls the function, or ""."""
    return str(getattr(function, "called_with", {}).get(name, ""))


def usual_names(function: Callable[..., Any]) -> list[str]:
    """Return the names of a function's parameters; of unusual ones what they are elsewhere.

    A single letter says less than the name of what is handed over, but x, y and t say more than an
    unusual one.
    """
    return [
        other if other and not (_is_usual(name) and _says_more(name, other)) else name
        for p in parameters_of(function)
        for name, other in [(p.name, called(function, p.name))]
    ]


def _says_more(name: str, other: str) -> bool:
    return len(name) > 1 or (name in "xXyYtT" and not _is_usual(other))


def _is_usual(name: str) -> bool:
    return bool(role_of(name) or is_weight(name) or is_bias(name))


def roles_of(function: Callable[..., Any]) -> set[str | None]:
    """Return the roles of a function's parameters."""
    return set(roles_in(function).values())


def call(function: Callable[..., Any], supply: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
    """Call a function with what its parameters stand for.

    `names` has values by exact name, and `supply` by role. Raises UnclearError if neither has a
    value, and whatever the function raises.
    """
    positional, keywords = list[tuple[str, Any]](), dict[str, Any]()
    for parameter in parameters_of(function):
        role = roles_in(function)[parameter.name]
        if known := {parameter.name, called(function, parameter.name)} & names.keys():
            value = names[parameter.name if parameter.name in known else known.pop()]
        elif role is not None and role in supply:
            value = supply[role]
        elif parameter.default is not parameter.empty:
            continue
        elif parameter.name in getattr(function, "__globals__", {}):
            value = function.__globals__[parameter.name]
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
