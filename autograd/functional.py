"""Derivatives of functions: `grad`, `value_and_grad`, `jacobian`, `hessian`, `linearize`.

Float arguments give float results. Value arguments give Values: the derivative is then recorded as a graph, because the
rules of the gates run on Values too, so these functions nest. They never write the `.grad` of a Value.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from functools import lru_cache, partial, reduce, wraps
from math import isfinite
from typing import Any

from .arguments import NESTED, as_float, checks_keywords, remedy, truncated_repr, unpack_array
from .backward import adjoints, fresh_order, no_slope, reverse, topological_order
from .context import recorded, tracing
from .functions import FUNCTIONS
from .gate import GATES, Gate, refuse_infinite
from .node import NUMBER, TAKEN
from .symbols import COMPLEMENT, SYMBOLS, Symbol, may_refuse, otherwise, parts, steps
from .value import Operand, Value

__all__ = ["flatten", "grad", "hessian", "jacobian", "linearize", "require_function", "unflatten", "value_and_grad"]


@checks_keywords
def grad(f: Callable[..., Operand]) -> Callable[..., Any]:
    """Return the function that gives the gradient of f: ∂f/∂x for each argument x.

    A gradient has the shape of its argument: a number or a list. Several arguments give a tuple of gradients. f must
    return one number, or a TypeError is raised; for a function that returns a list, use `jacobian`.

    A gradient that is recorded on Values, or compiled, is its formula, which may hold where f does not: 1/x, for log x, is a
    number at −1 too, where grad(log)(−1.0) raises. `value_and_grad` keeps f beside it, whose replay raises there.

    >>> from autograd import sin
    >>> grad(lambda x: x**3)(2.0), grad(grad(lambda x: x**3))(2.0)
    (12.0, 12.0)
    >>> grad(lambda w, b: 3 * w[0] + w[0] * w[1] - b)([1.0, 2.0], 5.0)
    ([5.0, 1.0], -1.0)
    """
    both = value_and_grad(require_function(f, "grad"))

    @wraps(f, updated=())
    def gradient(*arguments: Any, **named: Any) -> Any:
        return both(*arguments, **named)[1]

    return gradient


@checks_keywords
def value_and_grad(f: Callable[..., Operand]) -> Callable[..., tuple[Any, Any]]:
    """Return the function that gives the pair (f, gradient of f), at the cost of one forward and one backward pass.

    >>> value_and_grad(lambda x, y: x * y)(2.0, 3.0)
    (6.0, (3.0, 2.0))
    """

    require_function(f, "value_and_grad")

    @wraps(f, updated=())
    def both(*arguments: Any, **named: Any) -> tuple[Any, Any]:
        arguments = _in_order(f, arguments, named)
        output, rows = _differentiate(f, arguments)
        if isinstance(output, list):
            raise TypeError("f must return one number, got a list: use jacobian(f)")
        gradients = unflatten(arguments, iter(rows[0]))
        return output, gradients[0] if len(gradients) == 1 else gradients

    return both


@checks_keywords
def jacobian(f: Callable[..., Any]) -> Callable[..., list[list[Any]]]:
    """Return the function that gives the Jacobian of f, a list of rows: row i is the gradient of output i.

    The layout is outputs × inputs (m × n), with the entries of all arguments in order; a single output gives one row.
    Some textbooks use the transpose, inputs × outputs. The cost is one backward pass per output.

    >>> jacobian(lambda x: [x[0] * x[1], x[0] + x[1], x[1] ** 2])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0], [0.0, 6.0]]
    """

    require_function(f, "jacobian")

    @wraps(f, updated=())
    def rows(*arguments: Any, **named: Any) -> list[list[Any]]:
        return _differentiate(f, _in_order(f, arguments, named))[1]

    return rows


@checks_keywords
def hessian(f: Callable[..., Operand]) -> Callable[..., list[list[Any]]]:
    """Return the function that gives the Hessian ∂²f/∂xᵢ∂xⱼ: the Jacobian of the gradient, n × n and symmetric.

    >>> hessian(lambda x: x[0] ** 2 * x[1])([2.0, 3.0])
    [[6.0, 4.0], [4.0, 0.0]]
    """
    gradient = grad(require_function(f, "hessian"))

    @wraps(f, updated=())
    def matrix(*arguments: Any, **named: Any) -> list[list[Any]]:
        arguments = _in_order(f, arguments, named)

        def entries(*values: Any) -> list[Any]:
            return list(flatten(gradient(*values)))

        return jacobian(entries)(*arguments)

    return matrix


@checks_keywords
def linearize(f: Callable[..., Operand], x: Any, order: int = 1) -> Callable[[Any], float]:
    """Return u ↦ f(x) + ∇f·u, the Taylor polynomial of f at x of order 1; order=2 adds ½ uᵀHu with the Hessian H.

    x is a number or a list of numbers, and u has the shape of x.

    >>> linearize(lambda x: x**2, 3.0)(0.5), linearize(lambda x: x**2, 3.0, order=2)(0.5)
    (12.0, 12.25)
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 (the tangent) or 2 (with the Hessian), got {order!r}")
    value, slope = value_and_grad(require_function(f, "linearize"))(x)
    slopes = list(flatten(slope))
    curvature = hessian(f)(x) if order == 2 else [[0.0] * len(slopes)] * len(slopes)

    def near(u: Any) -> float:
        step = [as_float(entry, "a step") for entry in flatten(u)]
        if len(step) != len(slopes):
            raise ValueError(f"u must have as many entries as x, {len(slopes)}, got {len(step)}")
        bend = sum(a * h * b for a, row in zip(step, curvature, strict=True) for h, b in zip(row, step, strict=True))
        return float(value + sum(a * s for a, s in zip(step, slopes, strict=True)) + bend / 2)

    return near


