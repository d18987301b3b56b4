"""Tensors in what a program returns or keeps: weights, biases and their gradients."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.base.arrays import Array
from mnist_mlp.checking.layouts import Layout, layouts
from mnist_mlp.checking.lines import Problem
from mnist_mlp.checking.roles import is_bias, is_gradient, is_weight, number_in
from mnist_mlp.data.dataset import DIGITS, PIXELS

DEPTH = 4  # how deep lists, dictionaries and objects are searched
PREFIX = r"(?i)^_*((d(j|c|l|e|loss|cost))?_?d|grad|g|delta|nabla|del)_?(?=.)"  # of a gradient
PASSING = re.compile(  # names of what is like parameters, and is not: gradients, velocities, data
    r"d[A-Z_wb]|(?i:grad|delta|nabla|v[_dwb]|vel|m_|mom|prev|old|best|zero|cache|mask|x|y)"
)


class Item(NamedTuple):
    """An array found in a value: the name it has there, and its place in a list."""

    name: str
    place: int | None
    array: Array


class Slot(NamedTuple):
    """A place that holds an array: the way to it from a root, through lists and attributes."""

    root: Any
    path: tuple[Any, ...]
    name: str

    @property
    def holder(self) -> Any:
        """The list or dictionary that holds the array now."""
        return contents(reduce(lambda thing, key: contents(thing)[key], self.path[:-1], self.root))

    @property
    def array(self) -> Array:
        """The array that is there now."""
        return np.asarray(self.holder[self.path[-1]])

    def put(self, array: Array) -> None:
        """Overwrite it in place, or replace it if the shape or type has changed."""
        holder, key = self.holder, self.path[-1]
        old = holder[key]
        if isinstance(old, list):
            old[:] = array.tolist()
        elif isinstance(old, np.ndarray) and old.shape == array.shape and old.dtype.kind == "f":
            old[...] = array
        else:
            holder[key] = array.copy()


class Neurons(NamedTuple):
    """What each neuron of a layer keeps under one name: its weights, or its bias."""

    layer: Sequence[Any]
    path: tuple[Any, ...]
    name: str

    @property
    def array(self) -> Array:
        """A row for each neuron."""
        return np.array([contents(neuron)[self.name] for neuron in self.layer], float)

    def put(self, array: Array) -> None:
        """Give each neuron its own."""
        for neuron, row in zip(self.layer, array, strict=True):
            kept = contents(neuron)
            is_array = isinstance(kept[self.name], np.ndarray)
            kept[self.name] = row.copy() if is_array else row.tolist()


class Single(NamedTuple):
    """The weights of a single output neuron in a vector, or its bias in a number."""

    slot: Slot
    shape: tuple[int, ...]

    @property
    def path(self) -> tuple[Any, ...]:
        """The way to it."""
        return self.slot.path

    @property
    def name(self) -> str:
        """The name that it has there."""
        return self.slot.name

    @property
    def array(self) -> Array:
        """The vector as a matrix, or the number as a vector."""
        return self.slot.array.astype(float).reshape(self.shape)

    def put(self, array: Array) -> None:
        """Overwrite it."""
        self.slot.put(array.reshape(self.slot.array.shape))


Place = Slot | Neurons | Single


def contents(thing: Any) -> Any:
    """Return a list or dictionary itself, and the attributes of an object."""
    return thing if isinstance(thing, list | tuple | dict) else vars(thing)


def items(value: Any, name: str = "", names: Sequence[str] = (), depth: int = 0) -> Iterator[Item]:
    """Yield the arrays in a value. `names` are those of a tuple's elements."""
    if isinstance(value, np.ndarray | np.generic | float):
        yield Item(name, None, np.asarray(value))
    elif depth > DEPTH + 1:
        return
    elif isinstance(value, Mapping):
        of_gradients = is_gradient(name)
        for key, element in value.items():
            own = str(key)
            if of_gradients and not is_gradient(own):  # grads["w"] is dw
                own = f"d{own}"
            yield from items(element, own, (), depth + 1)
    elif isinstance(value, list | tuple):
        if (array := numbers_in(value)) is not None:
            yield Item(name, None, array.astype(float))
            return
        named = names if len(names) == len(value) else [name] * len(value)
        for index, (element, own) in enumerate(zip(value, named, strict=True)):
            for item in items(element, own, (), depth + 1):
                yield (
                    item
                    if item.name != name or item.place is not None
                    else item._replace(place=index)
                )
    elif hasattr(value, "__dict__") and not _is_code(value):
        yield from items(vars(value), name, (), depth + 1)


