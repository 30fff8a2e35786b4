"""Derivatives of functions: `grad`, `value_and_grad`, `jacobian`, `hessian`, products with these, and `linearize`.

Float arguments give float results. Value arguments give Values: the derivative is then recorded as a graph, because the
rules of the gates run on Values too, so these functions nest. They never write the `.grad` of a Value.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache, reduce, wraps
from itertools import chain
from math import isfinite
from typing import Any, NamedTuple, SupportsIndex

from ._engine import compiled
from .anomaly import watching, whereabouts
from .arguments import as_float, checks_keywords, describe, remedy, require_callable, unpack_array
from .backward import fresh_order, gradient, no_slope, reverse, topological_order
from .context import recorded, tracing
from .functions import FUNCTIONS
from .gate import GATES, Gate, gate_text, inputs_text, refuse_infinite
from .node import NUMBER, TAKEN
from .sparsity import as_sparse, colours, dependencies, scipy_sparse, transposed
from .symbols import COMPLEMENT, SYMBOLS, Symbol, may_refuse, otherwise, parts, steps
from .trees import aligned, as_array, flatten, is_array, to_numbers, unflatten
from .value import Operand, Value

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "linearize", "value_and_grad", "vjp"]

Argnums = SupportsIndex | Sequence[SupportsIndex] | None
Positions = int | list[int] | None  # argnums as the functions below use it; None for all arguments
Partials = list[tuple["Value", list[tuple["Value", Operand]]]]  # of gates in order, in those inputs that matter


@checks_keywords
def grad(f: Callable[..., Any], argnums: Argnums = None, has_aux: bool = False) -> Callable[..., Any]:
    """Return the function that gives the gradient of f: ∂f/∂x for each argument x.

    A gradient has the shape of its argument: a number, or a list, dict or NumPy array of them, nested as you like. f gets an
    array as an array of Values, with which indexing, slices, arithmetic and `@` work. Several arguments give a tuple of
    gradients. f must return one number, or a TypeError is raised; for a function that returns a list, use `jacobian`.

    argnums: the positions of the arguments to differentiate, as in JAX: one gives its gradient, a list of them a tuple. The
        other arguments are handed to f as they are, whatever they are. Default: all arguments
    has_aux: f returns a pair (output, more), and the result is the pair (gradient, more)

    A gradient that is recorded on Values, or compiled, is its formula, which may hold where f does not: 1/x, for log x, is a
    number at −1 too, where grad(log)(−1.0) raises. `value_and_grad` keeps f beside it, whose replay raises there.

    >>> from autograd import sin
    >>> grad(lambda x: x**3)(2.0), grad(grad(lambda x: x**3))(2.0)
    (12.0, 12.0)
    >>> grad(lambda w, b: 3 * w[0] + w[0] * w[1] - b)([1.0, 2.0], 5.0)
    ([5.0, 1.0], -1.0)
    >>> grad(lambda x, y: x**y, argnums=0)(-2.0, 3.0)
    12.0
    """
    both = value_and_grad(f, argnums, has_aux)

    @wraps(f, updated=())
    def gradient(*arguments: Any, **named: Any) -> Any:
        output, gradients = both(*arguments, **named)
        return (gradients, output[1]) if has_aux else gradients

    return gradient


@checks_keywords
def value_and_grad(
    f: Callable[..., Any], argnums: Argnums = None, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """Return the function that gives the pair (f, gradient of f), at the cost of one forward and one backward pass.

    argnums and has_aux are those of `grad`; with has_aux the result is ((f, more), gradient).

    >>> value_and_grad(lambda x, y: x * y)(2.0, 3.0)
    (6.0, (3.0, 2.0))
    """
    require_callable(f, "f")
    positions = _as_positions(argnums)

    @wraps(f, updated=())
    def both(*arguments: Any, **named: Any) -> tuple[Any, Any]:
        run = _run(f, *_in_order(f, arguments, named, positions), positions, has_aux)
        root = run.single()
        try:
            gradients = unflatten(run.chosen, iter(run.gradient(root)))
        except (ArithmeticError, ValueError) as error:
            if len(run.chosen) == 1:
                raise
            raise type(error)(f"{error}; argnums leaves out arguments that need no gradient") from None
        one = len(gradients) == 1 if positions is None else isinstance(positions, int)
        return run.pair(run.shown()), gradients[0] if one else gradients

    return both


@checks_keywords
def jacobian(
    f: Callable[..., Any], argnums: Argnums = None, has_aux: bool = False, *, sparse: bool = False
) -> Callable[..., Any]:
    """Return the function that gives the Jacobian of f, a list of rows: row i is the gradient of output i.

    The layout is outputs × inputs (m × n), with the entries of all outputs and all arguments in order; a single output gives
    one row. Where an argument is an array, the rows are an array (m, n). Some textbooks use the transpose, inputs × outputs.
    The cost is one backward pass per output. argnums and has_aux are those of `grad`.

    sparse: return SciPy's `coo_array` of the entries that are not 0 for all data. These are read off the graph; outputs that
        have no input in common, or inputs that have no output in common, then share a pass (Curtis, Powell and Reid, 1974).
        Its entries are numbers, so this is a TypeError for Values and inside `compile`

    >>> jacobian(lambda x: [x[0] * x[1], x[0] + x[1], x[1] ** 2])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0], [0.0, 6.0]]
    >>> print(jacobian(lambda x: [x[0] * x[0], x[1] * 5], sparse=True)([2.0, 3.0]).toarray())
    [[4. 0.]
     [0. 5.]]
    """
    require_callable(f, "f")
    positions = _as_positions(argnums)

    @wraps(f, updated=())
    def rows(*arguments: Any, **named: Any) -> Any:
        run = _run(f, *_in_order(f, arguments, named, positions), positions, has_aux)
        if not run.outputs:
            raise ValueError(
                f"f must return at least one number for its Jacobian, got {describe(run.result)}: return a list of outputs"
            )
        return run.pair(_sparse(run) if sparse else _rows(run))

    return rows


@checks_keywords
def hessian(
    f: Callable[..., Any], argnums: Argnums = None, has_aux: bool = False, *, sparse: bool = False
) -> Callable[..., Any]:
    """Return the function that gives the Hessian ∂²f/∂xᵢ∂xⱼ: the Jacobian of the gradient, n × n and symmetric.

    Its layout, and argnums, has_aux and sparse, are those of `jacobian`. A product with it alone is `hvp`.

    >>> hessian(lambda x: x[0] ** 2 * x[1])([2.0, 3.0])
    [[6.0, 4.0], [4.0, 0.0]]
    """
    gradient = grad(f, argnums, has_aux)

    @wraps(f, updated=())
    def entries(*arguments: Any, **named: Any) -> Any:
        found = gradient(*arguments, **named)
        return ([*flatten(found[0])], found[1]) if has_aux else [*flatten(found)]

    return jacobian(entries, argnums, has_aux, sparse=sparse)


@checks_keywords
def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """Return the pair (f, J·v): f at the arguments `primals`, and its derivative in the direction `tangents`.

    Forward mode: every gate hands Σ partial · tangent of its inputs on, along with its output, at the cost of one more pass
    for any number of outputs. primals and tangents are tuples with an entry for each argument of f; a tangent has the shape of
    its argument, and J·v that of f. With has_aux, f returns (output, more), and the result is (f, J·v, more).

    >>> jvp(lambda x: [x[0] * x[1], x[0] ** 2], ([2.0, 3.0],), ([1.0, 0.0],))
    ([6.0, 4.0], [3.0, 4.0])
    """
    require_callable(f, "f")
    arguments, direction = _direction(primals, tangents, "jvp")
    run = _run(f, arguments, {}, None, has_aux, also=direction)
    found = unflatten(run.result, iter(run.pushed(dict(zip(run.inputs, direction, strict=True)), run.partials())))
    return (run.shown(), found, run.aux) if has_aux else (run.shown(), found)


@checks_keywords
def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return the pair (f, pull): f at its arguments, and the function that gives u ↦ uᵀJ by one backward pass.

    u has the shape of what f returns; uᵀJ is a tuple with an entry for each argument, in its shape. f is recorded once for
    any number of calls of `pull`. With has_aux, f returns (output, more), and the result is (f, pull, more).

    >>> output, pull = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> output, pull([1.0, 0.0]), pull([0.0, 1.0])
    ([6.0, 5.0], (3.0, 2.0), (1.0, 1.0))
    """
    require_callable(f, "f")
    run = _run(f, primals, {}, None, has_aux)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        weights = [*aligned(run.result, cotangent, "cotangent", "the output of f")]
        with recorded():
            root = GATES["dot"](weights, run.outputs) if weights else Value(0.0, role="constant")
        return unflatten(run.chosen, iter(run.gradient(root, weights)))  # type: ignore[no-any-return]

    return (run.shown(), pull, run.aux) if has_aux else (run.shown(), pull)