# The arguments of the enclosing derivatives, while nested derivatives are computed.
_enclosing: ContextVar[tuple[Value, ...]] = ContextVar("enclosing arguments", default=())
# Maps each gate recorded for a derivative to the caller's gate whose local gradient it computes; errors name the latter.
_origin: ContextVar[dict[Value, Value]] = ContextVar("gates of derivatives")


def _differentiate(f: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Any, list[list[Any]]]:
    """Return the output of f, a number or a list, and for each number of it the gradient by every argument entry."""
    if not arguments:
        raise TypeError(
            "the function must be called with at least one argument, got none: there is nothing to differentiate"
        )
    given, outer = list(flatten(arguments)), _enclosing.get()
    if not outer:
        _origin.set({})
    with recorded():
        # Each argument is copied, so that other uses of the same Value do not count as this argument.
        inputs = [x + 0.0 if isinstance(x, Value) else Value(as_float(x, "an argument of the function")) for x in given]
        token = _enclosing.set((*outer, *inputs))
        try:
            result = unpack_array(f(*unflatten(arguments, iter(inputs))))
        finally:
            _enclosing.reset(token)
        single = not isinstance(result, (list, tuple))
        outputs = [_output(y) for y in ([result] if single else flatten(result))]
        nested = tracing() or any(isinstance(x, Value) for x in given)
        # If f uses an argument of an enclosing derivative by closure, the enclosing one must differentiate this result.
        nested = nested or not set(outer).isdisjoint(topological_order(*outputs) if outer else ())
        rows: list[list[Any]] = [_gradient(y, inputs) if nested else _floats(y, inputs) for y in outputs]
    values: list[Any] = outputs if nested else [y.data for y in outputs]
    return values[0] if single else values, rows


