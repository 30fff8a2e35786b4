"""Guards sparse derivatives: the exact pattern, few products, and the entries of the dense matrices."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import Value, compile, functional, grad, hessian, jacobian
from autograd.sparsity import colours, transposed


def chain(x: Sequence[Any]) -> Any:
    """Rosenbrock's function of n numbers, whose Hessian is tridiagonal."""
    return autograd.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the passes that derivatives in numbers take."""
    made: list[str] = []

    def counted(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            made.append(kind)
            return function(*arguments, **named)

        return call

    monkeypatch.setattr(functional, "_floats", counted("reverse", functional._floats))
    monkeypatch.setattr(functional._Run, "pushed", counted("forward", functional._Run.pushed))
    return made


PATTERNS = st.integers(1, 6).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, n - 1), max_size=n, unique=True).map(sorted), max_size=6).map(
        lambda rows: (n, rows)
    )
)


@given(PATTERNS)
def test_lines_of_one_colour_share_no_position(pattern: tuple[int, list[list[int]]]) -> None:
    width, lines = pattern
    found = colours(lines, width)
    for colour in {*found}:
        positions = [j for line, c in zip(lines, found, strict=True) if c == colour for j in line]
        assert len(positions) == len({*positions})
    assert transposed(transposed(lines, width), len(lines)) == lines


@given(PATTERNS, st.data())
def test_a_sparse_jacobian_is_the_dense_one_with_its_exact_pattern(
    pattern: tuple[int, list[list[int]]], data: st.DataObject
) -> None:
    width, lines = pattern
    x = data.draw(st.lists(st.floats(0.5, 2.0), min_size=width, max_size=width))

    def f(v: Sequence[Any]) -> list[Any]:
        return [autograd.sum([autograd.sin(v[j]) * (i + 1) for j in line] or [1.0]) for i, line in enumerate(lines)]

    if not lines:
        with pytest.raises(ValueError, match="at least one number"):
            jacobian(f, sparse=True)(x)
        return
    found = jacobian(f, sparse=True)(x)
    assert [*zip(found.row, found.col, strict=True)] == [(i, j) for i, line in enumerate(lines) for j in line]
    assert found.toarray() == pytest.approx(np.array(jacobian(f)(x)), rel=1e-14)


@pytest.mark.parametrize("n", [3, 10, 1000])
def test_a_tridiagonal_hessian_takes_three_products(n: int, products: list[str]) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    x = np.linspace(-1.2, 1.0, n)
    found = hessian(chain, sparse=True)(x)
    assert (found.shape, found.nnz, products) == ((n, n), 3 * n - 2, ["reverse"] * 3)
    assert np.allclose(found.toarray(), optimize.rosen_hess(x), rtol=1e-13, atol=1e-11)


def test_the_direction_is_that_with_fewer_products(products: list[str]) -> None:
    n = 20

    def shared(x: Sequence[Any]) -> list[Any]:  # every output has an input of its own, and x[0]
        return [x[0] * entry for entry in x[1:]]

    x = [float(i + 1) for i in range(n + 1)]
    dense = jacobian(shared)(x)
    products.clear()
    tall = jacobian(shared, sparse=True)(x)
    assert (tall.toarray().tolist(), products) == (dense, ["forward"] * 2)
    products.clear()
    wide = jacobian(lambda x: [autograd.sum(x), *[3 * entry for entry in x]], sparse=True)(x)
    assert (wide.nnz, products) == (2 * (n + 1), ["reverse"] * 2)


def test_what_passes_no_gradient_is_not_in_the_pattern() -> None:
    found = jacobian(lambda x: [autograd.where(x[0], x[1], 3.0), x[0] - x[0], x[1] * 0.0 + x[0], 1.0], sparse=True)(
        [1.0, 2.0]
    )
    assert [*zip(found.row.tolist(), found.col.tolist(), strict=True)] == [(0, 1), (1, 0), (2, 0), (2, 1)]
    assert found.data.tolist() == [1.0, 0.0, 1.0, 0.0], "an entry that is 0 for all data by cancellation stays"
    linear = hessian(lambda x: 3 * x[0] + x[1] * x[0] + autograd.relu(x[1]), sparse=True)([1.0, 2.0])
    assert [*zip(linear.row.tolist(), linear.col.tolist(), strict=True)] == [(0, 1), (1, 0)]


def test_arguments_as_of_the_dense_matrices() -> None:
    def f(x: Any, name: str, p: dict[str, float]) -> tuple[Any, list[Any]]:
        assert name == "text"
        return [x[0] * p["a"], x[1] ** 2], [x[0]]

    found, more = jacobian(f, argnums=(0, 2), has_aux=True, sparse=True)(np.array([2.0, 3.0]), "text", {"a": 5.0})
    assert (found.toarray().tolist(), more) == ([[5.0, 0.0, 2.0], [0.0, 6.0, 0.0]], [2.0])
    same = hessian(lambda x, y: x * x * y, argnums=0, sparse=True)(2.0, 3.0)
    assert same.toarray().tolist() == [[6.0]]


def test_values_are_refused() -> None:
    with pytest.raises(TypeError, match="sparse=True gives an array of SciPy's, which must hold numbers"):
        compile(lambda x: grad(lambda y: y)(jacobian(lambda v: v, sparse=True)(x)), x=2, gradient=False)
    with pytest.raises(TypeError, match="sparse=True gives an array of SciPy's"):
        hessian(lambda x: x[0] ** 2, sparse=True)([Value(1.0)])


def test_without_scipy_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r'SciPy: pip install "gatewise\[scipy\]"'):
        jacobian(lambda x: x, sparse=True)([1.0])


def test_a_long_running_sum_keeps_no_set_for_each_of_its_terms() -> None:
    n = 3000

    def f(x: Sequence[Any]) -> list[Any]:
        total = x[0]
        for entry in x[1:]:
            total = total + entry
        return [total]

    assert jacobian(f, sparse=True)([1.0] * n).nnz == n


@pytest.mark.parametrize("f", [lambda x: x * x, lambda x: [x[0] * x[0], 3 * x[0]]], ids=["rows", "columns"])
def test_a_sparse_jacobian_within_no_grad_is_that_outside(f: Callable[..., Any]) -> None:
    x = np.array([2.0, 3.0])
    expected = jacobian(f)(x)
    with autograd.no_grad():
        assert jacobian(f, sparse=True)(x).toarray().tolist() == expected.tolist()
