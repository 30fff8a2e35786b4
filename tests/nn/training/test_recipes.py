"""Guards the lectures' table of tasks: the output layer, the loss, and o − y as the gradient of the pre-activations."""

from __future__ import annotations

import random
from typing import Any

import pytest

from autograd import Value, tanh
from nn import recipe


@pytest.mark.parametrize(
    ("task", "nout", "z", "target", "expected"),
    [
        ("regression", 3, [1.5, 1.0, 2.0], [1.0, 2.0, 3.0], [0.5, -1.0, -1.0]),
        ("binary", 1, 1.0, 1, [-0.268941421370]),
        ("binary", 1, 1.0, 0, [0.731058578630]),
        ("multiclass", 4, [3.2, 5.1, -1.7, -3.7], 1, [0.129965514248, -0.131064290598, 0.000967798998, 0.000130977352]),
    ],
)
def test_l20_the_gradient_of_the_pre_activations_is_o_minus_y(
    task: Any, nout: int, z: Any, target: Any, expected: list[float]
) -> None:
    made = recipe(task, 2, [3], nout, rng=random.Random(0))
    leaves = [Value(v) for v in (z if isinstance(z, list) else [z])]
    made.loss(leaves if nout > 1 else leaves[0], target).backward()
    assert [leaf.grad for leaf in leaves] == pytest.approx(expected, rel=1e-9, abs=5e-13)
    o = made.output(z)
    outputs = o if isinstance(o, list) else [o]
    goal = target if isinstance(target, list) else [float(i == target) for i in range(nout)] if nout > 1 else [target]
    assert [a - b for a, b in zip(outputs, goal, strict=True)] == pytest.approx(expected, rel=1e-9, abs=5e-13)


def test_predictions_are_outputs_and_scores_judge_them() -> None:
    X = [[0.5, -1.0], [1.0, 2.0]]
    three = recipe("multiclass", 2, [3], 3, activation=tanh, rng=random.Random(0))
    rows = three.predict(X)
    assert [sum(row) for row in rows] == pytest.approx([1.0, 1.0])
    assert three.score(rows, [max(range(3), key=row.__getitem__) for row in rows]) == 1.0
    two = recipe("binary", 2, rng=random.Random(0))
    assert all(0 < p < 1 for p in two.predict(X))
    assert two.score([0.9, 0.2], [1, 1]) == 0.5
    line = recipe("regression", 2, rng=random.Random(0))
    assert line.predict(X) == line.model.predict(X)
    assert line.score([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ranking", 2), "task must.*got 'ranking'"),
        (("binary", 2, [], 2), "nout must.*got 2"),
        (("multiclass", 2), "nout must.*got 1"),
    ],
)
def test_errors_say_what_to_write(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recipe(*arguments)
