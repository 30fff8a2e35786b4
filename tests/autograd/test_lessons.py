"""Guards what autograd says of wrong types, shapes and order: which argument or node, what came, and what to write.

The table holds what a newcomer might write, and words that must be in the answer. The sweep calls every function with
one wrong argument after the other: what is refused is refused by a sentence of ours, never by Python from inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import (
    GATES,
    Value,
    adjoints,
    check_gradients,
    draw,
    explain,
    finite_differences,
    gate,
    grad,
    hessian,
    is_stale,
    jacobian,
    linearize,
    scope,
    to_dot,
    topological_order,
    value_and_grad,
)
from autograd.trees import flatten
from tests.lessons import sweep

V, W = Value(2.0, "v"), Value(3.0, "w")
F = V * W
ARRAY = np.array([1.0, 2.0])
NAMES = {name: getattr(autograd, name) for name in autograd.__all__} | vars(autograd)
SPACE: dict[str, Any] = {**NAMES, "autograd": autograd, "math": math, "V": V, "F": F, "ARRAY": ARRAY}

TABLE: list[tuple[str, type[Exception], str]] = [
    # Values
    ("Value('3')", TypeError, "a Value needs a number, not the str '3': write float('3')"),
    ("Value(None)", TypeError, "None: does the function that made it return its result?"),
    ("Value(1j)", TypeError, "gates are real, so write its .real or its .imag"),
    ("Value([1.0])", TypeError, "make one Value per entry, as in [Value(x) for x in xs]"),
    ("Value(ARRAY)", TypeError, "make one Value per entry, as in [Value(x) for x in array.tolist()]"),
    ("Value(10**400)", OverflowError, "beyond its range (about 1.8e308)"),
    ("Value(1.0, 2.0)", TypeError, "the label of a Value must be a str, got 2.0: write Value(data, 'name')"),
    ("Value(1.0, role='weight')", ValueError, "a leaf's role must be 'input', 'parameter' or 'constant', got 'weight'"),
    ("V + '1'", TypeError, "add needs a number, not the str '1': write float('1')"),
    ("[1.0] * V", TypeError, "mul needs a number, not a list"),
    ("V > None", TypeError, "a comparison needs a number, not None"),
    ("float(V)", TypeError, "write v.data for the number, autograd.exp(v) instead of math.exp(v)"),
    ("1 if V else 0", TypeError, "v > 0 instead of if v"),
    ("math.exp(V)", TypeError, "autograd.exp(v) instead of math.exp(v)"),
    ("setattr(F, 'data', 1.0)", AttributeError, "is the output of a gate: set its inputs"),
    ("setattr(F, 'role', 'input')", AttributeError, "only a leaf has a role"),
    ("setattr(Value(1.0), 'data', 'x')", TypeError, "data needs a number, not the str 'x'"),
    ("F.backward('1')", TypeError, "the seed of backward needs a number, not the str '1'"),
    ("F.detach().backward()", RuntimeError, "is a constant, so there is nothing to differentiate"),
    ("type('Mine', (Value,), {})", TypeError, "Value cannot be subclassed: write a function of Values, or a gate"),
    # gates
    ("autograd.log(Value(0.0, 'x'))", ValueError, "log: math domain error (at x = 0.0)"),
    ("1 / Value(0.0, 'x')", ZeroDivisionError, "reciprocal: float division by zero (at x = 0.0)"),
    ("Value(-2.0, 'x') ** 0.5", ValueError, "pow: math domain error (at x = -2.0"),
    ("autograd.exp(V, V)", TypeError, "exp(x): too many positional arguments"),
    ("autograd.leaky_relu(V, slop=1)", TypeError, "leaky_relu(x, slope=0.1): got an unexpected keyword argument"),
    ("autograd.max([])", ValueError, "max of an empty list has no value: give it at least one entry"),
    ("autograd.sum(3)", TypeError, "sum needs a list of Values and numbers, not the int 3"),
    ("autograd.dot([V], [1.0, 2.0])", ValueError, "dot needs as many weights as inputs: w has 1 entries, x has 2"),
    ("gate(3, 'x', len, len)", TypeError, "the name of a gate is a str, not 3"),
    ("gate('g', None, len, len)", TypeError, "the symbol of a gate is a str, not None"),
    ("gate('a b', 'x', len, len)", ValueError, "so it must be an identifier, not 'a b'"),
    ("gate('exp', 'x', lambda xp, x: x, lambda xp, o, x: 1)", ValueError, "there is a gate 'exp' already"),
    ("gate('g', 'x', 3)", TypeError, "the forward rule of the gate 'g' is a function, such as lambda xp, x: x * x"),
    ("gate('g', 'x', lambda xp, x: x, 2.0)", TypeError, "the local gradient of the gate 'g' is a function"),
    ("gate('g', 'x', lambda xp, x: x)", ValueError, "it has 1 input(s) and 0"),
    ("gate('g', 'x', lambda xp, x: x, None, domain=[(1, 2)])", TypeError, "intervals (low, high), as in [((-4, 4),)]"),
    ("gate('g', 'x', lambda xp, x: x, None, kink='at 0')", TypeError, "is a Kink(distance, convention), not 'at 0'"),
    ("gate('g', 'x', lambda xp, x: x if x else 0, None)", TypeError, "write xp.where(condition, a, b) instead of if"),
    # recording
    ("scope(None)", TypeError, "a scope's name is a str, such as 'layer1', not None"),
    ("no_grad(lambda: V)", TypeError, "no_grad takes no arguments: write `with no_grad():`"),
    ("topological_order(3)", TypeError, "a graph is walked from a Value, not from 3"),
    ("topological_order(F, ends=V)", TypeError, "ends is a list of Values, not Value"),
    ("topological_order(F, ends=[1])", TypeError, "a graph is walked from a Value, not from 1"),
    ("is_stale([F])", TypeError, "a graph is walked from a Value, not from [Value"),
    ("adjoints(2.0)", TypeError, "a graph is walked from a Value, not from 2.0"),
    ("adjoints(F, 1j)", TypeError, "the seed of adjoints needs a number, not the complex 1j"),
    # derivatives
    ("grad(F)", TypeError, "f must be a function, got the Value"),
    ("value_and_grad(2.0)", TypeError, "f must be a function, got the float 2.0: write f, without a call"),
    ("jacobian('f')", TypeError, "f must be a function"),
    ("hessian(None)", TypeError, "f must be a function"),
    ("linearize(3, 1.0)", TypeError, "f must be a function, got the int 3"),
    ("grad(lambda x: x)()", TypeError, "must be called with at least one argument"),
    (
        "grad(lambda x: x)('2')",
        TypeError,
        "an argument that argnums does not leave out needs a number, not the str '2'",
    ),
    ("grad(lambda x: [x, x])(2.0)", TypeError, "f must return one number, got the list [2.0, 2.0]: write jacobian(f)"),
    ("grad(lambda x: None)(2.0)", TypeError, "the function must return a Value (or a list of them), not None"),
    (
        "grad(lambda x, y: x)(2.0, z=3.0)",
        TypeError,
        "the function's arguments are x, y: missing a required argument: 'y'",
    ),
    ("grad(lambda *, x: x)(x=2.0)", TypeError, "arguments to differentiate must be positional, got x"),
    ("jacobian(lambda x: ['a'])(2.0)", TypeError, "the function must return a Value (or a list of them), not the str"),
    (
        "grad(lambda x, y: x, argnums=2)(1.0, 2.0)",
        ValueError,
        "argnums must be from -2 to 1 in a call with 2 arguments",
    ),
    ("grad(lambda x, y: x, argnums=-3)(1.0, 2.0)", ValueError, "argnums must be from -2 to 1"),
    ("grad(lambda x, y: x, argnums=(0, -2))(1.0, 2.0)", ValueError, "argnums must name each argument once"),
    ("hessian(lambda x: x, argnums=(0, 0))(1.0)", ValueError, "argnums must name each argument once, got [0, 0]"),
    (
        "grad(lambda x: x, argnums=1.0)",
        TypeError,
        "argnums must be the position of an argument, or a list of positions",
    ),
    (
        "grad(lambda x: x, argnums={0})",
        TypeError,
        "argnums must be the position of an argument, or a list of positions",
    ),
    ("grad(lambda x: x, argnums={0: 1})", TypeError, "argnums must be the position of an argument, or a list"),
    ("vjp(lambda x: x, ARRAY)[1](ARRAY[:1])", ValueError, "cotangent must have the shape "),
    ("jvp(lambda x: x, (ARRAY,), (ARRAY[:1],))", ValueError, "tangents[0] must have the shape "),
    (
        "gate('turned', '-', lambda xp, a, b: a - b, None, None, arrange=lambda a, b: (b, a))",
        ValueError,
        "arrange of the gate 'turned' must be left out",
    ),
    ("autograd.huber(V, -1.0)", ValueError, "(at v = 2.0, delta = -1.0)"),
    ("autograd.huber(1.0, delta=0)", ValueError, "(at x = 1.0, delta = 0.0)"),
    ("grad(lambda x: x, argnums=())", ValueError, "argnums must hold at least one position"),
    ("grad(lambda x: x, argnums='x')", TypeError, "argnums must be the position of an argument"),
    ("jacobian(lambda x: x, argnums=True)", TypeError, "argnums must be the position of an argument"),
    ("grad(lambda x: x, argnum=0)", TypeError, "grad has no argument argnum: write argnums"),
    ("grad(lambda x: x, has_aux=True)(1.0)", TypeError, "f must return a pair (output, more) with has_aux=True"),
    ("jacobian(lambda x: [])(1.0)", ValueError, "f must return at least one number for its Jacobian, got the list []"),
    (
        "jacobian(lambda x: x, sparse=True)(V)",
        TypeError,
        "sparse=True gives an array of SciPy's, which must hold numbers",
    ),
    ("jvp(lambda x: x, 1.0, (1.0,))", TypeError, "primals must be a tuple with an entry for each argument of f"),
    ("hvp(lambda x: x, (1.0,), 1.0)", TypeError, "tangents must be a tuple with an entry for each argument of f"),
    ("jvp(lambda x: x, (1.0,), (1.0, 2.0))", ValueError, "tangents must have 1 entries, got the tuple"),
    ("jvp(lambda x: x[0], (ARRAY,), ([[1.0, 2.0]],))", ValueError, "tangents[0] must have 2 entries"),
    ("jvp(lambda x: x['a'], ({'a': 1.0},), ({'b': 1.0},))", ValueError, "tangents[0] must be a dict with the keys 'a'"),
    ("jvp(lambda x: x, (), ())", TypeError, "must be called with at least one argument"),
    ("hvp(lambda x: [x], (1.0,), (1.0,))", TypeError, "f must return one number, got the list"),
    ("vjp(lambda x: [x, x], 1.0)[1](1.0)", ValueError, "got the float 1.0: give it the shape of the output of f"),
    ("vjp(lambda x: x, 1.0)[1]([1.0])", ValueError, "cotangent must be one number"),
    ("linearize(lambda x: x, 1.0, 3)", ValueError, "order must be 1 (the tangent) or 2 (with the Hessian), got 3"),
    ("linearize(lambda x: x, 1.0)([1.0, 2.0])", ValueError, "u must be one number, got the list [1.0, 2.0]"),
    ("linearize(lambda x: x, 1.0)('h')", TypeError, "u needs a number, not the str 'h'"),
    ("check_gradients(lambda x: x, 2.0)", TypeError, "one entry per argument of f, got 2.0: write [2.0]"),
    ("check_gradients(lambda x: x[0], [1.0, 2.0])", TypeError, "if the list is one argument, write [[1.0, 2.0]]"),
    ("check_gradients([2.0], lambda x: x)", TypeError, "f must be a function"),
    ("check_gradients(lambda x: x, [2.0], rtol=-1)", ValueError, "rtol must be a number of at least 0, got -1.0"),
    ("check_gradients(lambda x: x, [2.0], step=math.inf)", ValueError, "step must be positive and finite, got inf"),
    ("check_gradients(lambda x: x, [2.0], scheme=['a'])", ValueError, "scheme must be 'central' or 'forward'"),
    ("check_gradients(lambda x: x, [])", TypeError, "inputs must have one entry per argument of f(x), got 0"),
    ("finite_differences(lambda x: x, 2.0)", TypeError, "one entry per argument of f, got 2.0: write [2.0]"),
    ("finite_differences(lambda x: x, ['2'])", TypeError, "an input needs a number, not the str '2'"),
    # pictures
    ("draw(2.0)", TypeError, "root must be a Value, got 2.0"),
    ("draw([F])", TypeError, "root must be a Value, got [Value"),
    ("draw(F, level='neurons')", ValueError, "'neurons'"),
    ("draw(F, around=Value(1.0))", ValueError, "is not in the graph of the root"),
    ("draw(F, limit=0)", ValueError, "limit"),
    ("draw(F, digits=2.5)", ValueError, "digits must be a whole number from 0 to 17, got 2.5"),
    ("draw(F).save('graph')", ValueError, "must end in .svg, .png, .pdf or .dot, got 'graph'"),
    ("draw(F).save(3)", TypeError, "path must be a str or a Path, got 3"),
    (
        "draw(F).save('no/such/folder/graph.dot')",
        FileNotFoundError,
        "there is no such folder: create it first: 'no/such/folder'",
    ),
    ("draw(F).render('gif')", ValueError, "format must be one of 'svg', 'png', 'pdf', got 'gif'"),
    ("explain(2.0)", TypeError, "root must be a Value, got 2.0"),
    ("explain(F, wrt='v')", TypeError, "wrt"),
    ("explain(F, digits='2')", ValueError, "digits must be a whole number from 0 to 17, got '2'"),
    ("explore(F, '.')", IsADirectoryError, "this is a folder: give the name of a file in it: '.'"),
    ("explore(F, 3)", TypeError, "path must be a str or a Path, got 3"),
    ("explore(Value(math.inf, 'x') * 2)", ValueError, "leaves must be finite numbers, got x = inf"),
    ("to_dot('f')", TypeError, "root must be a Value, got 'f'"),
]


@pytest.mark.parametrize(("call", "error", "words"), TABLE, ids=[call for call, _, _ in TABLE])
def test_a_mistake_is_answered_with_what_to_write(call: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        eval(call, SPACE)
    assert words in str(caught.value)


def square(x: Any) -> Any:
    return autograd.sum([square(v) for v in flatten(x)] or [0.0]) if isinstance(x, (list, dict, np.ndarray)) else x * x


def entries(x: Any) -> Any:
    return x if isinstance(x, (list, np.ndarray)) else [x]


def scoped(name: Any) -> Any:
    with scope(name):
        return Value(1.0) * 2


def declared(name: Any, symbol: Any, forward: Any, local: Any, **options: Any) -> None:
    before = {*GATES}
    try:
        gate(name, symbol, forward, local, **options)
    finally:
        for new in {*GATES} - before:
            del GATES[new]


SWEEPS: dict[str, tuple[Callable[..., Any], Callable[[], dict[str, Any]]]] = {
    "Value": (Value, lambda: {"data": 1.0, "label": "a", "role": "input"}),
    "backward": (lambda seed: (Value(1.0) * 2).backward(seed), lambda: {"seed": 1.0}),
    "adjoints": (adjoints, lambda: {"root": F, "seed": 1.0}),
    "is_stale": (is_stale, lambda: {"root": F}),
    "topological_order": (lambda root, ends: topological_order(root, ends=ends), lambda: {"root": F, "ends": [V]}),
    "scope": (scoped, lambda: {"name": "layer"}),
    "grad": (lambda f, x: grad(f)(x), lambda: {"f": square, "x": 2.0}),
    "value_and_grad": (lambda f, x: value_and_grad(f)(x), lambda: {"f": square, "x": 2.0}),
    "jacobian": (lambda f, x: jacobian(f)(x), lambda: {"f": entries, "x": [1.0, 2.0]}),
    "hessian": (lambda f, x: hessian(f)(x), lambda: {"f": square, "x": [1.0, 2.0]}),
    "linearize": (lambda f, x, order, u: linearize(f, x, order)(u), lambda: {"f": square, "x": 2.0, "order": 1, "u": 0.5}),
    "check_gradients": (
        check_gradients,
        lambda: {"f": square, "inputs": [2.0], "scheme": "central", "step": 1e-5, "rtol": 1e-5, "atol": 0.0},
    ),
    "finite_differences": (
        finite_differences, lambda: {"f": square, "inputs": [2.0], "scheme": "forward", "step": 1e-5}
    ),
    "draw": (draw, lambda: {"root": F, "level": "gate", "around": V, "depth": 1, "limit": 9, "digits": 2}),
    "to_dot": (to_dot, lambda: {"root": F, "digits": 2}),
    "explain": (explain, lambda: {"root": F, "wrt": V, "numeric": True, "digits": 6}),
    "gate": (
        declared,
        lambda: {
            "name": "fresh", "symbol": "g", "forward": lambda xp, x: x * x, "local": lambda xp, out, x: 2 * x,
            "doc": "", "domain": (), "kink": None, "nickname": "",
        },
    ),
    "where": (autograd.where, lambda: {"c": V, "a": 1.0, "b": 2.0}),
    "dot": (autograd.dot, lambda: {"w": [V], "x": [2.0], "bias": 1.0}),
    "elu": (autograd.elu, lambda: {"x": V, "alpha": 1.0}),
    "pow": (autograd.pow, lambda: {"x": V, "y": 2.0}),
    "sum": (lambda xs: autograd.sum(xs), lambda: {"xs": [V, 1.0]}),
    "logsumexp": (lambda xs: autograd.logsumexp(xs), lambda: {"xs": [V, 1.0]}),
}  # fmt: skip


@pytest.mark.parametrize("name", SWEEPS)
def test_what_is_refused_is_refused_by_a_sentence_of_ours(name: str) -> None:
    assert [*sweep(*SWEEPS[name])] == []


def test_arrays_are_arguments_like_lists() -> None:
    assert grad(square)(ARRAY).tolist() == grad(square)([1.0, 2.0]) == [2.0, 4.0]
    assert jacobian(entries)(ARRAY).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert hessian(square)([np.float32(1.0), np.int64(2)]) == [[2.0, 0.0], [0.0, 2.0]]
    assert linearize(square, ARRAY)(ARRAY) == linearize(square, [1.0, 2.0])([1.0, 2.0])
    assert check_gradients(square, [ARRAY]).ok
    assert grad(lambda x, y: x * y)(y=2.0, x=3.0) == (2.0, 3.0)