def numbers_in(value: Any) -> Array | None:
    """Return a list of numbers, or of such lists, as an array."""
    first = value
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if first is value or not isinstance(first, int | float) or isinstance(first, bool):
        return None
    try:
        array = np.array(value)
    except (ValueError, TypeError):  # the lists differ in length
        return None
    return array if array.dtype.kind in "fiu" else None


def as_lists(value: Any) -> Any:
    """Return a value with lists in the place of arrays."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: as_lists(element) for key, element in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(as_lists, value))
    return value


def slots(root: Any) -> Iterator[Place]:
    """Yield every place under a root that holds an array of floating-point numbers."""
    if isinstance(root, list | tuple | dict) or hasattr(root, "__dict__"):
        yield from _slots(root, root, (), "", set())


def _slots(
    root: Any, value: Any, path: tuple[Any, ...], name: str, seen: set[int]
) -> Iterator[Place]:
    if len(path) > DEPTH or id(value) in seen or _is_code(value):
        return
    seen.add(id(value))
    held = contents(value)
    for key, element in list(held.items() if isinstance(held, dict) else enumerate(held)):
        own = key if isinstance(key, str) else name
        if own.startswith("__") or PASSING.match(own.strip("_")):
            continue
        if isinstance(element, float):
            yield Slot(root, (*path, key), own)
            continue
        array = element if isinstance(element, np.ndarray) else numbers_in(element)
        if array is not None:
            if array.dtype.kind == "f" and array.size and id(element) not in seen:
                seen.add(id(element))  # layers may share the arrays of a dictionary
                yield Slot(root, (*path, key), own)
        elif kept := _kept_by_each(element):
            for each in kept:
                yield Neurons(element, (*path, key, each), each)
        elif isinstance(element, list | tuple | dict) or hasattr(element, "__dict__"):
            yield from _slots(root, element, (*path, key), own, seen)


def _kept_by_each(layer: Any) -> list[str]:
    """Return the names under which the neurons of a layer keep numbers, if it has neurons."""
    if not isinstance(layer, list) or len(layer) < 2:
        return []
    if not all(isinstance(n, dict) or hasattr(n, "__dict__") for n in layer):
        return []
    neurons = [contents(neuron) for neuron in layer]
    values = {name: [neuron.get(name) for neuron in neurons] for name in neurons[0]}
    arrays = {
        name: numbers_in([v.tolist() if isinstance(v, np.ndarray) else v for v in vs])
        for name, vs in values.items()
        if not any(isinstance(v, np.ndarray) and v.ndim > 1 for v in vs)
    }
    return [
        name
        for name, array in arrays.items()
        if array is not None and array.dtype.kind == "f" and not PASSING.match(str(name))
    ]


def _is_code(value: Any) -> bool:
    """Tell whether a value is a function, a class or a module, which are not searched."""
    return isinstance(value, type | ModuleType | FunctionType | MethodType)


class Places(NamedTuple):
    """Where an object keeps the weights and biases of a network with layers of these sizes."""

    sizes: list[int]
    weights: list[Place]
    biases: list[Place | None]
    layout: Layout

    def put(self, problem: Problem) -> None:
        """Give the object the parameters of a problem."""
        weights, biases = self.layout.parameters(problem.weights, problem.biases)
        for slot, array in zip(self.weights, weights, strict=True):
            slot.put(array)
        for place, array in zip(self.biases, biases, strict=False):
            if place:
                place.put(array)

    def get(self) -> tuple[list[Array], list[Array | None]]:
        """Return copies of the object's parameters, in its own layout."""
        weights = [slot.array.copy() for slot in self.weights]
        return weights, [slot.array.copy() if slot else None for slot in self.biases]

    @property
    def are_whole(self) -> bool:
        """Whether they lead from pixels to digits, with biases in each layer."""
        return self.sizes[0] == PIXELS and self.sizes[-1] == DIGITS and all(self.biases)

    @property
    def are_complete(self) -> bool:
        """Whether they are probably all of the network, not what is made of it so far."""
        return len(self.weights) > 1 and not isinstance(self.weights[-1], Single)

    @property
    def are_neurons(self) -> bool:
        """Whether there are neurons that keep their own."""
        return any(isinstance(slot, Neurons) for slot in self.weights)

    @property
    def biased(self) -> bool:
        """Whether there are biases at all."""
        return self.layout.folded or any(self.biases)

    def suit(self, layout: Layout) -> bool:
        """Return whether weights and biases have this layout. The folded ones look alike."""
        bias = (layout.bias, self.layout.bias)
        return layout.inputs == self.layout.inputs and (
            bias[0] == bias[1] or (layout.folded and self.layout.folded)
        )

    def layouts(self, *, singles: bool) -> Iterator[Layout]:
        """Yield the layouts that these places can have."""
        yield from filter(self.suit, layouts(singles, folded=self.layout.folded))


