"""Guards the rows as C: what a compiler makes of them computes what the rows say, to the last bit.

On the C library whose functions Python's math calls; "where the C library allows" is so no matter of taste here.
"""

from __future__ import annotations

import ctypes
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from autograd import GATES, Gate
from autograd.native.formulas import formulas, header
from autograd.row import FLOATS, gate
from autograd.testing import gate_inputs

from .conftest import COMPILER

COUNTS = (1, 2, 3, 4, 7, 40)
FIXED = [row for row in GATES.values() if not row.variadic]
VARIADIC = [row for row in GATES.values() if row.variadic]
ANY = st.floats() | st.sampled_from([0.0, -0.0, 1.0, -1.0, 710.0, -710.0, 1e-310, 1e200, math.inf, -math.inf, math.nan])


def compiled(source: str, names: dict[str, int], folder: Path) -> dict[str, Callable[..., float]]:
    """Return functions of a C source by name, each with its number of doubles, and an array after them for `_local`."""
    public = []
    for name, n in names.items():
        doubles = ", ".join(f"double a{i}" for i in range(n))
        given = ", ".join(f"a{i}" for i in range(n))
        if name.endswith("_local"):
            public.append(f"void call_{name}({doubles}, double *local) {{ {name}({given}, local); }}")
        else:
            public.append(f"double call_{name}({doubles}) {{ return {name}({given}); }}")
    (folder / "rows.c").write_text(source + "\n".join(public) + "\n", encoding="utf-8")
    flags = ["-O2", "-Wall", "-Werror", "-Wno-unused-function", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([str(COMPILER), *flags, "-o", "rows.so", "rows.c", "-lm"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "rows.so"))
    found: dict[str, Callable[..., float]] = {}
    for name, n in names.items():
        found[name] = function = library[f"call_{name}"]
        function.argtypes = [ctypes.c_double] * n + [ctypes.POINTER(ctypes.c_double)] * name.endswith("_local")
        function.restype = None if name.endswith("_local") else ctypes.c_double
    return found


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Callable[..., float]]:
    """The whole table, compiled."""
    names = {f"{row.name}_forward": len(row.names) for row in FIXED}
    names |= {
        f"{row.name}_local_{i}": 1 + len(row.names)
        for row in FIXED
        for i, rule in enumerate(row.local)
        if rule is not None
    }
    names |= {f"{row.name}_{n}_forward": n for row in VARIADIC for n in COUNTS}
    names |= {f"{row.name}_{n}_local": 1 + n for row in VARIADIC for n in COUNTS}
    source = header(GATES.values()) + "".join(formulas(row, n) for row in VARIADIC for n in COUNTS)
    return compiled(source, names, tmp_path_factory.mktemp("rows"))


def same(x: float, y: float) -> bool:
    return (x != x and y != y) or (x == y and math.copysign(1.0, x) == math.copysign(1.0, y))


def agree(in_c: Callable[..., float], rule: Callable[..., Any], *inputs: float) -> None:
    """The C gives what the rule gives; where the rule refuses, the C shows it: an infinity or a nan comes out."""
    answer = in_c(*inputs)
    try:
        expected = float(rule(FLOATS, *inputs))
    except (ArithmeticError, ValueError):
        assert not math.isfinite(answer), (inputs, answer)
    else:
        assert same(answer, expected), (inputs, answer, expected)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in FIXED])
@given(data=st.data())
def test_c_agrees_with_the_row_to_the_last_bit(
    rows: dict[str, Callable[..., float]], row: Gate, data: st.DataObject
) -> None:
    inputs = data.draw(gate_inputs(row) | st.lists(ANY, min_size=len(row.names), max_size=len(row.names)))
    agree(rows[f"{row.name}_forward"], row.forward, *inputs)
    out = rows[f"{row.name}_forward"](*inputs)
    for i, rule in enumerate(row.local):
        if rule is not None:
            agree(rows[f"{row.name}_local_{i}"], rule, out, *inputs)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in VARIADIC])
@given(data=st.data())
def test_c_of_a_count_of_inputs_agrees_with_the_row(
    rows: dict[str, Callable[..., float]], row: Gate, data: st.DataObject
) -> None:
    n = data.draw(st.sampled_from(COUNTS))
    inputs = data.draw(st.lists(st.floats(-30, 30), min_size=n, max_size=n))
    out = rows[f"{row.name}_{n}_forward"](*inputs)
    assert same(out, row.forward(FLOATS, *inputs))
    local = (ctypes.c_double * n)()
    rows[f"{row.name}_{n}_local"](out, *inputs, local)
    (rule,) = row.local
    assert rule is not None
    assert all(map(same, local, rule(FLOATS, out, *inputs)))


def test_a_row_that_the_table_did_not_have(tmp_path: Path) -> None:
    row = gate(
        "bump",
        "∧",
        lambda xp, x, y: xp.where(x < -xp.inf, -1.0, 1.0) * xp.exp(-(0 - -x) / xp.abs(y)),
        None,
        lambda xp, out, x, y: -out,
    )
    try:
        text = formulas(row)
    finally:
        del GATES["bump"]
    assert "bump_local_0" not in text
    in_c = compiled(header([]) + text, {"bump_forward": 2, "bump_local_1": 3}, tmp_path)
    assert in_c["bump_forward"](1.5, -2.0) == math.exp(-0.75)
    assert in_c["bump_local_1"](2.5, 1.5, -2.0) == -2.5


def test_what_c_lacks_is_named() -> None:
    row = gate("steps", "⌊x⌋", lambda xp, x: xp.floor(x), None)
    try:
        with pytest.raises(ValueError, match=r"steps calls xp\.floor, which C lacks; it has abs, acos"):
            formulas(row)
    finally:
        del GATES["steps"]
    with pytest.raises(ValueError, match=r"say for how many, as in formulas\(sum, 3\)"):
        formulas(GATES["sum"])
