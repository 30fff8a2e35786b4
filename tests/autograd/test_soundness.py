"""Tests that no Python code crashes the process, and that errors leave no state behind.

What could crash runs in a process of its own, under each engine that is here.
"""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

import autograd
from autograd import GATES, Value, _engine, gate, value
from autograd.context import recording

ENGINES = ("pure", "native") if _engine.core is not None else ("pure",)
PREAMBLE = """
import contextlib, copy, gc, pickle, sys, threading, weakref
import autograd, autograd.backward
from autograd import GATES, Value, dot, no_grad, scope
from autograd.context import recording
from autograd._engine import core
import autograd.value as values

x = Value(2.0, "x")
y = x * 3
z = dot([x, y], [y, x])

def raises(action):
    try:
        action()
    except Exception as error:
        assert not isinstance(error, SystemError), repr(error)
        return
    raise AssertionError(f"nothing was raised by {action.__code__.co_names} in line {action.__code__.co_firstlineno}")

def fits(found, data):
    assert found == 0.0 or found.data == data  # 0.0: of lists that are empty
"""


def survives(code: str, engine: str) -> str:
    """Run code in a process of its own, which must come to its end, and return what it prints."""
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PREAMBLE + textwrap.dedent(code) + "\nprint('the end')"],
        env={**os.environ, "GATEWISE_ENGINE": engine},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, f"ended by {ended.returncode}: {ended.stderr[-3000:]}"
    assert ended.stdout.endswith("the end\n")
    return ended.stdout