def find_places(root: Any) -> Places | None:
    """Return where an object keeps its parameters, if they form a chain of layers.

    A single layer may be part of a network with a column of biases, so it comes last. A chain that
    ends in ten outputs is more likely than a part of it.
    """

    def rank(places: Places) -> tuple[bool, bool]:
        return len(places.weights) > 1, places.sizes[-1] == DIGITS

    return max(_chains(list(slots(root))), key=rank, default=None)


def _chains(found: list[Place]) -> Iterator[Places]:
    """Yield the chains of layers, the likely ones first."""
    matrices = [slot for slot in found if slot.array.ndim == 2]
    named = [slot for slot in matrices if is_weight(slot.name)]
    matrices = [slot for slot in matrices if min(slot.array.shape) > 1]
    begun = [slot for slot in matrices if slot.array.any()]  # velocities begin at 0
    options = [[slot for slot in named if slot.array.any()], begun, named, matrices]
    for folded in (0, 1):  # with a column of biases in each matrix
        for weights in (order for option in options for order in (option, option[::-1])):
            wide = bool(weights) and weights[0].array.shape[0] > weights[0].array.shape[1]
            for inputs in (wide, not wide):  # a layer has more inputs than neurons, as a rule
                shapes = [slot.array.shape[:: 1 if inputs else -1] for slot in weights]
                sizes = [n_in - folded for n_in, _ in shapes] + [n for _, n in shapes[-1:]]
                if len(shapes) > folded and sizes[1:] == [n_out for _, n_out in shapes]:
                    if folded:
                        layout = Layout("rows", inputs, "last", "one-hot")
                        yield Places(sizes, weights, [None] * len(weights), layout)
                    else:
                        yield _with_biases(sizes, weights, found, inputs)
                        for single in _singles(weights, found, sizes[-1], inputs):
                            yield _with_biases([*sizes, 1], [*weights, single], found, inputs)


def _singles(weights: list[Place], found: list[Place], size: int, inputs: bool) -> Iterator[Place]:
    """Yield the vectors that may be weights from this many neurons to a single output."""
    stems = {_stem(slot.name) for slot in weights if slot.name != _stem(slot.name)}
    for slot in found:
        named = is_weight(slot.name) or _stem(slot.name) in stems
        if isinstance(slot, Slot) and named and slot.array.shape == (size,) and slot.array.any():
            yield Single(slot, (size, 1) if inputs else (1, size))


def _stem(name: str) -> str:
    return name.rstrip("0123456789")


def _with_biases(
    sizes: list[int], weights: list[Place], found: list[Place], inputs: bool
) -> Places:
    taken = {slot.path for slot in weights}
    vectors = [
        slot
        for slot in found
        if slot.path not in taken and slot.array.size == max(slot.array.shape, default=0)
    ]
    if sizes[-1] == 1:
        numbers = [slot for slot in found if isinstance(slot, Slot) and not slot.array.shape]
        vectors += [Single(slot, (1,)) for slot in numbers]
    names = {slot.name for slot in weights}
    named = [slot for slot in vectors if is_bias(slot.name)]
    vectors = (
        named or [slot for slot in vectors if slot.name in names] or _in_one_list(vectors, sizes)
    )
    holders = {slot.path[:-1] for slot in weights}  # velocities have the names, and another holder
    vectors.sort(key=lambda slot: slot.path[:-1] not in holders)
    biases: list[Place | None] = []
    for size in sizes[1:]:
        fitting = [s for s in vectors if s.array.size == size and s.path not in taken]
        biases.append(fitting[0] if fitting else None)
        taken |= {slot.path for slot in fitting[:1]}
    bias = "flat"
    if shape := next((slot.array.shape for slot in biases if slot), None):
        bias = {1: "flat"}.get(len(shape), "column" if shape[-1] == 1 else "row")
    return Places(sizes, weights, biases, Layout("rows", inputs, bias, "one-hot"))


def _in_one_list(vectors: list[Place], sizes: list[int]) -> list[Place]:
    """Return the first vectors of one list, or with numbered names, that suit all layers."""
    names = [_stem(slot.name) for slot in vectors]
    for name in dict.fromkeys(names):
        alike = [slot for slot, own in zip(vectors, names, strict=True) if own == name]
        if [slot.array.size for slot in alike] == sizes[1:]:
            return alike
    return []