@checks_keywords
def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return H·v, the Hessian of f at the arguments `primals` times `tangents`, without forming the Hessian.

    H is symmetric, so H·v = vᵀH, one backward pass through the recorded gradient, at the cost of 4 to 26
    gradients, as measured. primals and tangents are tuples with an entry for each argument of f. H·v has the shape of the
    gradient.

    >>> hvp(lambda x: x[0] ** 2 * x[1], ([2.0, 3.0],), ([1.0, 0.0],))
    [6.0, 4.0]
    """
    arguments, direction = _direction(primals, tangents, "hvp")
    _, pull = vjp(grad(f), *arguments)
    products = pull(unflatten(arguments if len(arguments) > 1 else arguments[0], iter(direction)))
    return products if len(arguments) > 1 else products[0]


@checks_keywords
def linearize(f: Callable[..., Operand], x: Any, order: int = 1) -> Callable[[Any], float]:
    """Return u ↦ f(x) + ∇f·u, the Taylor polynomial of f at x of order 1; order=2 adds ½ uᵀHu with the Hessian H.

    x is a number, or a list, dict or array of numbers, and u has the shape of x.

    >>> linearize(lambda x: x**2, 3.0)(0.5), linearize(lambda x: x**2, 3.0, order=2)(0.5)
    (12.0, 12.25)
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 (the tangent) or 2 (with the Hessian), got {order!r}")
    value, slope = value_and_grad(f)(x)
    slopes = list(flatten(slope))
    curvature = hessian(f)(x) if order == 2 else [[0.0] * len(slopes)] * len(slopes)

    def near(u: Any) -> float:
        step = [as_float(entry, "a step") for entry in aligned(x, u, "u")]
        bend = sum(a * h * b for a, row in zip(step, curvature, strict=True) for h, b in zip(row, step, strict=True))
        return float(value + sum(a * s for a, s in zip(step, slopes, strict=True)) + bend / 2)

    return near


