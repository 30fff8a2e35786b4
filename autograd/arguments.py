"""Validation of arguments: conversion to numbers, lists and functions, and the errors for invalid arguments.

Every error names the argument (`what`), the value it got and the expected type, and says what to write instead.
"""

from __future__ import annotations

import math
import operator
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from numbers import Real
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

__all__ = [
    "as_bool",
    "as_finite",
    "as_finite_list",
    "as_float",
    "as_int",
    "as_list",
    "as_operand",
    "as_path",
    "check_keywords",
    "checks_keywords",
    "describe",
    "entries_of",
    "is_numpy_scalar",
    "list_or_none",
    "remedy",
    "require_callable",
    "require_distinct",
    "require_random",
    "to_python",
    "truncated_repr",
    "unpack_array",
]

P = ParamSpec("P")
T = TypeVar("T")

# Numbers


def as_float(x: Any, what: str = "a Value") -> float:
    """Return an int, a float, a bool or a numpy scalar as a float.

    >>> as_float(True)
    1.0
    >>> as_float("3")
    Traceback (most recent call last):
    TypeError: a Value needs a number, not the str '3': write float('3')
    """
    if x.__class__ is float:
        return x
    if is_numpy_scalar(x):
        x = x.item()
    if isinstance(x, Real):
        try:
            return float(x)
        except OverflowError:
            raise OverflowError(
                f"{what} holds a float, and the {type(x).__name__} {truncated_repr(x)} is beyond its range (about 1.8e308)"
            ) from None
    raise TypeError(f"{what} needs a number, not {remedy(x)}")


def as_operand(x: Any, what: str) -> Any:
    """Return a number as a float, and a Value or a symbol unchanged."""
    if x.__class__ is float or hasattr(type(x), "__gate__"):  # inlined, because losses call this for every number
        return x
    entries = list_or_none(x)
    if entries is None:
        return as_float(x, what)
    alone = ": write its one entry alone, as t[0] for t in a column" if len(entries) == 1 else ""
    raise TypeError(f"{what} must be one number, got {describe(x)}{alone}")


def as_finite(x: Any, what: str, least: float = -math.inf) -> float:
    """Return a finite number of at least `least` as a float; raise for a Value.

    >>> as_finite(1, "the momentum", 0)
    1.0
    """
    if _is_operand(x):
        raise TypeError(f"{what} must be a plain number, got {x!r}: write its .data")
    number: float = as_operand(x, what)
    if least <= number < math.inf and number > -math.inf:
        return number
    bound = f" of at least {least:g}" if least > -math.inf else ""
    raise ValueError(f"{what} must be a finite number{bound}, got {truncated_repr(x)}")


def as_finite_list(x: Any, what: str) -> list[float]:
    """Return the finite numbers of a list or an array as floats; raise if it is empty.

    >>> as_finite_list((1, 2.5), "weights")
    [1.0, 2.5]
    """
    return [as_finite(entry, f"{what}[{i}]") for i, entry in enumerate(entries_of(x, what))]


def as_int(n: Any, what: str, least: int = 1) -> int:
    """Return an int of at least `least`, from Python or NumPy; raise for a bool or a float.

    >>> as_int(3, "epochs")
    3
    """
    try:
        number = least - 1 if isinstance(n, bool) else operator.index(n)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{what} must be a whole number of at least {least}, got {truncated_repr(n)}")
    return number


def as_bool(x: Any, what: str) -> bool:
    """Return True or False, also from 1, 0 and NumPy's bools; raise for anything else.

    >>> as_bool(1, "nesterov")
    True
    """
    flag = to_python(x)
    if not isinstance(flag, bool) and flag not in (0, 1):
        raise TypeError(f"{what} must be True or False, got {truncated_repr(x)}")
    return bool(flag)