def pick(
    found: Sequence[Item], problem: Problem, layout: Layout
) -> tuple[list[Array | None], list[Array | None]]:
    """Return the gradients among arrays, in the layout of the problem."""
    if layout.folded:
        return _pick_folded(found, problem, layout)
    weights, biases = [], []
    taken: set[int] = set()
    for i, (weight, bias) in enumerate(zip(problem.weights, problem.biases, strict=True)):
        laid = layout.weight(weight)
        chosen = _choose(found, i, [laid.shape], is_weight, taken)
        weights.append(None if chosen is None else layout.weight(np.asarray(chosen, _type(chosen))))
        shapes = [layout.biases(bias).shape, (bias.size,), (bias.size, 1), (1, bias.size)]
        array = _choose(found, i, shapes, is_bias, taken)
        array = _misshapen(found, i, len(problem.biases)) if array is None else array
        array = _number_after(found, chosen) if array is None else array
        if array is not None and array.size == 1:
            array = np.full(bias.size, array)  # a program that subtracts it from b does so too
        if array is not None:
            array = layout.read_bias(np.array(array, _type(array)), bias.size)
        biases.append(array)
    return weights, biases


def _pick_folded(
    found: Sequence[Item], problem: Problem, layout: Layout
) -> tuple[list[Array | None], list[Array | None]]:
    """Return the gradients among arrays that hold those of the biases too."""
    weights, biases = list[Array | None](), list[Array | None]()
    taken: set[int] = set()
    for i, joint in enumerate(layout.parameters(problem.weights, problem.biases)[0]):
        array = _choose(found, i, [joint.shape], is_weight, taken)
        parts = (None, None) if array is None else layout.unfold(np.asarray(array, _type(array)))
        weights.append(parts[0])
        biases.append(parts[1])
    return weights, biases


def _type(array: Array) -> type:
    return np.float32 if array.dtype == np.float32 else np.float64


def _choose(
    found: Sequence[Item],
    i: int,
    shapes: Sequence[tuple[int, ...]],
    likely: Callable[[str], bool],
    taken: set[int],
) -> Array | None:
    """Return the array for layer i (from 0) of one of these shapes: by name, else the first."""
    named = any(likely(_base(item.name)) for item in found if item.array.shape in shapes)
    first = _first_number(found, likely)
    fitting = [
        (k, item)
        for k, item in enumerate(found)
        if k not in taken
        and item.array.shape in shapes
        and (likely(_base(item.name)) if named else not _is_other(item.name, likely))
    ]

    def rank(pair: tuple[int, Item]) -> tuple[bool, bool]:
        name, place, _ = pair[1]
        number = number_in(name) if place is None else place + first
        return not is_gradient(name), number is not None and number != i + first

    if not fitting:
        return None
    k, item = min(fitting, key=rank)
    taken.add(k)
    return item.array


def _base(name: str) -> str:
    """Return the name of what a gradient is by: W1 of dW1, grad_W1 or nabla_W1."""
    return re.sub(PREFIX, "", name)


def _is_other(name: str, likely: Callable[[str], bool]) -> bool:
    """Tell whether a name is that of activations, or of weights instead of biases, or reversed."""
    if (is_weight if likely is is_bias else is_bias)(_base(name)):
        return True
    return bool(re.fullmatch(r"(a|z|h|o|x|y|out|output|dz|da|delta|d?hidden)_?\d*", name.lower()))


def _number_after(found: Sequence[Item], weights: Array | None) -> Array | None:
    """Return the number that follows the weights' gradient, as in pairs (dW, db)."""
    for item, following in pairwise(found):
        if item.array is weights and following.array.size == 1:
            return following.array
    return None


def _first_number(found: Sequence[Item], likely: Callable[[str], bool]) -> int:
    """Return the number of the first layer in the names of arrays: 0 or 1."""
    return 0 if 0 in [number_in(item.name) for item in found if likely(_base(item.name))] else 1


def _misshapen(found: Sequence[Item], i: int, n_layers: int) -> Array | None:
    """Return what stands in the place of a bias gradient, whatever its shape."""
    named = [item for item in found if re.fullmatch(r"(?i)b(ias(es)?)?_?\d*", _base(item.name))]
    numbers = [number_in(item.name) for item in named]
    if (number := i + _first_number(found, is_bias)) in numbers:
        return named[numbers.index(number)].array
    if len(named) == n_layers:
        return named[i].array
    numbers_only = [item.array for item in named if item.array.shape == (n_layers,)]
    return numbers_only[0][i] if numbers_only else None