# Calls of f: which of its arguments are differentiated, and what it recorded


def _as_positions(argnums: Any) -> Positions:
    """Return argnums as an integer, or as a list of at least one; raise for anything else."""
    argnums = unpack_array(argnums)
    if argnums is None:
        return None
    several = isinstance(argnums, (list, tuple, range))
    given = [*argnums] if several else [argnums]
    if not given:
        raise ValueError(
            "argnums must hold at least one position, got none: leave it out to differentiate all arguments"
        )
    if any(isinstance(each, bool) or not hasattr(type(each), "__index__") for each in given):
        raise TypeError(
            f"argnums must be the position of an argument, or a list of positions, got {describe(argnums)}: "
            "write argnums=0 or argnums=[0, 1]"
        )
    found = [*map(operator.index, given)]
    return found if several else found[0]


def _places(positions: Positions, count: int) -> list[int]:
    """Return positions among so many arguments, counted from the first; raise unless there is one argument for each."""
    if positions is None:
        return [*range(count)]
    given = [positions] if isinstance(positions, int) else positions
    for place in given:
        if not -count <= place < count:
            raise ValueError(
                f"argnums must be from {-count} to {count - 1} in a call with {count} arguments, got {place}"
            )
    places = [place % count for place in given]
    if len({*places}) < len(places):
        raise ValueError(f"argnums must name each argument once, got {given}")
    return places


