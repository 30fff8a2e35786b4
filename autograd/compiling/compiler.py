"""`compile`: a function of scalar Values becomes a vectorised program over batches of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload

from ..arguments import require_distinct, truncated_repr
from ..trees import flatten
from ..value import Value
from .batches import Dtype, numpy
from .forms import Executor
from .program import CompiledProgram
from .sized import SizedPrograms
from .tracing import recorded, takes_nothing, trace

__all__ = ["compile"]


@overload
def compile(
    function: Callable[[], Any] | Value | Sequence[Value],
    parameters: Any = None,
    *,
    dtype: Dtype = "float64",
    check: bool = True,
    gradient: bool | None = None,
    executor: Executor | None = None,
) -> CompiledProgram: ...
@overload
def compile(  # type: ignore[overload-overlap, overload-cannot-match]
    function: Callable[..., Any],
    parameters: Any = None,
    *,
    dtype: Dtype = "float64",
    check: bool = True,
    gradient: bool | None = None,
    executor: Executor | None = None,
) -> SizedPrograms: ...
@overload
def compile(
    function: Callable[..., Any] | Value | Sequence[Value],
    parameters: Any = None,
    *,
    dtype: Dtype = "float64",
    check: bool = True,
    gradient: bool | None = None,
    executor: Executor | None = None,
    **sizes: Any,
) -> CompiledProgram: ...
def compile(
    function: Callable[..., Any] | Value | Sequence[Value],
    parameters: Any = None,
    *,
    dtype: Dtype = "float64",
    check: bool = True,
    gradient: bool | None = None,
    executor: Executor | None = None,
    **sizes: Any,
) -> CompiledProgram | SizedPrograms:
    """Record a function of scalar Values once and return the vectorised program that it is, over batches of samples.

    compile(loss, model, x=2, y=1) compiles loss(x, y), written on one sample with lists of x and y, and its gradient in the
    model's parameters, or in lists and dicts of Values, nested as you like; compile(model, x=2) a function alone, as
    gradient=False does. Other leaves are constants. `check` raises a FloatingPointError, naming the line, where a number
    overflows or is undefined. Needs numpy.

    Sizes may be left out, compile(loss, model): they are found at the first call, and a program is kept for each; `train`
    takes samples of different sizes. An input may be a whole number that picks a row of a table: see `take`.

    Parts that depend on neither inputs nor parameters are computed once, exactly as the gates compute them. In other
    sums the constants are added first, in their order, and the remaining terms in any order; a division by a constant is
    a product with its reciprocal. So a result may differ from that of the gates by the rounding of the largest term.

    A product with the constant 0 and a power of 0 are left out, unless finite data can make the other factor or the base
    undefined, as in 0 * log(x). So they are 0 and 1 where that is infinite or overflows; there the gates may give nan or raise.

    With the C extension, a program runs natively, in one call of C per step: statement by statement or, if its
    operations have little in common, as a tape of single operations. executor="native", "tape" or "numpy" selects one
    explicitly; `report()` names the choice.

    A function of parameters alone, compile(lambda: loss(w), w), or a graph of these, is called without batches, and gives
    the one cost or the one row of outputs. A graph that is recorded already is compiled from its root, or a list of roots,
    and the leaves that are its inputs, compile(root, [w], x=[x0]), or none; whether a branch on data was frozen into it,
    `program.compare(function, X)` finds out on further samples.

    With check=False, results of infinite inputs may be nan where the gates give a number: programs leave out the guards of
    gates such as logsumexp against infinities.

    >>> from autograd import Value, compile
    >>> w, b = Value(2.0), Value(1.0)
    >>> program = compile(lambda x, y: (w * x[0] + b - y[0]) ** 2, [w, b], x=1, y=1)
    >>> cost, gradient = program.value_and_grad([[1.0], [2.0]], [[0.0], [0.0]])
    >>> cost, gradient.tolist()
    (17.0, [13.0, 8.0])
    """
    if dtype not in ("float64", "float32"):
        raise ValueError(f"the dtype is 'float64' or 'float32', not {dtype!r}")
    if executor not in (None, "numpy", "tape", "native"):
        raise ValueError(f"the executor is 'native', 'tape' or 'numpy', not {executor!r}")
    several = isinstance(function, (list, tuple))
    given_roots: Sequence[Any] = function if isinstance(function, (list, tuple)) else [function]
    roots = [root for root in given_roots if isinstance(root, Value)]  # of a graph that is recorded already
    numpy()
    source = function if parameters is None else parameters
    values = _parameters(source, required=parameters is not None)
    differentiated = parameters is not None if gradient is None else gradient
    if not sizes and not roots and callable(function) and not takes_nothing(function):
        require_distinct(values, "parameters")
        return SizedPrograms(function, values, differentiated, dtype, check, executor)
    if not sizes and not values:
        raise TypeError("a function without inputs needs parameters: compile(lambda: loss(w), w)")
    traced = recorded(roots, sizes, several) if roots and len(roots) == len(given_roots) else trace(function, sizes)
    given = {leaf for leaves in traced.inputs.values() for leaf in leaves}
    for i, value in enumerate(values):
        if value in given:
            raise ValueError(f"parameters[{i}] is an input too: a leaf is either given with every batch, or trained")
    require_distinct(values, "parameters")
    if differentiated and traced.several:
        raise TypeError("the gradient is that of one number: return a Value, not a list, or write gradient=False")
    return CompiledProgram(traced, values, differentiated, dtype, check, executor)


def _parameters(source: Any, required: bool) -> list[Value]:
    if callable(getattr(source, "parameters", None)):
        return list(source.parameters())
    if not required:
        return []
    if not isinstance(source, Iterable):
        raise TypeError(f"parameters are a model or a list of Values, not {source!r}")
    values = [*flatten(source if isinstance(source, dict) else list(source))]
    for value in values:
        if not isinstance(value, Value) or value.gate is not None:
            raise TypeError(f"parameters must be leaves, in lists or dicts, got {truncated_repr(value)}")
    return values
