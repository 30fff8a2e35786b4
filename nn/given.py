"""What a caller gives, read once at the door: numbers, whole numbers, rows, functions, from Python's types or NumPy's.

Whatever is none is refused in a sentence that names the argument, what came, what was expected, and what to write.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from functools import wraps
from random import Random
from typing import Any, ParamSpec, TypeVar

from autograd import Value

__all__ = [
    "entry",
    "flag",
    "function",
    "generator",
    "known_names",
    "listed",
    "number",
    "numbers",
    "plain",
    "row",
    "several",
    "short",
    "shown",
    "spelt",
    "whole",
]


P = ParamSpec("P")
T = TypeVar("T")


def number(what: str, x: Any, least: float = -math.inf) -> float:
    """Return a plain, finite number of at least `least` as a float.

    >>> number("the momentum", 1, least=0)
    1.0
    """
    if isinstance(x, Value):
        raise TypeError(f"{what} is a plain number, not {x!r}: write its .data")
    given = entry(what, x)
    if isinstance(given, float) and least <= given < math.inf:
        return given
    bound = f"number of at least {least:g}" if least > -math.inf else "finite number"
    raise ValueError(f"{what} is a {bound}{' and finite' * (given == math.inf > least)}, not {short(x)}")


def whole(what: str, n: Any, least: int = 1) -> int:
    """Return a whole number of at least `least` as an int; one of NumPy's counts, a bool and a float do not.

    >>> whole("epochs", 3)
    3
    """
    try:
        given = least - 1 if isinstance(n, bool) else operator.index(n)
    except TypeError:
        given = least - 1
    if given < least:
        raise ValueError(f"{what} is a whole number of at least {least}, not {short(n)}")
    return given


def numbers(what: str, x: Any) -> list[float]:
    """Return the finite numbers of a list or an array as floats.

    >>> numbers("weights", (1, 2.5))
    [1.0, 2.5]
    """
    return [number(f"{what}[{i}]", v) for i, v in enumerate(_entries(what, x))]


def row(what: str, x: Any) -> list[Any]:
    """Return a list of numbers, each a float, a Value or a stand-in; an empty one is refused."""
    return [
        e if e.__class__ is float or e.__class__ is Value else entry(f"{what}[{i}]", e)
        for i, e in enumerate(_entries(what, x))
    ]


def _entries(what: str, x: Any) -> Sequence[Any]:
    entries = listed(x)
    if entries is None:
        raise TypeError(f"{what} is a list of numbers, not {shown(x)}")
    if not entries:
        raise ValueError(f"{what} is empty: give it at least one entry")
    return entries


def entry(what: str, x: Any) -> Any:
    """Return a number as a float; a Value or a stand-in of one as it is."""
    if x.__class__ is float or hasattr(type(x), "__gate__"):
        return x
    try:
        return Value(x).data
    except (TypeError, OverflowError) as error:
        entries = listed(x)
        if entries is not None:
            alone = ": write its one entry alone, as t[0] for t in a column" if len(entries) == 1 else ""
            raise TypeError(f"{what} is one number, not {shown(x)}{alone}") from None
        raise type(error)(what + str(error).removeprefix("a Value")) from None


def listed(x: Any) -> Sequence[Any] | None:
    """Return the entries of a list, a tuple or an array; None for what stands alone."""
    if isinstance(x, (list, tuple, range)):
        return x
    if hasattr(type(x), "__gate__") or not hasattr(x, "tolist"):
        return None
    entries = x.tolist()
    return entries if isinstance(entries, list) else None


def several(what: str, xs: Any) -> list[Any]:
    """Return the entries of anything that holds some, a generator too."""
    try:
        return list(xs)
    except TypeError:
        raise TypeError(f"{what} is a list, not {shown(xs)}") from None


def plain(x: Any) -> Any:
    """Return lists of Python's numbers for arrays and NumPy's numbers, also within lists; anything else as it is.

    >>> plain((1.0, [2.0]))
    [1.0, [2.0]]
    """
    if type(x) in (list, tuple, range):  # a namedtuple is more than its entries
        return [v if v.__class__ is float else plain(v) for v in x]
    return x if hasattr(type(x), "__gate__") or not hasattr(x, "tolist") else x.tolist()


def function(what: str, f: Any, arguments: str = "") -> None:
    """Raise unless f can be called, with these arguments, if any are named.

    >>> function("schedule", lambda epoch: 0.1, "epoch")
    """
    if not callable(f):
        raise TypeError(f"{what} is a function, not {shown(f)}")
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # some callables have no signature
        return
    try:
        signature.bind(*arguments.split(", ")) if arguments else None
    except TypeError as error:
        name = getattr(f, "__name__", type(f).__name__)
        taken = f"{name}({', '.join(signature.parameters)})"
        raise TypeError(f"{what} is called as f({arguments}), and {taken} is not: {error}") from None


# What other libraries call an argument, and what it may be called here: the first that the function has.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    name: ours
    for names, ours in (
        ("lr eta alpha learning_rate_init init_lr", ("learning_rate", "first")),
        ("base_lr initial_learning_rate initial_lr max_lr peak_value init_value start start_value", ("first",)),
        ("eps eps_root tolerance tol", ("epsilon",)),
        ("wd decay weight_decay_rate l2_penalty l2", ("weight_decay",)),
        ("momentum mu beta", ("betas",)),
        ("beta1 beta2 b1 b2 beta_1 beta_2", ("betas", "momentum")),
        ("betas", ("momentum",)),
        ("use_nesterov", ("nesterov",)),
        ("params model", ("parameters",)),
        ("max_norm clip_norm clipnorm norm max_grad_norm", ("largest", "clip")),
        ("gamma decay_rate rate", ("factor",)),
        ("step_size step period decay_steps transition_steps", ("every", "learning_rate", "epochs")),
        ("T_max t_max total_iters total_steps num_steps n_steps steps max_iter maxiter", ("epochs", "steps")),
        ("num_epochs n_epochs nb_epoch warmup_epochs warmup_steps", ("epochs",)),
        ("eta_min end end_value min_lr final_lr", ("last",)),
        ("batch batchsize bs", ("batch_size",)),
        ("scheduler lr_scheduler after", ("schedule",)),
        ("validation_data val valid", ("validation",)),
    )
    for name in names.split()
    for ours in [ours]
}


def known_names(what: str, f: Callable[..., Any], named: Iterable[str]) -> None:
    """Raise for an argument that f does not have, with the name that it has here.

    >>> known_names("SGD", lambda parameters, learning_rate: None, ["lr"])
    Traceback (most recent call last):
    TypeError: SGD has no argument lr: write learning_rate
    """
    parameters = inspect.signature(f).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for name in named:
        if name not in parameters:
            taken = [parameter for parameter in parameters if parameter != "self"]
            alike = [ours for ours in ELSEWHERE.get(name, ()) if ours in taken] or get_close_matches(name, taken, 1)
            remedy = f"write {alike[0]}" if alike else f"its arguments are {', '.join(taken)}"
            raise TypeError(f"{what} has no argument {name}: {remedy}")


def spelt(f: Callable[P, T]) -> Callable[P, T]:
    """Return f with `known_names` in front of it."""

    @wraps(f)
    def checked(*arguments: P.args, **named: P.kwargs) -> T:
        known_names(f.__name__, f, named)
        return f(*arguments, **named)

    return checked


def flag(what: str, x: Any) -> bool:
    """Return True or False; a number in its place would mean something else."""
    given = plain(x)
    if not isinstance(given, bool) and given not in (0, 1):
        raise TypeError(f"{what} is True or False, not {short(x)}")
    return bool(given)


def generator(rng: Any) -> Random:
    """Return the generator of random numbers; a seed is not one."""
    if not isinstance(rng, Random):
        seed = rng if isinstance(rng, int) else 0
        raise TypeError(
            f"rng is a generator of random numbers: write rng=random.Random({seed!r}), not rng={short(rng)}"
        )
    return rng


def shown(x: Any) -> str:
    """Return what x is, and its beginning."""
    return f"the {type(x).__name__} {short(x, 60)}"


def short(x: Any, width: int = 40) -> str:
    """Return the repr of x on one line, at most `width` characters of it."""
    try:
        text = " ".join(repr(x).split())
    except ValueError:  # an int with more digits than Python prints
        return "a number with thousands of digits"
    return text if len(text) <= width else text[: width - 1] + "…"
