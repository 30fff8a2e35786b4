"""Tests scope and no_grad: their effect on nodes, when nested, in threads, and after exceptions."""

from __future__ import annotations

import asyncio
import contextvars
import dis
import gc
import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

import autograd
from autograd import Value, no_grad, scope
from autograd.context import Recorded, recorded, recording

Block = Callable[[], AbstractContextManager[None]]
BLOCKS: list[Block] = [no_grad, lambda: scope("a"), lambda: scope("b"), Recorded]


def state() -> tuple[str | None, bool]:
    """What a new node is stamped with here, and whether it is recorded."""
    node = Value(1.0) * 2
    return node.scope, bool(node.inputs)


def inside(block: AbstractContextManager[None]) -> Iterator[None]:
    with block:
        yield


def expected(blocks: list[int]) -> tuple[str | None, bool]:
    """The state inside of blocks, by their places in BLOCKS, from the outermost on."""
    path = "/".join({1: "a", 2: "b"}[block] for block in blocks if block in (1, 2))
    return path or None, [True, *(block == 3 for block in blocks if block in (0, 3))][-1]


def test_scopes_nest_and_end() -> None:
    x = Value(1.0)
    with scope("layer1"):
        a = x * 2
        with scope("neuron2"):
            b = autograd.dot([x], [a])
            leaf = Value(3.0)
    assert (a.scope, b.scope, leaf.scope, (x * 2).scope, x.scope) == (
        "layer1",
        "layer1/neuron2",
        "layer1/neuron2",
        None,
        None,
    )


def test_no_grad_makes_constants() -> None:
    x = Value(2.0)
    with no_grad():
        y, z = x * x, autograd.sum([x, x])
    assert (y.data, y.inputs, y.role, z.data, z.inputs) == (4.0, (), "constant", 4.0, ())
    assert (x * x).inputs == (x, x)


def test_both_are_decorators_too() -> None:
    @no_grad()
    @scope("s")
    def f(x: Value) -> Value:
        return x * 2

    assert f(Value(3.0)).inputs == ()
    assert f(Value(3.0)).data == 6.0


def test_blocks_close_on_exceptions() -> None:
    with pytest.raises(ValueError, match="inside"), no_grad(), scope("s"):
        raise ValueError("inside")
    assert not recording.special
    assert (Value(1.0) * 2).inputs


def test_a_block_in_one_thread_is_not_seen_in_another() -> None:
    entered, done = threading.Event(), threading.Event()

    def other() -> None:
        with no_grad(), scope("other"):
            entered.set()
            done.wait(5)

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait(5)
    y = Value(1.0) * 2
    done.set()
    thread.join()
    assert (len(y.inputs), y.scope) == (2, None)


def test_threads_build_and_differentiate_graphs_at_once() -> None:
    """Separate graphs on shared weights: every thread's numbers are those of a thread alone."""
    weights = [Value(0.1 * i) for i in range(20)]

    def work(seed: int) -> list[float]:
        found = []
        for k in range(30):
            with scope(f"thread{seed}"):
                y = autograd.dot(weights, [float((seed * k + i) % 7) for i in range(20)]).tanh() * seed
            assert y.scope == f"thread{seed}"
            found.append(autograd.adjoints(y)[weights[3]])
        return found

    alone = [work(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, range(8)))
    assert together == alone
    assert not recording.special


def test_threads_accumulate_every_pass() -> None:
    x = Value(2.0)

    def work(_: int) -> None:
        for _ in range(200):
            (x * 3).backward()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert x.grad == 8 * 200 * 3


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))])
def test_generators_leave_their_blocks_in_any_order(order: tuple[int, ...]) -> None:
    for entered in itertools.permutations(range(4)):
        generators = {block: inside(BLOCKS[block]()) for block in entered}
        opened: list[int] = []
        for block, generator in generators.items():
            next(generator)
            opened.append(block)
            assert state() == expected(opened)
        for block in order:
            next(generators[block], None)
            opened.remove(block)
            assert state() == expected(opened)
    assert state() == (None, True)
    assert not recording.special


@pytest.mark.parametrize("make", BLOCKS)
def test_generators_share_one_block(make: Block) -> None:
    block = make()
    within = [inside(block) for _ in range(3)]
    for generator in within:
        next(generator)
    opened = state()
    for k in (1, 0, 2):
        assert state() != (None, True) or make is Recorded
        within[k].close()  # type: ignore[attr-defined]
    assert opened == state() or make is not Recorded
    assert state() == (None, True)
    assert not recording.special


@pytest.mark.parametrize("make", BLOCKS)
@pytest.mark.parametrize("how", ["another thread", "a copied context", "the collector in a task"])
def test_a_generator_is_closed_elsewhere(make: Block, how: str) -> None:
    """Where it was entered, its block has ended as well; there is no way to leave it there."""
    with scope("outer"):
        generator = inside(make())
        next(generator)
        if how == "another thread":
            thread = threading.Thread(target=generator.close)  # type: ignore[attr-defined]
            thread.start()
            thread.join()
        elif how == "a copied context":
            contextvars.copy_context().run(generator.close)  # type: ignore[attr-defined]
        else:
            held: list[Any] = [generator]
            held.append(held)
            del generator

            async def collect() -> None:
                held.clear()
                gc.collect()

            asyncio.run(collect())
        assert state() == ("outer", True)
        with make(), scope("inner"):
            assert state() == {0: ("outer/inner", False), 1: ("outer/a/inner", True), 2: ("outer/b/inner", True)}.get(
                BLOCKS.index(make), ("outer/inner", True)
            )
    assert state() == (None, True)
    assert not recording.special
    gc.collect()
    assert not recording.left