def _in_order(f: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """Return the arguments of a call of f, keyword arguments too, in the order of its parameters."""
    if not named:
        return arguments
    signature = inspect.signature(f)
    try:
        bound = signature.bind(*arguments, **named)
    except TypeError as error:
        raise TypeError(f"the function's arguments are {', '.join(signature.parameters)}: {error}") from None
    if bound.kwargs:
        raise TypeError(
            f"arguments to differentiate must be positional, got {', '.join(bound.kwargs)} by keyword: "
            "write a lambda that passes them on"
        )
    return bound.args


def _output(y: Any) -> Value:
    try:
        return y if isinstance(y, Value) else Value(as_float(y), role="constant")
    except TypeError:
        raise TypeError(f"the function must return a Value (or a list of them), not {remedy(y)}") from None


def _floats(root: Value, wrt: Sequence[Value]) -> list[float]:
    """Return d root/d x for each x as floats."""
    try:
        found = adjoints(root)
    except (ArithmeticError, ValueError):  # some gate has no slope; it may not depend on these inputs
        return [slope.data for slope in _gradient(root, wrt)]
    return [found.get(x, 0.0) for x in wrt]


def _gradient(root: Value, wrt: Sequence[Value]) -> list[Value]:
    """Return d root/d x for each x as Values, by a recorded backward pass over the nodes that depend on some x."""
    order = topological_order(root, ends=wrt) if tracing() else fresh_order(root, wrt)
    active = set(wrt)
    for node in order:
        if not active.isdisjoint(node.inputs):
            active.add(node)

    def downstream(node: Value, upstream: Value) -> Iterator[tuple[Value, Value]]:
        for input, local in _slopes(node, active):
            yield input, upstream if local.__class__ is float and local == 1.0 else upstream * local

    gates = [node for node in order if node in active]
    found = reverse(gates, {root: Value(1.0, role="constant")}, partial(reduce, operator.add), downstream)
    return [found.get(x, Value(0.0, role="constant")) for x in wrt]


def _slopes(node: Value, active: set[Value]) -> Iterator[tuple[Value, Operand]]:
    """Yield each active input of a node with its local gradient, recorded as gates."""
    gate, inputs = node.gate, node.inputs
    assert gate is not None
    wanted = tuple([input in active for input in inputs])
    cells: list[Any] = [*map(_number_or_value, inputs), node]
    origin, made = _origin.get(), len(cells)
    try:
        constants, operations, outputs, checked = _recorder(gate, wanted)
        cells += constants
        for operation, operands in operations:
            cells.append(operation(*[cells[i] for i in operands]))
        if not (tracing() or all(isfinite(_number(cells[i])) for i in checked)):
            refuse_infinite([x._data for x in inputs])
    except (ArithmeticError, ValueError) as error:
        raise no_slope(origin.get(node, node), error, {}) from None
    for cell in cells[made:]:
        if isinstance(cell, Value):
            origin[cell] = origin.get(node, node)
    for input, output in zip(inputs, outputs, strict=True):
        if output is not None:
            yield input, cells[output]


def _number_or_value(x: Value) -> Operand:
    """Return the data of a literal number and freeze it, because the result depends on it; else the Value."""
    if x._tick not in (NUMBER, TAKEN):
        return x
    x._tick = TAKEN
    return x._data


@lru_cache(maxsize=1024)
def _recorder(gate: Gate, wanted: tuple[bool, ...]) -> tuple[list[float], list[Any], list[int | None], list[int]]:
    """Return the wanted local gradients as constants, operations on Values, and the cell of each result.

    The last list holds the cells of the local gradients that may be infinite.
    """
    inputs = [Symbol.named(f"x{i}") for i in range(len(wanted))]
    out = Symbol.named("out")
    slopes = _without_comparisons(gate.local_gradients(SYMBOLS, out, inputs, wanted))
    constants, found, outputs = steps([*inputs, out], slopes)
    checked = [i for i, s in zip(outputs, slopes, strict=True) if s is not None and i is not None and may_refuse(s)]
    return constants, [(_operation(name), cells) for name, cells in found], outputs, checked


def _number(x: Operand) -> float:
    return x._data if isinstance(x, Value) else x


def _operation(name: str) -> Callable[..., Any]:
    if name in FUNCTIONS and FUNCTIONS[name].sign:
        return FUNCTIONS[name].python  # works on Values and on numbers
    if name == "where":
        return _where
    try:
        return GATES[name]
    except KeyError:
        raise AttributeError(
            f"a local gradient uses xp.{name}, which is not a gate, so it cannot be differentiated again: add the gate"
        ) from None


def _where(condition: Operand, yes: Operand, no: Operand) -> Operand:
    """Choose now if the condition is a literal number (exponents usually are), else record the gate `where`."""
    if condition.__class__ is float and condition == condition:
        return yes if condition > 0 else no
    return GATES["where"](condition, yes, no)


def _without_comparisons(formulas: Sequence[Any]) -> list[Symbol | None]:
    """Rewrite comparisons as the gate `where`, which tests whether a number is above 0 and propagates nan."""
    symbols = [None if formula is None else Symbol.of(formula) for formula in formulas]
    done: dict[int, Symbol] = {}
    for part in parts(*(symbol for symbol in symbols if symbol is not None)):
        if part.operator == "where":
            condition, yes, no = part.operands
            done[id(part)] = _choice(done[id(condition)], done[id(yes)], done[id(otherwise(condition, no))])
        elif part.operands:
            operands = [done[id(x)] for x in part.operands]
            if part.operator not in COMPLEMENT:
                operands = [*map(_as_number, operands)]
            done[id(part)] = Symbol(part.operator, *operands)
        else:
            done[id(part)] = part
    return [None if symbol is None else _as_number(done[id(symbol)]) for symbol in symbols]


def _as_number(symbol: Symbol) -> Symbol:
    return _choice(symbol, Symbol.of(1), Symbol.of(0)) if symbol.operator in COMPLEMENT else symbol


def _choice(condition: Symbol, yes: Symbol, no: Symbol) -> Symbol:
    """Return `where` for a condition; a ≤ b is computed as a > b with yes and no exchanged."""
    if condition.operator not in COMPLEMENT:
        return Symbol("where", Symbol("abs", condition), yes, no)
    left, right = condition.operands if condition.operator in (">", "<=") else condition.operands[::-1]
    if condition.operator in ("<=", ">="):
        yes, no = no, yes
    if _is_zero(right):
        return Symbol("where", left, yes, no)
    return Symbol("where", Symbol("neg", right) if _is_zero(left) else Symbol("exceeds", left, right), yes, no)


def _is_zero(symbol: Symbol) -> bool:
    return symbol.operator == "number" and symbol.arguments[0] == 0.0


def require_function(f: Any, what: str) -> Callable[..., Any]:
    """Return f, or raise a TypeError if it is not callable; `what` is the function that f was passed to."""
    if not callable(f):
        raise TypeError(f"f must be a function, got {truncated_repr(f)}: write {what}(lambda x: x * x)")
    return f  # type: ignore[no-any-return]


def flatten(x: Any) -> Iterator[Any]:
    """Yield the entries of nested lists and arrays in order."""
    try:
        yield from _entries(x)
    except RecursionError:
        raise ValueError(NESTED) from None


def _entries(x: Any) -> Iterator[Any]:
    x = unpack_array(x)
    if isinstance(x, (list, tuple)):
        for entry in x:
            yield from _entries(entry)
    else:
        yield x


def unflatten(shape: Any, entries: Iterator[Any]) -> Any:
    """Return the entries nested like `shape`, a list or an array; the inverse of `flatten`."""
    shape = unpack_array(shape)
    if isinstance(shape, (list, tuple)):
        filled = [unflatten(entry, entries) for entry in shape]
        return type(shape)(*filled) if hasattr(shape, "_fields") else type(shape)(filled)  # a namedtuple, or a list
    return next(entries)