def is_numpy_scalar(x: Any) -> bool:
    """Tell whether x is a numpy scalar, without importing numpy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.generic)


def _is_operand(x: Any) -> bool:
    """Tell whether x is a Value, or a symbol that stands for one."""
    return hasattr(type(x), "__gate__")


# Lists and arrays

NESTED = "lists must not contain themselves, nor be nested hundreds deep"


def list_or_none(x: Any) -> Sequence[Any] | None:
    """Return the entries of a list, a tuple, a range or an array; None for anything else."""
    if isinstance(x, (list, tuple, range)):
        return x
    if hasattr(type(x), "__gate__") or not hasattr(x, "tolist"):  # inlined, because losses call this for every number
        return None
    entries = x.tolist()
    return entries if isinstance(entries, list) else None


def entries_of(x: Any, what: str) -> Sequence[Any]:
    """Return the entries of a list of numbers or an array; raise if it is empty."""
    entries = list_or_none(x)
    if entries is None:
        raise TypeError(f"{what} must be a list of numbers, got {describe(x)}")
    if not entries:
        raise ValueError(f"{what} must have at least one entry, got an empty list")
    return entries


def as_list(x: Any, what: str) -> list[Any]:
    """Return the entries of any iterable as a list."""
    try:
        return list(x)
    except TypeError:
        raise TypeError(f"{what} must be a list, got {describe(x)}") from None


def require_distinct(entries: Sequence[Any], what: str) -> None:
    """Raise if a list contains the same Value twice, because a sum or step over the list would count it twice."""
    if len({*map(id, entries)}) < len(entries):  # equal numbers may share an id
        positions: dict[int, int] = {}
        for i, entry in enumerate(entries):
            if positions.setdefault(id(entry), i) != i and _is_operand(entry):
                raise ValueError(f"{what}[{i}] is {what.split()[-1]}[{positions[id(entry)]}] again: name each once")


def unpack_array(x: Any) -> Any:
    """Return an array as lists of Python numbers, a numpy scalar as a Python number, and anything else unchanged.

    >>> unpack_array([1, 2.5])
    [1, 2.5]
    """
    return x if _is_operand(x) or not hasattr(x, "tolist") else x.tolist()


def to_python(x: Any) -> Any:
    """Convert arrays, tuples and ranges to lists, and numpy scalars to Python numbers, at every depth.

    >>> to_python((1.0, [2.0]))
    [1.0, [2.0]]
    """
    if type(x) in (list, tuple, range):  # not isinstance, so that namedtuples stay what they are
        try:
            return [entry if entry.__class__ is float else to_python(entry) for entry in x]
        except RecursionError:
            raise ValueError(NESTED) from None
    return unpack_array(x)


# Functions, random generators, paths


def require_callable(f: Any, what: str, arguments: str = "") -> None:
    """Raise unless f is callable, and accepts these comma-separated arguments if there are any.

    >>> require_callable(lambda epoch: 0.1, "schedule", "epoch")
    """
    if not callable(f):
        raise TypeError(f"{what} must be a function, got {describe(f)}: write f, without a call, or a lambda")
    if not arguments:
        return
    import inspect  # slow to import

    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # some callables have no signature
        return
    try:
        signature.bind(*arguments.split(", "))
    except TypeError as error:
        name = getattr(f, "__name__", type(f).__name__)
        given = f"{name}({', '.join(signature.parameters)})"
        raise TypeError(f"{what} must accept the call f({arguments}), got {given}: {error}") from None


def require_random(rng: Any) -> Random:
    """Return rng; raise unless it is a random.Random."""
    from random import Random

    if not isinstance(rng, Random):
        seed = rng if isinstance(rng, int) else 0
        raise TypeError(f"rng must be a random.Random, got {truncated_repr(rng)}: write rng=random.Random({seed!r})")
    return rng


def as_path(path: Any) -> Path:
    """Return a str or a path-like object as a Path."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a str or a Path, got {path!r:.60}")
    if "\0" in str(path):
        raise ValueError(f"path must not contain a NUL character, got {str(path)!r:.60}")
    from pathlib import Path

    return Path(path)


# Names of arguments

