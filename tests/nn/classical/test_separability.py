"""Guards the answer of `separable`: its proof is checked term by term, and the number of separable functions is known."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nn.classical import Perceptron, Separability, TruthTable, learn_perceptron, separability, separable

XOR = [0, 1, 1, 0]


def proves(answer: Separability) -> bool:
    """Check the proof by its definition alone, in Fractions."""
    signed = [([Fraction(v) for v in (*x, 1)], 1 if label > 0 else -1) for x, label in answer.samples]
    if answer.perceptron is not None:
        w = [Fraction(v) for v in (*answer.perceptron.weights, answer.perceptron.bias)]
        return answer.counts is None and all(y * sum(a * b for a, b in zip(w, x)) > 0 for x, y in signed)
    counts = answer.counts
    if counts is None or len(counts) != len(signed) or min(counts) < 0 or max(counts) == 0:
        return False
    return all(sum(c * y * x[k] for c, (x, y) in zip(counts, signed)) == 0 for k in range(len(signed[0][0])))


@pytest.mark.parametrize(("n", "count"), [(1, 4), (2, 14), (3, 104)])
def test_b3_how_many_boolean_functions_are_separable(n: int, count: int) -> None:
    answers = [separable(outputs) for outputs in product((0, 1), repeat=2**n)]
    assert sum(map(bool, answers)) == count
    assert all(map(proves, answers))


def test_b3_separable_functions_of_four_inputs() -> None:
    """All 65,536 take half a minute, which the nightly run has; else a sample of them brings its proofs."""
    functions = list(product((0, 1), repeat=16))
    if os.environ.get("HYPOTHESIS_PROFILE") == "nightly":
        assert sum(bool(separable(outputs)) for outputs in functions) == 1882
    for outputs in Random(0).sample(functions, 200):
        assert proves(separable(outputs))


def test_b3_the_lectures_proof_for_xor() -> None:
    answer = separable(XOR)
    assert not answer
    assert answer.counts == (1, 1, 1, 1)
    assert "1 ×  w1 + w2 + b < 0  for (1, 1) → 0" in repr(answer)
    assert repr(answer).endswith("each add up to w1 + w2 + 2·b, which cannot be both")
    separable_two = [outputs for outputs in product((0, 1), repeat=4) if not separable(outputs)]
    assert separable_two == [(0, 1, 1, 0), (1, 0, 0, 1)]  # XOR and XNOR


def test_perceptron_learning_agrees_on_every_function_of_three_inputs() -> None:
    points = list(product((0, 1), repeat=3))
    for outputs in product((0, 1), repeat=8):
        assert learn_perceptron(points, outputs, epochs=60).converged == bool(separable(outputs)), outputs


@given(st.integers(1, 3), st.data())
def test_random_points_of_random_classes(n: int, data: Any) -> None:
    points = data.draw(st.lists(st.tuples(*[st.integers(-4, 4)] * n), min_size=1, max_size=10))
    labels = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=len(points), max_size=len(points)))
    answer = separable(points, labels)
    assert proves(answer)
    if learn_perceptron(points, labels, epochs=50).converged:
        assert answer
    assert bool(separable(points[::-1], labels[::-1])) == bool(answer)


finite = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=8), st.data())
def test_floats_are_decided_exactly(points: list[tuple[float, float]], data: Any) -> None:
    labels = data.draw(st.lists(st.integers(0, 1), min_size=len(points), max_size=len(points)))
    answer = separable(points, labels)
    assert proves(answer)
    assert repr(answer)


def test_floats_far_apart_in_size() -> None:
    answer = separable([(1.1125369292536007e-308, 0.0), (-2.0, 0.0)], [0, 0])
    assert answer and proves(answer) and answer.perceptron is not None
    assert max(map(abs, answer.perceptron.weights)) <= 1  # else a float input would overflow
    assert len(repr(answer)) < 400


@given(
    st.lists(st.tuples(*[st.integers(-9, 9)] * 3), min_size=2, max_size=20),
    st.tuples(*[st.integers(-9, 9)] * 4),
)
def test_what_a_plane_has_separated_is_separable(points: list[tuple[int, ...]], w: tuple[int, ...]) -> None:
    z = [sum(a * b for a, b in zip(w, (*x, 1))) for x in points]
    answer = separable(points, [int(v >= 0) for v in z])
    assert answer and proves(answer)
    assert answer.perceptron is not None
    assert [answer.perceptron(x) for x in points] == [int(v >= 0) for v in z]


def test_one_point_in_both_classes_and_one_between() -> None:
    twice = separable([(1.5, 2.0), (1.5, 2.0)], [1, -1])
    assert not twice and twice.counts == (1, 1)
    between = separable([[0], [1], [2]], [1, 0, 1])
    assert not between and between.counts == (1, 2, 1)
    assert separable([(0.1,), (0.1 + 2**-54,), (0.2,)], [1, 1, 0])


def test_neighbouring_floats_are_told_apart() -> None:
    answer = separable([(0.1,), (math.nextafter(0.1, 1),)], [0, 1])
    assert answer and proves(answer)


def test_two_clouds() -> None:
    rng = Random(0)
    for mean, expected in ((0, False), (12, True)):
        X = [(rng.gauss(mean * (i % 2), 1), rng.gauss(mean * (i % 2), 1)) for i in range(200)]
        answer = separable(X, [i % 2 for i in range(200)])
        assert bool(answer) == expected and proves(answer)
        if answer.counts:
            assert sum(map(bool, answer.counts)) <= 4  # no more than the weights and one
            assert "rounded here" in repr(answer)
        else:
            assert answer.perceptron is not None
            assert max(abs(w) for w in answer.perceptron.weights) <= 1000  # not hundreds of digits


def test_a_wrong_proof_is_seen() -> None:
    no, yes = separable(XOR), separable([0, 0, 0, 1])
    assert proves(no) and proves(yes)
    assert not proves(replace(no, counts=(1, 1, 1, 2)))
    assert not proves(replace(no, counts=(0, 0, 0, 0)))
    assert not proves(replace(no, counts=(-1, -1, -1, -1)))
    assert not proves(replace(yes, perceptron=Perceptron([1, 1], -1)))
    assert not proves(replace(no, perceptron=Perceptron([1, 1], -1), counts=None))


def test_what_the_prompt_shows() -> None:
    assert repr(separable(TruthTable([0, 0, 0, 1], ["a", "b"]))) == (
        "linearly separable: z = 2·x1 + 2·x2 − 3 is > 0 for 1, and < 0 for 0\n"
        "  z = −3  at (0, 0) → 0\n  z = −1  at (0, 1) → 0\n  z = −1  at (1, 0) → 0\n  z = 1   at (1, 1) → 1"
    )
    assert repr(separable([0] * 64)).endswith("  … and 24 more")


def test_work_beyond_reason_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separability, "MOST_WORK", 100)
    with pytest.raises(RuntimeError, match=r"gave up on 16 samples of 4 entries.*learn_perceptron\(X, y, epochs\) may"):
        separable([0, 1] * 8)
    with pytest.raises(ValueError, match=r"outputs, of a truth table of n inputs, must.*got 3"):
        separable([0, 1, 1])