def test_a_block_that_was_left_elsewhere_is_entered_again() -> None:
    for block in (no_grad(), scope("a")):
        generator = inside(block)
        next(generator)
        contextvars.copy_context().run(generator.close)  # type: ignore[attr-defined]
        assert state() == (None, True)
        for _ in range(2):
            with block:
                assert state() != (None, True)
            assert state() == (None, True)
    assert not recording.special


def test_tasks_keep_their_own_blocks() -> None:
    async def work(name: str, record: bool) -> list[tuple[str | None, bool]]:
        found = []
        for _ in range(3):
            with scope(name), Recorded() if record else no_grad():
                await asyncio.sleep(0)
                found.append(state())
            found.append(state())
        return found

    async def late() -> tuple[str | None, bool]:
        await asyncio.sleep(0)
        return state()

    async def outliving(done: asyncio.Event) -> tuple[str | None, bool]:
        assert state() == ("main", False)
        with scope("mine"):
            await done.wait()
            return state()

    async def main() -> None:
        done = asyncio.Event()
        with scope("main"):
            found = await asyncio.gather(*(work(f"task{i}", i % 2 == 0) for i in range(4)))
            for i, states in enumerate(found):
                assert states == [(f"main/task{i}", i % 2 == 0), ("main", True)] * 3
            with no_grad():
                task = asyncio.create_task(outliving(done))
                for _ in range(3):
                    await asyncio.sleep(0)
                    assert not task.done()
                more = asyncio.create_task(asyncio.sleep(0, state()))
                early = asyncio.create_task(late())
                assert await early == ("main", False)
        assert state() == (None, True)
        with scope("other"):
            done.set()
            assert await task == ("mine", True)  # what has ended has ended for all
            assert await more == ("main", False)

    asyncio.run(main())
    assert not recording.special


def test_threads_share_one_block() -> None:
    blocks, gate = [no_grad(), scope("a")], threading.Barrier(4)

    def work(_: int) -> bool:
        fine = True
        for k in range(200):
            gate.wait(10)
            with blocks[k % 2]:
                fine &= state() == [(None, False), ("a", True)][k % 2]
            fine &= state() == (None, True)
        return fine

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
    assert not recording.special


def test_a_block_within_itself() -> None:
    a = scope("a")
    with a, scope("b"), a:
        assert state() == ("a/b/a", True)
        with pytest.raises(RuntimeError, match="while it is open"):
            a.__init__("c")  # type: ignore[misc]
    off = no_grad()
    with off:
        with off, pytest.raises(RuntimeError, match="while it is open"):
            off.__init__()  # type: ignore[misc]
        assert state() == (None, False)
    assert state() == (None, True)
    a.__init__("c")  # type: ignore[misc]
    with a:
        assert state() == ("c", True)


@pytest.mark.parametrize("make", BLOCKS)
def test_a_block_is_left_once(make: Block) -> None:
    block = make()
    for _ in range(2):
        with block:
            pass
        with pytest.raises(RuntimeError, match="not entered"):
            block.__exit__(None, None, None)
    assert state() == (None, True)


def test_a_decorated_function_calls_itself_and_fails() -> None:
    @no_grad()
    @scope("s")
    def deep(n: int) -> tuple[str | None, bool]:
        return deep(n - 1) if n else state()

    assert deep(3) == ("s/s/s/s", False)

    @scope("s")
    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert state() == (None, True)


def test_what_runs_later_is_not_decorated() -> None:
    """The call of a generator function ends before its body begins."""

    def generator() -> Iterator[None]:
        yield

    async def coroutine() -> None: ...

    async def both() -> Any:
        yield

    for block in (no_grad(), scope("s"), Recorded()):
        for function in (generator, coroutine, both):
            with pytest.raises(TypeError, match=f"{function.__name__}.*write the with-block inside"):
                block(function)


def test_many_blocks_deep() -> None:
    generators = [inside(scope("a") if i % 2 else no_grad()) for i in range(300)]
    for generator in generators:
        next(generator)
    for generator in (*generators[:1], *generators[2::2], *generators[1::2]):
        generator.close()  # type: ignore[attr-defined]
    assert state() == (None, True)
    assert not recording.special


def test_an_interrupt_while_a_block_is_entered_leaves_it() -> None:
    """Signals are handled after calls, so one may come after each call in __enter__, the last one included."""
    for block in (no_grad, Recorded):
        for moment in itertools.count():
            open_blocks = len(recording.special)
            struck = _enter_and_strike(block(), moment)
            assert state() == (None, True)
            del recording.special[open_blocks:]  # an item that is left costs speed only, here that of all later tests
            if not struck:
                break
        assert moment > 2


def _enter_and_strike(block: Any, moment: int) -> bool:
    """Enter a block and raise after a call in its __enter__; tell whether it has so many calls. The block is left."""
    left = moment

    def tracer(frame: Any, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_name != "__enter__":
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and dis.opname[frame.f_code.co_code[frame.f_lasti]] == "POP_TOP":
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
        return tracer

    previous = sys.gettrace()
    sys.settrace(tracer)
    try:
        block.__enter__()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(previous)
    block.__exit__()
    return False


def test_recorded_opens_a_block_only_where_nothing_is_recorded() -> None:
    with recorded():
        assert not recording.special
    with no_grad():
        assert state() == (None, False)
        with recorded():
            assert state() == (None, True)
        assert state() == (None, False)
