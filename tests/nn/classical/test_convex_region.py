"""Guards the network of a convex region: a perceptron per side, against the square's inequalities and barycentric coordinates."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import assume, given, strategies as st

from nn import classical


def test_b14_a_convex_region() -> None:
    square = classical.convex_region([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    assert (len(square.neurons), len(square.layers)) == (5, 2)
    for point, total, fires in (((0, 0), 4, 1), ((1, 1), 4, 1), ((1.5, 0), 3, 0), ((2, 2), 2, 0)):
        *sides, inside = square.activations(point).values()
        assert (sum(sides), inside) == (total, fires)
    clockwise = classical.convex_region([(-1, 1), (1, 1), (1, -1), (-1, -1)])
    for x, y in product((-1.5, -1, -0.5, 0, 1, 1.01), repeat=2):
        assert square(x, y) == clockwise(x, y) == int(abs(x) <= 1 and abs(y) <= 1)
    for k in range(3, 9):
        corners = [(math.cos(2 * math.pi * i / k), math.sin(2 * math.pi * i / k)) for i in range(k)]
        net = classical.convex_region(corners)
        apothem = math.cos(math.pi / k)
        assert (net(0, 0), net(0.99 * apothem, 0), net(0, -1.01)) == (1, 1, 0)


coordinates = st.tuples(st.integers(-9, 9), st.integers(-9, 9))


@given(coordinates, coordinates, coordinates, coordinates)
def test_triangles_by_barycentric_coordinates(
    a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], p: tuple[int, int]
) -> None:
    determinant = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
    assume(determinant)
    s = Fraction((p[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (p[1] - a[1]), determinant)
    t = Fraction((b[0] - a[0]) * (p[1] - a[1]) - (p[0] - a[0]) * (b[1] - a[1]), determinant)
    assert classical.convex_region([a, b, c])(p) == (s >= 0 and t >= 0 and s + t <= 1)


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (2, 0), (1, 0)],
        [(0, 0), (0, 0), (1, 1), (1, 0)],
        [(0, 0), (4, 0), (1, 1), (0, 4)],
        [(math.sin(4 * math.pi * i / 5), math.cos(4 * math.pi * i / 5)) for i in range(5)],
    ],
    ids=["flat", "a corner twice", "a dent", "a pentagram"],
)
def test_polygons_that_are_not_convex(corners: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="the polygon is not convex"):
        classical.convex_region(corners)