# Maps argument names of other libraries to names here; the error suggests the first one that the function has.
KEYWORDS_ELSEWHERE: dict[str, tuple[str, ...]] = {
    name: ours
    for names, ours in (
        ("lr eta alpha learning_rate_init init_lr", ("learning_rate", "first")),
        ("base_lr initial_learning_rate initial_lr max_lr peak_value init_value start start_value", ("first",)),
        ("eps eps_root tolerance tol", ("epsilon", "step")),
        ("h dx delta", ("step",)),
        ("wd decay weight_decay_rate l2_penalty l2", ("weight_decay",)),
        ("momentum mu beta", ("betas",)),
        ("beta1 beta2 b1 b2 beta_1 beta_2", ("betas", "momentum")),
        ("betas", ("momentum",)),
        ("use_nesterov", ("nesterov",)),
        ("params model", ("parameters",)),
        ("max_norm clip_norm clipnorm norm max_grad_norm", ("largest", "clip")),
        ("gamma decay_rate rate", ("factor",)),
        ("step_size step period decay_steps transition_steps", ("every", "learning_rate", "epochs")),
        ("argnum wrt", ("argnums",)),
        ("T_max t_max total_iters total_steps num_steps n_steps steps max_iter maxiter", ("epochs", "steps")),
        ("num_epochs n_epochs nb_epoch warmup_epochs warmup_steps", ("epochs",)),
        ("eta_min end end_value min_lr final_lr", ("last",)),
        ("batch batch_size batchsize bs", ("batch_size", "size")),
        ("scheduler lr_scheduler after", ("schedule",)),
        ("validation_data val valid", ("validation",)),
        ("test_size test_fraction test_ratio", ("fraction",)),
        ("n_samples num_samples samples", ("n",)),
        ("num_classes n_classes depth", ("classes", "n")),
        ("reduce size_average", ("reduction",)),
        ("act nonlinearity activation_fn", ("activation",)),
        ("use_bias fit_intercept", ("bias",)),
        ("seed random_state generator key", ("rng",)),
        ("in_features in_size input_dim input_size n_in", ("nin",)),
        ("out_features out_size output_size units n_out", ("nout", "nouts")),
        ("hidden_layer_sizes hidden_sizes layers sizes", ("hidden", "nouts")),
    )
    for name in names.split()
}


def check_keywords(f: Callable[..., Any], name: str, keywords: Iterable[str]) -> None:
    """Raise for a keyword that f does not have, and suggest the one to write; `name` is how the message calls f.

    >>> check_keywords(lambda parameters, learning_rate: None, "SGD", ["lr"])
    Traceback (most recent call last):
    TypeError: SGD has no argument lr: write learning_rate
    """
    import inspect

    parameters = inspect.signature(f).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for keyword in keywords:
        if keyword not in parameters:
            from difflib import get_close_matches

            own = [parameter for parameter in parameters if parameter != "self"]
            alike = [ours for ours in KEYWORDS_ELSEWHERE.get(keyword, ()) if ours in own]
            alike = alike or get_close_matches(keyword, own, 1)
            instead = f"write {alike[0]}" if alike else f"its arguments are {', '.join(own)}"
            raise TypeError(f"{name} has no argument {keyword}: {instead}")


def checks_keywords(f: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function or an `__init__`, so that a wrong keyword raises the error of `check_keywords`."""
    name = f.__qualname__.removesuffix(".__init__")

    @wraps(f)
    def checked(*arguments: P.args, **keywords: P.kwargs) -> T:
        try:
            return f(*arguments, **keywords)
        except TypeError:
            check_keywords(f, name, keywords)
            raise

    return checked


# Text of messages


def remedy(x: Any) -> str:
    """Describe x, which is not a number, and say what to write instead."""
    kind = type(x).__name__
    if x is None:
        return "None: does the function that made it return its result? In an array it is a masked entry"
    if isinstance(x, str):
        return f"the str {truncated_repr(x)}: write float({truncated_repr(x)})"
    if isinstance(x, complex):
        return f"the complex {x}: gates are real, so write its .real or its .imag"
    if isinstance(x, (list, tuple, set, frozenset, dict)):
        return f"a {kind}: make one Value per entry, as in [Value(x) for x in xs]"
    if getattr(x, "shape", None) == ():
        return f"an array of type {kind} with no dimensions: write x.item()"
    if hasattr(x, "tolist"):
        return f"the array of type {kind}: make one Value per entry, as in [Value(x) for x in array.tolist()]"
    if _is_operand(x):
        return f"a {kind}: use it as it is, or write its .data for the number alone"
    return f"the {kind} {truncated_repr(x)}: write float(x) if it stands for a number"


def describe(x: Any) -> str:
    """Return the type of x and its repr, cut to 60 characters.

    >>> describe([1, 2])
    'the list [1, 2]'
    """
    return f"the {type(x).__name__} {truncated_repr(x, 60)}"


def truncated_repr(x: Any, width: int = 40) -> str:
    """Return the repr of x on one line, cut to `width` characters.

    >>> truncated_repr("a" * 100, 10)
    "'aaaaaaaa…"
    """
    try:
        text = " ".join(repr(x).split())
    except ValueError:  # an int with more digits than Python converts to text
        return f"<{type(x).__name__} with thousands of digits>"
    return text if len(text) <= width else text[: width - 1] + "…"