def _in_order(
    f: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any], positions: Positions
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call of f, keyword arguments too, in the order of its parameters, and keyword-only ones."""
    if not named:
        return arguments, {}
    signature = inspect.signature(f)
    try:
        bound = signature.bind(*arguments, **named)
    except TypeError as error:
        raise TypeError(f"the function's arguments are {', '.join(signature.parameters)}: {error}") from None
    if bound.kwargs and positions is None:
        raise TypeError(
            f"arguments to differentiate must be positional, got {', '.join(bound.kwargs)} by keyword: "
            "write a lambda that passes them on, or argnums"
        )
    return bound.args, bound.kwargs


def _direction(primals: Any, tangents: Any, name: str) -> tuple[tuple[Any, ...], list[Operand]]:
    """Return the arguments that primals holds, and the entries of the tangents, one for each of theirs."""
    for what, x in (("primals", primals), ("tangents", tangents)):
        if not isinstance(x, (list, tuple)):
            raise TypeError(
                f"{what} must be a tuple with an entry for each argument of f, got {describe(x)}: "
                f"write {name}(f, (x,), (v,))"
            )
    return tuple(primals), [*aligned(tuple(primals), tangents, "tangents")]


# The arguments of the enclosing derivatives, while nested derivatives are computed.
_enclosing: ContextVar[tuple[Value, ...]] = ContextVar("enclosing arguments", default=())
# Maps each gate recorded for a derivative to the caller's gate whose local gradient it computes; errors name the latter.
_origin: ContextVar[dict[Value, Value]] = ContextVar("gates of derivatives")


class _Run(NamedTuple):
    """A call of f that was recorded: its arguments that are differentiated, their entries, and what f returned."""

    chosen: tuple[Any, ...]
    inputs: list[Value]
    result: Any
    outputs: list[Value]  # the entries of the result
    aux: Any
    has_aux: bool
    nested: bool  # derivatives are recorded on Values, because something else may differentiate them

    def single(self) -> Value:
        """Return the output of a function that has to return one number."""
        if isinstance(self.result, (list, tuple, dict)) or is_array(self.result):
            raise TypeError(f"f must return one number, got {describe(to_numbers(self.result))}: write jacobian(f)")
        return self.outputs[0]

    def gradient(self, root: Value, weights: Sequence[Operand] = ()) -> Sequence[Operand]:
        """Return d root/d input for every input, of a root that was made with some weights."""
        nested = self.nested or any(isinstance(weight, Value) for weight in weights)
        return _gradient(root, self.inputs) if nested else _floats(root, self.inputs)

    def partials(self) -> Partials:
        """Return every gate that depends on an input, in order, with the partial derivatives in inputs that do so too."""
        gates, active = _dependent(self.outputs, self.inputs)
        with recorded(), _Slopes(active) as slopes:
            return [(node, [*slopes(node)] if self.nested else [*_numeric_slopes(node, active)]) for node in gates]

    def pushed(self, tangents: Mapping[Value, Operand], partials: Partials) -> list[Operand]:
        """Return Σ partial · tangent for every output, by one pass in the order of the gates."""
        found, watched = dict(tangents), watching()
        with recorded():
            for node, slopes in partials:
                try:
                    terms = [_times(found[x], local) for x, local in slopes if x in found]
                    if terms:
                        found[node] = _sum(terms)
                        if watched and not isfinite(_number(found[node])):
                            raise FloatingPointError(f"the tangent is {_number(found[node])!r}")
                except FloatingPointError as error:
                    raise _within(node, error) from None
        entries = [found.get(y, 0.0) for y in self.outputs]
        return [_output(entry) for entry in entries] if self.nested else entries

    def shown(self) -> Any:
        """Return the result for the caller: of Values where derivatives are recorded, else of numbers."""
        return self.result if self.nested else to_numbers(self.result)

    def pair(self, found: Any) -> Any:
        """Return what was found, with what f returned beside its output."""
        return (found, self.aux) if self.has_aux else found


def _run(
    f: Callable[..., Any],
    arguments: tuple[Any, ...],
    named: Mapping[str, Any],
    positions: Positions,
    has_aux: bool,
    also: Sequence[Operand] = (),
) -> _Run:
    """Call f on Values in place of the arguments at these positions; `also` holds other numbers that derivatives use."""
    if not arguments:
        raise TypeError(
            "the function must be called with at least one argument, got none: there is nothing to differentiate"
        )
    places, outer = _places(positions, len(arguments)), _enclosing.get()
    chosen = tuple([arguments[i] for i in places])
    given = [*flatten(chosen)]
    if not outer:
        _origin.set({})
    with recorded():
        # Each argument is copied, so that other uses of the same Value do not count as this argument.
        inputs = [
            x + 0.0 if isinstance(x, Value) else Value(as_float(x, "an argument that argnums does not leave out"))
            for x in given
        ]
        call = list(arguments)
        for i, x in zip(places, unflatten(chosen, iter(inputs)), strict=True):
            call[i] = x
        token = _enclosing.set((*outer, *inputs))
        try:
            result, aux = f(*call, **named), None
        finally:
            _enclosing.reset(token)
        if has_aux:
            if not isinstance(result, (list, tuple)) or len(result) != 2:
                raise TypeError(f"f must return a pair (output, more) with has_aux=True, got {describe(result)}")
            result, aux = result
        if not is_array(result) or not result.shape:
            result = unpack_array(result)
        outputs = [*map(_output, flatten(result))]
    result = unflatten(result, iter(outputs))
    others = [x for i, x in enumerate(arguments) if i not in places]
    nested = tracing() or any(isinstance(x, Value) for x in [*also, *given, *flatten([*others, *named.values()])])
    # If f uses an argument of an enclosing derivative by closure, the enclosing one must differentiate this result.
    nested = nested or not set(outer).isdisjoint(topological_order(*outputs) if outer else ())
    aux = to_numbers(aux) if has_aux and not nested else aux
    return _Run(chosen, inputs, result, outputs, aux, has_aux, nested)


def _output(y: Any) -> Value:
    try:
        return y if isinstance(y, Value) else Value(as_float(y), role="constant")
    except TypeError:
        raise TypeError(f"the function must return a Value (or a list of them), not {remedy(y)}") from None


def _rows(run: _Run) -> Any:
    """Return the gradient of every output, as an array if an argument is one."""
    rows = [[*run.gradient(y)] for y in run.outputs]
    arrays = any(map(is_array, run.chosen))
    return as_array([*chain.from_iterable(rows)], (len(rows), len(run.inputs))) if arrays else rows


def _sparse(run: _Run) -> Any:
    """Return the Jacobian as a sparse array: rows or columns that share no entry are computed together."""
    scipy_sparse()
    if run.nested:
        raise TypeError(
            "sparse=True gives an array of SciPy's, which must hold numbers, got Values: leave it out inside compile and "
            "where an argument is a Value"
        )
    gates, _ = _dependent(run.outputs, run.inputs)
    rows = dependencies(gates, run.inputs, run.outputs)
    columns = transposed(rows, len(run.inputs))
    if max(map(len, columns), default=0) <= max(
        map(len, rows), default=0
    ):  # rows need fewer colours, as far as one sees
        colour = colours(rows, len(columns))
        with recorded():
            roots = [GATES["sum"](group) for group in _grouped(run.outputs, colour)]
        products: Sequence[Sequence[Any]] = [*map(run.gradient, roots)]
        data = [products[c][j] for row, c in zip(rows, colour, strict=True) for j in row]
    else:
        colour = colours(columns, len(rows))
        partials = run.partials()
        products = [run.pushed(dict.fromkeys(group, 1.0), partials) for group in _grouped(run.inputs, colour)]
        data = [products[colour[j]][i] for i, row in enumerate(rows) for j in row]
    return as_sparse(rows, data, len(columns))


def _grouped(values: Sequence[Value], colour: Sequence[int]) -> list[list[Value]]:
    groups: list[list[Value]] = [[] for _ in range(max(colour, default=-1) + 1)]
    for value, c in zip(values, colour, strict=True):
        groups[c].append(value)
    return groups


# Derivatives in numbers, and recorded on Values


def _floats(root: Value, wrt: Sequence[Value]) -> list[float]:
    """Return d root/d x for each x as floats."""
    try:
        return gradient(root, wrt)
    except FloatingPointError:  # found by detect_anomaly
        raise
    except (ArithmeticError, ValueError):  # some gate has no slope; it may not depend on these inputs
        return [slope.data for slope in _gradient(root, wrt)]


def _dependent(outputs: Sequence[Value], inputs: Sequence[Value]) -> tuple[list[Value], set[Value]]:
    """Return the gates between inputs and outputs that depend on an input, in topological order, and these with the inputs."""
    order = topological_order(*outputs, ends=inputs) if tracing() else fresh_order(outputs, inputs)
    active, gates = set(inputs), []
    for node in order:
        if node._first is not None and not active.isdisjoint(node.inputs):
            active.add(node)
            gates.append(node)
    return gates, active


def _gradient(root: Value, wrt: Sequence[Value]) -> list[Value]:
    """Return d root/d x for each x as Values, by a recorded backward pass over the nodes that depend on some x."""
    gates, active = _dependent([root], wrt)
    adjoints = {root: Value(1.0, role="constant")}
    with recorded(), _Slopes(active) as slopes:
        _record_reverse(gates, adjoints, slopes)
    return [adjoints.get(x, Value(0.0, role="constant")) for x in wrt]


@compiled
def _record_reverse(gates: list[Value], adjoints: dict[Value, Value], slopes: _Slopes) -> None:
    """Replace the adjoints of roots by those of the leaves: upstream × local = downstream, recorded as gates."""

    def downstream(node: Value, upstream: Value) -> list[tuple[Value, Value]]:
        partials = slopes(node)
        try:
            return [(input, _times(upstream, local)) for input, local in partials]
        except FloatingPointError:
            slopes.failed = node
            raise

    found = reverse(gates, adjoints, _sum, downstream)
    adjoints.clear()
    adjoints.update(found)


def _within(node: Value, error: FloatingPointError) -> FloatingPointError:
    """Return an error of detect_anomaly with the caller's gate whose derivative it is about."""
    node = _origin.get({}).get(node, node)
    gate = node.gate
    assert gate is not None
    at = inputs_text(gate, [x._data for x in node.inputs], [x.label for x in node.inputs])
    return FloatingPointError(f"{error}, in the derivative of {gate_text(gate, node.label)} at {at}{whereabouts(node)}")


