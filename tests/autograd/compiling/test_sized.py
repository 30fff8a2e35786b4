"""Sizes that are left out: found at the first call, a program for each, which share the parameters' numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import CompiledProgram, SizedPrograms, Value, compile, dot
from autograd.compiling import sized


def squares(w: Value) -> Any:
    return lambda x, y: (w * dot(x, x) - y[0]) ** 2


def test_a_program_for_every_size() -> None:
    w = Value(2.0)
    programs = compile(squares(w), [w])
    for n in (1, 3, 2, 3):
        X, Y = np.arange(2.0 * n).reshape(2, n), np.ones((2, 1))
        known = compile(squares(w), [w], x=n, y=1)
        assert programs.value_and_grad(X, Y)[0] == known.value_and_grad(X, Y)[0]
        assert programs.value_and_grad(X.tolist(), [1.0, 1.0])[1].tolist() == known.value_and_grad(X, Y)[1].tolist()
        assert programs(X, Y) == known(X, Y)
        assert programs.value_and_grad_at([3.0], X, Y)[0] == known.value_and_grad_at([3.0], X, Y)[0]
    assert repr(programs) == "<compiled programs of x=1, y=1; x=2, y=1; x=3, y=1, 1 parameters>"


def test_the_program_of_a_size_is_kept_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sized, "KEPT", 2)
    w = Value(2.0)
    programs = compile(lambda x: w * x[0], [w])
    one, two = (programs.sized(np.ones((1, n))) for n in (1, 2))
    assert programs.sized([[5.0]]) is programs.sized([5.0]) is one
    programs.sized(np.ones((1, 3)))
    assert programs.sized(np.ones((1, 1))) is one
    assert programs.sized(np.ones((1, 2))) is not two


def test_at_least_32_programs_are_kept() -> None:
    assert sized.KEPT >= 32


def test_parameters_assigned_between_programs_are_read_by_all() -> None:
    w = Value(2.0)
    programs = compile(lambda x: w * x[0], [w])
    assert programs([[1.0]]) == 2.0
    programs.flat = [3.0]
    assert (programs([[1.0, 0.0]]), programs([[1.0]]), w.data, programs.flat.tolist()) == (3.0, 3.0, 3.0, [3.0])
    programs.sized([[1.0]]).flat = [4.0]
    assert programs([[1.0, 0.0]]) == 4.0
    w.data = 5.0
    assert programs([[1.0, 0.0]]) == programs([[1.0]]) == 5.0


def test_a_changed_constant_is_compiled_in_again() -> None:
    w, c = Value(2.0), Value(1.0, role="constant")
    programs = compile(lambda x: w * x[0] + c, [w], gradient=False)
    assert programs([[1.0]]).tolist() == [3.0]
    c.data = 5.0
    assert programs([[1.0]]).tolist() == [7.0]


def test_with_sizes_or_without_inputs_it_is_one_program() -> None:
    w = Value(2.0)
    assert isinstance(compile(lambda x: w * x[0], [w], x=1), CompiledProgram)
    assert isinstance(compile(lambda: w * w, [w]), CompiledProgram)
    assert isinstance(compile(lambda x: w * x[0], [w]), SizedPrograms)


def test_refusals_name_the_input() -> None:
    w = Value(2.0)
    programs = compile(squares(w), [w])
    with pytest.raises(TypeError, match="a batch for each of x, y, got 1"):
        programs([[1.0]])
    wrong: list[Any] = [[], [[]], np.zeros((1, 0)), 3.0, np.zeros((1, 1, 1))]
    for batch in wrong:
        with pytest.raises((TypeError, ValueError), match="x must be a batch"):
            programs(batch, [[1.0]])
    with pytest.raises(ValueError, match=r"x must be a batch of rows with 1 number each, and x\[1\] has 2"):
        programs([[1.0], [1.0, 2.0]], [[1.0], [1.0]])
    with pytest.raises(TypeError, match="size of every input"):
        compile(lambda *x: w * x[0][0], [w])
    with pytest.raises(ValueError, match="name each once"):
        compile(squares(w), [w, w])