CHANGING = {
    "the collector": """
        w, v = [], []
        def clear(phase, info):
            w.clear(), v.clear()
        gc.callbacks.append(clear)
        gc.set_threshold(1)
        for _ in range(300):
            w[:], v[:] = [Value(1.0) for _ in range(40)], [Value(2.0) for _ in range(40)]
            with contextlib.suppress(ValueError):
                fits(dot(w, v), 80.0)
            w[:] = [Value(1.0) for _ in range(40)]
            with contextlib.suppress(ValueError):
                fits(autograd.sum(w), 40.0)
            w[:] = [Value(1.0) * 2 for _ in range(40)]
            with contextlib.suppress(IndexError):
                autograd.backward.Walk(w)
    """,
    "another thread": """
        sys.setswitchinterval(1e-6)
        w, v, done = [], [], False
        def clear():
            while not done:
                w.clear(), v.clear()
        thread = threading.Thread(target=clear)
        thread.start()
        for _ in range(500):
            w.extend([Value(1.0) for _ in range(40)]), v.extend([Value(2.0) for _ in range(40)])
            with contextlib.suppress(ValueError):
                dot(w, v, 10**400 if _ % 7 == 0 else 1)
        done = True
        thread.join()
    """.replace(
        "suppress(ValueError):\n                dot",
        "suppress(ValueError, TypeError, OverflowError):\n                dot",
    ),
    "a finaliser": """
        class Late:
            def __del__(self):
                w.clear(), v.clear()
        gc.set_threshold(1)
        for _ in range(300):
            w, v = [Value(1.0) for _ in range(40)], [Value(2.0) for _ in range(40)]
            late = Late()
            late.self = late
            del late
            with contextlib.suppress(ValueError):
                fits(dot(w, v), 80.0)
    """,
    "an operand": """
        class Number(float):
            def __float__(self):
                w.clear(), v.clear()
                return 2.0
        for _ in range(50):
            w, v = [Value(1.0), Number(2.0), *(Value(1.0) for _ in range(40))], [Value(2.0) for _ in range(42)]
            with contextlib.suppress(ValueError, TypeError):
                dot(w, v)
    """,
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("changing", CHANGING)
def test_lists_that_change_while_a_gate_reads_them(changing: str, engine: str) -> None:
    survives(CHANGING[changing], engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_graph_that_contains_itself_is_refused(engine: str) -> None:
    """The compiled engine refuses to set such an input; the pure one, which cannot, refuses to walk the graph."""
    survives(
        """
        def close(early, late, slot):
            setattr(early, slot, late)
            for walk in (late.backward, late.forward, late.zero_grad, lambda: autograd.topological_order(late)):
                walk()
            raise RuntimeError("walked")
        one = -y
        for early, late, slot in ((y, y * 2 + 1, "_first"), (one, one, "_first"), (z, z * 1, "_first")):
            try:
                close(early, late, slot)
            except AttributeError:
                assert core is not None
            except RuntimeError as error:
                assert core is None and "contain itself" in str(error), error
        (x * x).backward()
        """,
        engine,
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_block_that_was_not_made_is_refused_and_leaves_nothing_behind(engine: str) -> None:
    survives(
        """
        for cls in (no_grad, scope, autograd.context.Recorded):
            try:
                cls.__new__(cls).__enter__()
            except RuntimeError as error:
                assert "a block must be made before it is entered" in str(error)
            else:
                raise AssertionError(cls)
        assert not recording.special
        """,
        engine,
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_dot_goes_by_the_entries_of_its_lists(engine: str) -> None:
    survives(
        """
        class Lying(list):
            def __len__(self):
                return self.said
        for said in (0, 1, 3, 1000):
            for numbers in ([2.0, 3.0], [Value(2.0), 3.0], [x, Value(3.0)]):
                lying = Lying(numbers)
                lying.said = said
                for found in (dot(lying, [1.0, 2.0]), dot([1.0, 2.0], lying)):
                    assert getattr(found, "data", found) == 8.0
                raises(lambda: dot(lying, [1.0]))
                raises(lambda: dot([1.0, 2.0, 3.0], lying))
        """,
        engine,
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_blocks_that_are_not_as_they_should_be(engine: str) -> None:
    survives(
        """
        raises(lambda: scope.__new__(scope).__enter__())
        raises(lambda: scope.__new__(scope).__exit__(None, None, None))
        raises(lambda: scope("a").__exit__(None, None, None))
        raises(lambda: no_grad().__exit__(None, None, None))
        raises(lambda: scope(3))
        raises(lambda: scope.__new__(scope).__init__(3))
        for wrong in (
            3, (), ("a",), (3, 4, 5, 6, 7), ("a", True, None, None), ("a", True, None, 3, None),
            ("a", True, 3, ("", True, None, None, None), None), ("a", True, None, None, 3),
        ):
            values.here.__self__.set(wrong)
            for action in (lambda: x * 2, lambda: scope("a").__enter__(), lambda: no_grad().__enter__(), lambda: Value(1.0)):
                with contextlib.suppress(Exception):
                    action()
        values.here.__self__.set(("", True, None, None, None))
        recording.special.clear()
        block = scope("a")
        block.__enter__()
        recording.special.clear()
        with contextlib.suppress(IndexError):
            block.__exit__(None, None, None)
        assert (x * 2).scope is None
        """,
        engine,
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_every_slot_of_a_value_set_and_deleted(engine: str) -> None:
    survives(
        """
        things = [None, 3, 2.0, "a", (), (x,), (x, y), [x], x, y, z, GATES["where"], GATES["sum"], GATES["exp"], object()]
        slots = ["_adjoint", "_data", "_first", "_label", "_origin", "_rest", "_scope", "_seed", "_tick", "grad", "data", "role"]
        for slot in slots:
            for thing in [*things, delattr]:
                leaf, other = Value(2.0), Value(3.0)
                nodes = [leaf, leaf * other, dot([leaf, other], [other, leaf]), autograd.where(leaf, leaf, other)]
                for node in nodes:
                    with contextlib.suppress(Exception):
                        delattr(node, slot) if thing is delattr else setattr(node, slot, thing)
                if core is None:
                    continue  # whose slots hold all that Python can put there; none of it can end the process
                root = autograd.sum(nodes)
                for action in (root.backward, root.forward, root.zero_grad, lambda: copy.deepcopy(root), lambda: repr(root)):
                    with contextlib.suppress(Exception):
                        action()
        """,
        engine,
    )


def native_only(test: Callable[[], None]) -> Any:
    return pytest.mark.skipif(_engine.core is None, reason="the compiled engine is not built, or not wanted")(test)


@native_only
def test_a_node_is_restored_whole_or_not_at_all() -> None:
    survives(
        """
        for wrong in (
            lambda: setattr(y, "_rest", None), lambda: setattr(y, "_first", x), lambda: setattr(x, "_first", x),
            lambda: setattr(x, "_rest", (x,)), lambda: setattr(x, "_origin", GATES["where"]),
            lambda: setattr(y, "_origin", values.CONSTANT), lambda: setattr(x, "_origin", 3), lambda: delattr(x, "_origin"),
            lambda: delattr(x, "_first"), lambda: delattr(y, "_rest"), lambda: setattr(x, "_label", x),
            lambda: setattr(x, "_scope", [x]), lambda: setattr(x, "_seed", x), lambda: setattr(x, "_tick", 10**30),
            lambda: core.restore(GATES["where"], 1.0, 0.0, (x,)), lambda: core.restore(GATES["sum"], 1.0, 0.0, ()),
            lambda: core.restore(values.INPUT, 1.0, 0.0, (x,)), lambda: core.restore(GATES["exp"], 1.0, 0.0, (3,)),
            lambda: core.restore(GATES["exp"], 1.0, 0.0, [x]), lambda: core.restore(3, 1.0, 0.0, (x,)),
            lambda: core.restore(GATES["exp"], "a", 0.0, (x,)), lambda: core.restore(), lambda: core.output(3, 1.0, (x,)),
            lambda: core.output(GATES["mul"], 1.0, (x,)), lambda: core.output(GATES["max"], 1.0, ()),
        ):
            raises(wrong)
        z.backward()
        assert x.grad == 24.0
        """,
        "native",
    )


@native_only
def test_private_names_called_with_wrong_things() -> None:
    survives(
        """
        class Mine: pass
        mine = Mine()
        mine.record = core.Row(mine, -1, print, print, None, [], lambda count: (1, 2))
        four = lambda xp: None
        bytecode = core.Bytecode
        def slopes(plan):
            given = Mine()
            given.active, given.origin, given.refuse, given.recorder = {x}, {}, four, lambda gate, wanted: plan
            return given
        for wrong in (
            lambda: core.pull([3]), lambda: core.pull(3), lambda: core.pull([x, None]), lambda: core.pull(iter([x])),
            lambda: core.record_reverse([y], {y: x}, 3), lambda: core.record_reverse([y], {}, Mine()),
            lambda: core.record_reverse([x], {x: x}, slopes([])), lambda: core.record_reverse([3], {3: x}, slopes([])),
            lambda: core.record_reverse([y], {y: None}, slopes(([], [], [0, 0], []))),
            lambda: core.record_reverse([y], {y: x}, slopes(([], [], [], []))),
            lambda: core.record_reverse([y], {y: x}, slopes(([], [], [99, -1], []))),
            lambda: core.record_reverse([y], {y: x}, slopes(([], [(max, (9,))], [0, 0], []))),
            lambda: core.record_reverse([y], {y: x}, slopes(([], [(max, (0,) * 99)], [0, 0], []))),
            lambda: core.record_reverse([y], {y: x}, slopes(([], [3], [0, 0], []))),
            lambda: core.record_reverse([y], {y: x}, slopes(([], [], [0, 0], ["a"]))),
            lambda: core.keep(3), lambda: core.stale_edge(None), lambda: delattr(recording, "context"),
            lambda: setattr(recording, "leave", 3), lambda: setattr(recording, "special", []),
            lambda: setattr(recording, "clock", 2**63 - 1), lambda: delattr(recording, "left"),
            lambda: core.assign(3, b""), lambda: core.assign([x], 3), lambda: core.assign([x], b"12345678"),
            lambda: core.assign([y], memoryview(b"12345678").cast("d")),
            lambda: core.assign([x, x], memoryview(bytes(8)).cast("d")),
            lambda: core.install((1, 2, 3), four, four, property(), four, four), lambda: core.install(),
            lambda: core.install((1, 2), 3, 4, 5, 6, 7), lambda: core.install_operators(GATES, (four,) * 6),
            lambda: core.install_operators({}, ()), lambda: core.install_operators(GATES, ()),
            lambda: core.Recording(), lambda: type(recording)(values.here.__self__), lambda: core.Call(3), lambda: core.Call(),
            lambda: core.Walk(), lambda: core.Walk(3), lambda: core.Walk([3]),
            lambda: core.Walk([x], [3]), lambda: core.Walk(None, None), lambda: core.Row(), lambda: core.Row(x, 99),
            lambda: core.Row(x, -1), lambda: core.Row(x, -7, print, print), lambda: core.Row(x, 2, print),
            lambda: core.Row(x, 2, print, print, 3, []), lambda: core.Row(x, 1, print, print, bytecode(1, [], [], [-1]), [1.0]),
            lambda: core.Row(x, 1, print, print, bytecode(2, [], [], [0]), [1.0]),
            lambda: core.Row(x, 1, print, print, bytecode(1, [], [], [0]), [7]),
            lambda: core.Row(x, 1, print, print, bytecode(1, [], [], [0]), [2**70]),
            lambda: core.Row(x, 1, print, print, bytecode(1, [], [], [0]), []),
            lambda: core.Row(x)(1.0), lambda: [mine.record(x, x) for _ in range(3)],
            lambda: bytecode(-1, [], [], []), lambda: bytecode(0, [], [(0, 0, 0, 0)], []), lambda: bytecode(1, [], [3], [0]),
            lambda: bytecode(1, [], [(99, 0, 0, 0)], [0]), lambda: bytecode(1, [], [(0, 1, 0, 0)], [0]),
            lambda: bytecode(1, [], [(0, -1, 0, 0)], [0]), lambda: bytecode(1, [], [], [1]), lambda: bytecode(1, [], [], [-2]),
            lambda: bytecode(1, [], [], [2**40]), lambda: bytecode(1, ["a"], [], [0]),
            lambda: bytecode(2**31 - 1, [1.0], [], []),
            lambda: Value.__new__(Value, 1)._label, lambda: setattr(x, "_mark", 7),
        ):
            raises(wrong)
        walk = core.Walk([z])
        assert isinstance(walk.gates, tuple)
        assert (x * 2 + 1).data == 5.0
        """,
        "native",
    )


@native_only
def test_lists_of_a_tape_that_change_while_it_is_made() -> None:
    survives(
        """
        class Number:
            def __float__(self):
                constants.clear(), steps.clear(), outputs.clear()
                return 1.0
            def __index__(self):
                constants.clear(), steps.clear(), outputs.clear()
                return 0
        for place in range(3):
            constants, steps, outputs = [1.0] * 50, [(0, 0, 0, 0)] * 50, [0] * 50
            (constants, steps, outputs)[place][0] = (Number(), (0, Number(), 0, 0), Number())[place]
            core.Bytecode(1, constants, steps, outputs)
        """,
        "native",
    )


@native_only
def test_a_subclass_that_python_can_be_brought_to_make() -> None:
    survives(
        """
        del Value.__init_subclass__
        class Other(Value):
            __slots__ = ()
        for _ in range(1000):
            v = Value(1.0)
            w = v * 2
            with contextlib.suppress(TypeError):
                w.__class__ = Other
            with contextlib.suppress(TypeError):
                w * 3
            u = autograd.sum([v, v])
            del v, w, u
        assert isinstance(Value(1.0) * 2, Value)
        """,
        "native",
    )


@native_only
def test_cycles_with_private_objects_are_reclaimed() -> None:
    survives(
        """
        class Held: pass
        class Name(str): pass
        def cycles():
            held, name = Held(), Name("a")
            name.held = held
            held.value = Value(1.0, name)
            held.value._scope = name
            yield held
            held = Held()
            held.call = core.Call(lambda: held)
            yield held
            held, name = Held(), Name("a")
            name.held, held.scope = held, scope(name)
            yield held
            held = Held()
            held.row = core.Row(held)
            yield held
        references = [weakref.ref(held) for held in cycles()]
        gc.collect()
        assert [reference() for reference in references] == [None] * 4
        """,
        "native",
    )


@native_only
def test_other_interpreters_and_processes() -> None:
    survives(
        """
        import os
        child = os.fork()
        if child == 0:
            (x * 2).backward()
            os._exit(0 if x.grad == 2.0 else 1)
        assert os.waitpid(child, 0)[1] == 0
        try:
            import _interpreters as interpreters
        except ImportError:
            interpreters = None
            with contextlib.suppress(ImportError):
                import _xxsubinterpreters as interpreters
        if interpreters is not None:
            for _ in range(2):
                one = interpreters.create()
                failed = interpreters.run_string(one, '''if True:
                    import warnings
                    warnings.simplefilter("ignore")
                    import os
                    os.environ.pop("GATEWISE_ENGINE", None)
                    import autograd
                    x = autograd.Value(3.0)
                    (x * x).backward()
                    assert x.grad == 6.0
                    assert autograd._engine.core is None
                ''')
                assert failed is None, failed
                interpreters.destroy(one)
        assert (x * 3).data == 6.0
        """,
        "native",
    )


@native_only
def test_the_compiled_part_checks_its_code_and_arrays() -> None:
    pytest.importorskip("numpy")
    survives(
        """
        import numpy as np
        from array import array
        from autograd.compiling.machine import native as part
        code = {name: number for name, (number, _) in part.OPERATIONS.items()}
        ints = lambda *numbers: array("i", numbers)
        none = ints()
        constants = array("d", [1.0, 2.0])

        def made(section=2, steps=none, lanes=2, steady=4, numbers=constants):
            sections = [none] * 4
            sections[section] = steps
            return part.Code(*sections, lanes, steady, numbers)

        def product(op, *numbers, **others):
            return made(steps=ints(code[op], 1, *numbers), lanes=9, **others)

        far = 2**31 - 1
        for section, steps in (
            (2, ints(99, 1, 0, 0)), (2, ints(-1, 1, 0, 0)), (2, ints(code["neg"])), (2, ints(code["neg"], 0)),
            (2, ints(code["neg"], 5, 0, 0)), (2, ints(code["neg"], 1, 0, 7)), (2, ints(code["neg"], 1, -1, 0)),
            (2, ints(code["neg"], -2, 0, 1, 1, 1)), (2, ints(code["neg"], -2, 0, -1, 0, 0)),
            (2, ints(code["neg"], -far, 0, 0, 0, 0)),
            (2, ints(code["neg"], -far - 1, 0, 0, 0, 0)), (2, ints(code["neg"], -2, 0, far, 0, 0)), (1, ints(code["neg"], 1, 4, 0)),
            (1, ints(code["param"], 1, 4, 0)), (1, ints(code["param"], 1, 0, -1)), (2, ints(code["param"], 1, 0, 0)),
            (0, ints(code["param"], 1, 0, 0)), (1, ints(code["input"], 1, 0, 0, 0)), (2, ints(code["input"], 1, 0, -1, 0)),
            (2, ints(code["input"], 1, 0, 0, -1)), (3, ints(code["output"], 1, 0, 0)), (2, ints(code["spread"], 1, 0, 0)),
            (1, ints(code["spread"], 1, 2, 0)), (1, ints(code["spread"], 1, 0, 4)), (2, ints(code["total"], 1, 4, 0)),
            (3, ints(code["result"], 1, -1, 0)), (3, ints(code["result"], 1, 0, 9)), (3, ints(code["cost"], 1, 4)), (2, b"abc"),
        ):
            raises(lambda: made(section, steps))
        for sizes in ((-1, 4), (2**62, 4), (2, 1), (2, 2**62), (2, -1)):
            raises(lambda: made(lanes=sizes[0], steady=sizes[1]))
        raises(lambda: made(numbers=b"abc"))
        matrix = (2, 0, 2, 1)  # memory, start, row, column
        product("product", 2, 2, 2, 2, 5, 0, 0, *matrix, *matrix)
        for wrong in (
            (0, 2, 2, 2, 5, 0, 0, *matrix, *matrix), (2, 2, -1, 2, 5, 0, 0, *matrix, *matrix),
            (2, 2, 2, 2, 6, 0, 0, *matrix, *matrix), (2, 2, 2, 1, 0, 0, 0, *matrix, *matrix),
            (2, 2, 2, 2, 5, 0, 0, 7, 0, 2, 1, *matrix), (2, 2, 2, 2, 5, 0, 0, 1, 3, 2, 1, *matrix),
            (2, 2, 2, 2, 5, 0, 0, 0, -1, 2, 1, *matrix), (2, 2, 2, 2, 5, 0, 0, *matrix, 2, 8, 2, 1),
            (2, 2, 2, 2, 5, 0, 0, *matrix, 2, 0, far, far), (2, 2, 2, 2, 5, 0, 0, *matrix, 2, 0, -far, far),
            (far, far, far, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0), (2, 2, 2, 2, 5, 0, 0, 0, 0, far, far, *matrix),
            (2, 2, 2, 2, 5, 0, 0, *matrix, 1, 0, 2, 1),
        ):
            raises(lambda: product("product", *wrong))
        product("gradient", 2, 2, 2, 3, 0, 2, 1, *matrix, *matrix)
        for wrong in (
            (2, 2, 2, 2, 0, 2, 1, *matrix, *matrix), (2, 2, 2, 1, 2, 2, 1, *matrix, *matrix),
            (2, 2, 2, 3, -1, 2, 1, *matrix, *matrix), (2, 2, 2, 3, 0, 2, 1, 0, 0, 2, 1, *matrix),
        ):
            raises(lambda: product("gradient", *wrong))
        product("dot", 8, 0, 2, 1, 2, 4)
        for wrong in (
            (9, 0, 2, 1, 2, 4), (-1, 0, 2, 1, 2, 4), (8, 0, 2, 3, 2, 4), (8, 3, 2, 1, 2, 4), (8, 0, -1, 1, 2, 4),
            (8, 0, 2, 1, 2, 0), (8, 0, 2, 1, 2, -1), (8, 0, far, 1, 2, 4), (8, 0, 2, 1, -far, 4), (8, 0, 0, 0, 1, far),
        ):
            raises(lambda: product("dot", *wrong))
        made(2, ints(code["terms"], 5, 0, 0, 1, 1, 1))
        for wrong in ((1, 0), (2, 0, 0), (4, 0, 0, 0, 0), (3, 0, 2, 0), (3, 2, 0, 0), (3, 0, 0), (-1, 0, 0), (-3, 0, 0)):
            raises(lambda: made(2, ints(code["terms"], *wrong)))
        raises(lambda: made(0, ints(code["dot"], 1, 0, 0, 0, 0, 0, 1)))
        raises(lambda: made(2, ints(code["dot"], -2, *[0] * 10, 1, 0)))
        good = part.Code(
            none, ints(code["param"], 1, 3, 1, code["spread"], 1, 1, 3),
            ints(code["input"], 1, 0, 0, 2, code["mul"], -1, 0, 0, 0, 0, 1, 0, code["output"], 1, 1, 0),
            ints(code["result"], 1, 2, 1, code["cost"], 1, 3), 2, 4, constants,
        )
        parameters, inputs, outputs, results = np.full(2, 3.0), (np.full((20, 3), 5.0),), np.zeros((2, 20)), np.zeros(3)
        assert good.run(parameters, inputs, outputs, results, True, -1) == 3.0
        assert outputs[1].tolist() == [15.0] * 20 and results[2] == 2.0
        assert good.run(parameters, (np.full((20, 7), 6.0, np.float32)[::-1, ::3],), outputs, results, True, -1) == 3.0
        assert outputs[1].tolist() == [18.0] * 20
        shifted = np.frombuffer(bytearray(8 * 60 + 1), np.uint8)[1:].view(np.float64)
        for wrong in (
            (parameters, (np.ones(5),), outputs, results), (parameters, (np.ones((20, 2)),), outputs, results),
            (parameters, (np.ones((20, 3), np.float16),), outputs, results), (parameters, (), outputs, results),
            (parameters, (np.ones((20, 3), np.int64),), outputs, results), (parameters, (np.ones((21, 3)),), outputs, results),
            (parameters, (np.ones((20, 3, 1)),), outputs, results), (parameters, (3,), outputs, results),
            (np.ones(1), inputs, outputs, results), (parameters, inputs, np.zeros(39), results),
            (parameters, inputs, outputs, np.zeros(2)), (shifted, inputs, outputs, results), (3, inputs, outputs, results),
            (parameters, (np.ones((20, 3)), np.ones((19, 3))), outputs, results),
        ):
            raises(lambda: good.run(*wrong, True, -1))
        assert good.run(parameters, (shifted.reshape(20, 3),), outputs, results, True, 99) == 3.0
        assert good.run(parameters, (np.ones((0, 3)),), np.zeros((2, 0)), results, False, 0) == 3.0
        """,
        "native",
    )


def declared(name: str, inputs: int) -> Any:
    """Declare a gate of a number of inputs, -1 for any number, anew."""
    GATES.pop(name, None)
    rules: dict[int, tuple[Any, ...]] = {
        -1: (lambda xp, *xs: xs[0] * 1.0, lambda xp, out, *xs: [1.0] * len(xs)),
        1: (lambda xp, a: a * 1.0, lambda xp, out, a: 1.0),
        2: (lambda xp, a, b: a * b, lambda xp, out, a, b: b, lambda xp, out, a, b: a),
        3: (lambda xp, a, b, c: a * b * c, lambda xp, out, a, b, c: b * c, None, None),
    }
    return gate(name, "∘", *rules[inputs])


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2), (-1, 1), (-1, 3)])
def test_a_pickled_graph_of_a_gate_that_has_other_inputs_now(before: int, after: int) -> None:
    x = Value(2.0)
    try:
        given = [x] * (2 if before == -1 else before)
        pickled = pickle.dumps(declared("redeclared", before).apply(given) * 2)
        declared("redeclared", after)
        with pytest.raises(ValueError, match=rf"'redeclared' has {after} input.* {len(given)} there"):
            pickle.loads(pickled)
        declared("redeclared", before)
        assert pickle.loads(pickled).data == (x.data if before == -1 else x.data**before) * 2
    finally:
        GATES.pop("redeclared", None)


def test_a_copy_keeps_the_gate_that_it_was_made_by() -> None:
    x = Value(2.0)
    try:
        y = declared("redeclared", 2)(x, x)
        declared("redeclared", 1)
        other = copy.deepcopy(y)
        other.backward()
        assert (other.data, other.inputs[0].grad) == (4.0, 4.0)
    finally:
        GATES.pop("redeclared", None)


@pytest.mark.parametrize(
    ("name", "count", "says"),
    [("sum", 0, "at least one input.* 0"), ("exp", 2, "1 input.* 2"), ("where", 2, "3 input.* 2")],
)
def test_a_node_has_the_inputs_of_its_gate(name: str, count: int, says: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' has {says}"):
        value._checked(GATES[name], 1.0, 0.0, (Value(1.0),) * count)


def errors(x: Any) -> list[Callable[[], Any]]:
    """What fails, in as many places of the engine as can be named."""
    y, bad = x * 2, object()
    loads = pickle.dumps(x * 2)
    found: list[Callable[[], Any]] = [
        lambda: (x - x).log(),
        lambda: x * "2",
        lambda: "2" * x,
        lambda: x / 0,
        lambda: x ** (10**400),
        lambda: x < "2",
        lambda: autograd.sum([x, None]),
        lambda: autograd.max([x, bad]),
        lambda: autograd.dot([x], [x, x]),
        lambda: autograd.dot([x, bad], [x, x]),
        lambda: autograd.dot([x, 10**400], [x, x]),
        lambda: autograd.where(x, x),
        lambda: autograd.exp(x * 1e4),
        lambda: autograd.logsumexp([x, "a"]),
        lambda: setattr(x, "data", "none"),
        lambda: setattr(y, "data", 1.0),
        lambda: delattr(x, "data"),
        lambda: setattr(x, "label", 3),
        lambda: setattr(x, "role", "none"),
        lambda: x.relu(1),
        lambda: autograd.sqrt(x - x).backward(),
        lambda: Value("a"),  # type: ignore[arg-type]
        lambda: Value(1.0, 3),  # type: ignore[arg-type]
        lambda: Value(),  # type: ignore[call-arg]
        lambda: float(x),
        lambda: autograd.scope(3),  # type: ignore[arg-type]
        lambda: autograd.scope("a", "b"),  # type: ignore[call-arg]
        lambda: autograd.scope("a").__exit__(None, None, None),
        lambda: autograd.topological_order(x, 3),
        lambda: value._checked(GATES["where"], 1.0, 0.0, (x,)),
        lambda: pickle.loads(loads.replace(b"mul", b"mut")),
        lambda: type("Mine", (Value,), {}),
    ]
    if (core := _engine.core) is not None:
        found += [
            lambda: core.restore(GATES["where"], 1.0, 0.0, (x,)),
            lambda: core.restore(GATES["exp"], 1.0, 0.0, (bad,)),
            lambda: core.output(bad, 1.0, (x,)),
            lambda: core.record(bad, x),
            lambda: core.record(GATES["mul"], x),
            lambda: core.record(),
            lambda: core.row(bad),
            lambda: core.pull([x, bad]),
            lambda: core.pull([x]),
            lambda: core.Walk([x, bad]),
            lambda: core.Walk([x], [bad]),
            lambda: core.Row(bad, 3),
            lambda: core.Row(bad, 1, errors, errors, core.Bytecode(1, [], [], [0]), [7]),
            lambda: core.Bytecode(1, [1.0], [(99, 0, 0, 0)], [0]),
            lambda: core.Bytecode(1, [bad], [], [0]),
            lambda: core.Call(bad),
            lambda: core.install((bad, bad, bad), errors, errors, property(), errors, errors),
            lambda: core.install_operators(GATES, (errors,) * 6),
            lambda: setattr(recording, "leave", bad),
            lambda: setattr(x, "grad", "none"),
            lambda: setattr(y, "_first", x),
            lambda: setattr(x, "_label", bad),
        ]
    return found


def test_errors_leave_nothing_behind() -> None:
    """Every error many times: no Value, block of memory or reference is left."""
    x = Value(0.5, "x")
    actions = errors(x)

    def counts() -> tuple[int, ...]:
        """Of Values, each of which refers to its type; of references to a Value and to a gate; of blocks of memory."""
        gc.collect()
        nodes = 0 if _engine.core is None else sys.getrefcount(Value)
        return nodes, sys.getrefcount(x), sys.getrefcount(GATES["mul"]), sys.getallocatedblocks()

    growth = []
    for _ in range(5):
        before = counts()
        for action in actions:
            for _ in range(30):
                with pytest.raises(Exception):  # noqa: B017, PT011
                    action()
        growth.append([after - earlier for after, earlier in zip(counts(), before, strict=True)])
    *references, blocks = (min(column) for column in zip(*growth, strict=True))
    assert max(references) <= 0, growth
    assert blocks < 100, growth  # Python's own caches grow now and then; a leak grows every time
    assert not recording.special