def _sum(terms: list[Any]) -> Any:
    return terms[0] if len(terms) == 1 else reduce(operator.add, terms)


def _times(handed: Any, local: Operand) -> Any:
    return handed if local.__class__ is float and local == 1.0 else handed * local


def _numeric_slopes(node: Value, active: set[Value]) -> list[tuple[Value, float]]:
    """Return each active input of a node with its local gradient."""
    gate, inputs = node.gate, node.inputs
    assert gate is not None
    wanted = [input in active for input in inputs]
    try:
        slopes = gate.slopes(node._data, *[input._data for input in inputs], *wanted)
    except (ArithmeticError, ValueError) as error:
        raise no_slope(node, error, {}) from None
    return [(x, slope) for x, slope, want in zip(inputs, slopes, wanted, strict=True) if want and slope is not None]


class _Slopes:
    """The local gradients of gates in their active inputs, recorded as gates; an error names the gate that has none."""

    __slots__ = ("active", "failed", "origin", "recorder", "refuse")

    def __init__(self, active: set[Value]) -> None:
        self.active, self.recorder, self.origin = active, _recorder, _origin.get({})
        self.refuse = None if tracing() else _refuse_infinite  # called where a local gradient is infinite
        self.failed: Value | None = None  # the gate whose local gradient, or its product with upstream, raised

    def __call__(self, node: Value) -> list[tuple[Value, Operand]]:
        """Return each active input of a node with its local gradient."""
        gate, inputs = node._origin, node.inputs
        assert isinstance(gate, Gate)
        constants, operations, outputs, checked = self.recorder(gate, tuple([input in self.active for input in inputs]))
        cells: list[Any] = [x if x._tick >= 0 else _number_or_value(x) for x in inputs]
        cells.append(node)
        cells += constants
        try:
            for operation, operands in operations:
                cell = operation(*[cells[i] for i in operands])
                cells.append(cell)
                if cell.__class__ is Value:
                    self.origin[cell] = self.origin.get(node, node)
            if checked and self.refuse and not all(isfinite(_number(cells[i])) for i in checked):
                self.refuse(inputs)
        except (ArithmeticError, ValueError):
            self.failed = node
            raise
        return [(input, cells[output]) for input, output in zip(inputs, outputs, strict=True) if output is not None]

    def __enter__(self) -> _Slopes:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self.failed is not None and isinstance(error, FloatingPointError):  # found by detect_anomaly
            raise _within(self.failed, error) from None
        if self.failed is not None and isinstance(error, (ArithmeticError, ValueError)):
            raise no_slope(self.origin.get(self.failed, self.failed), error, {}) from None


def _refuse_infinite(inputs: Sequence[Value]) -> None:
    refuse_infinite([x._data for x in inputs])


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
            f"every function in a local gradient that is differentiated again must be a gate, got xp.{name}: "
            f"define it first, gate({name!r}, symbol, forward, slope), or write the slope with gates only, such as exp and log"
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
