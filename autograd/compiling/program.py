"""A compiled program: what it can be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal

from ..recording import recording, tick
from ..value import Value
from .backends import jax_function, torch_function, torch_module
from .passes import build
from .references import Source
from .tracing import Trace

__all__ = ["CompiledProgram", "Dtype"]

Dtype = Literal["float64", "float32"]


class CompiledProgram:
    """A compiled function: `print` shows its source, calling it evaluates it on a batch, one row a sample.

    parameters: the Values that it reads, in the order of its gradients
    inputs: the name and size of every input

    A batch is an array (samples, size), or a list of rows. Numbers that overflow or are undefined raise a
    FloatingPointError that names the line, unless check=False.

    >>> from autograd import Value, compile
    >>> w = Value(2.0)
    >>> program = compile(lambda x: w * x[0], [w], x=1, gradient=False)
    >>> program, program([[1.0], [3.0]]).tolist()
    (<compiled program of x=1, 1 parameters, 1 lines>, [2.0, 6.0])
    """

    def __init__(self, traced: Trace, parameters: Sequence[Value], gradient: bool, dtype: Dtype, check: bool) -> None:
        self.parameters = list(parameters)
        self.inputs = {name: len(values) for name, values in traced.inputs.items()}
        self.dtype, self.check, self.differentiable = dtype, check, gradient
        self._several = traced.several
        self.arrays, self.source = build(traced, self.parameters, gradient)
        self._traced = traced
        self._order = self.arrays.parameters
        self._in_order = self._order == sorted(self._order)
        self._clock = 0
        self._flat: Any = None
        self._function = _function(self.source, dtype)

    def __call__(self, *batches: Any) -> Any:
        """Return the outputs for a batch: (samples, outputs), or (samples,) for one; of a loss, the cost, their mean."""
        if self.differentiable:
            self.evaluation.flat = self.flat
            return float(self.evaluation(*batches).mean())
        outputs = self._run(batches)
        return outputs.T if self._several else outputs[0]

    @cached_property
    def evaluation(self) -> CompiledProgram:
        """The same function without its gradient."""
        return CompiledProgram(self._traced, self.parameters, False, self.dtype, self.check)

    def value_and_grad(self, *batches: Any) -> tuple[float, Any]:
        """Return the cost, the mean loss over a batch, and its gradient, aligned with `parameters`."""
        if not self.differentiable:
            raise TypeError(
                "this program has no gradient: compile a loss with its parameters, compile(loss, model, x=2, y=1)"
            )
        cost, *parts = self._run(batches)
        if self.check and cost != cost:
            raise FloatingPointError(f"the cost is nan{self._where_nan(batches)}; check=False lets it pass")
        return float(cost), self._joined(numpy(), parts)

    def _where_nan(self, batches: Sequence[Any]) -> str:
        np = numpy()
        for name, columns in zip(self.inputs, self._columns(batches), strict=True):
            rows = np.flatnonzero(np.isnan(columns).any(0))
            if len(rows):
                return f": {name}[{rows[0]}] holds a nan"
        return ": a parameter is nan" if np.isnan(self.flat).any() else ""

    def run_on(self, xp: Any, theta: Any, *batches: Any, array: Callable[[Any], Any] | None = None) -> Any:
        """Return cost and gradient, or outputs, by another array module, of its arrays: all parameters in one, and batches.

        `array` makes an array of that module from one of NumPy's, for the constants of the program, if it needs that.
        """
        theta = theta if self._in_order else theta[self._index(xp)]
        function = self._function if array is None else _function(self.source, self.dtype, array)
        results = function(xp, theta[:, None], *self._leaves(theta), *(rows.T for rows in batches))
        if not self.differentiable:
            return results.T if self._several else results[0]
        cost, *parts = results
        return cost, self._joined(xp, parts)

    def _joined(self, xp: Any, parts: Sequence[Any]) -> Any:
        if not parts:
            return xp.zeros(0)
        flat = xp.concatenate([part.reshape(-1) for part in parts])
        return flat if self._in_order else flat[self._inverse(xp)]

    def _index(self, xp: Any) -> Any:
        return xp.asarray(self._order)

    def _inverse(self, xp: Any) -> Any:
        places = [0] * len(self._order)
        for row, p in enumerate(self._order):
            places[p] = row
        return xp.asarray(places)

    @property
    def flat(self) -> Any:
        """The parameters' numbers in one array, in their order; packed again after one of them was changed."""
        now = recording.clock
        if self._flat is None or (self._clock != now and any(p._tick > self._clock for p in self.parameters)):
            self._flat = numpy().array([p._data for p in self.parameters], self.dtype)
        self._clock = now
        return self._flat

    @flat.setter
    def flat(self, numbers: Any) -> None:
        self._flat = numpy().asarray(numbers, self.dtype)
        self._clock = recording.clock

    def sync(self) -> None:
        """Give the Values the numbers of `flat`.

        >>> from autograd import Value, compile
        >>> w = Value(2.0)
        >>> program = compile(lambda x: w * x[0], [w], x=1)
        >>> program.flat = [5.0]
        >>> program.sync()
        >>> w.data
        5.0
        """
        numbers = self.flat.tolist()
        time = tick()
        for parameter, x in zip(self.parameters, numbers, strict=True):
            parameter._data = x
            parameter._tick = time
        self._clock = recording.clock

    def to_jax(self) -> Callable[..., Any]:
        """Return f(parameters, *batches) in jax.numpy, pure, to be given to jax.jit: cost and gradient, or outputs.

        `parameters` is an array like `flat`. A program of too many lines is refused: compiling those takes JAX minutes.
        """
        return jax_function(self)

    def on_torch(self) -> Callable[..., Any]:
        """Return the same function of PyTorch tensors, on whatever device they are."""
        return torch_function(self)

    def to_torch(self) -> Any:
        """Return a torch.nn.Sequential with the same weights, of a program that is a stack of dense layers."""
        if self.differentiable:
            raise TypeError("to_torch takes a model, not its loss: compile(model, x=2).to_torch()")
        return torch_module(self._traced, self.dtype)

    def report(self) -> str:
        """Say what became a matrix product and what did not.

        >>> from autograd import Value, compile
        >>> w = Value(2.0)
        >>> print(compile(lambda x: w * x[0], [w], x=1, gradient=False).report())
        parameters: W1 1 × 1
        1 sums of products in 1 matrix products
        0 other operations in 0 elementwise lines, 0.0 a line
        0 gathers
        """
        arrays, source = self.arrays, self.source
        shapes = ", ".join(f"{leaf.name} {' × '.join(map(str, leaf.shape))}" for leaf in arrays.leaves)
        dots = [array for array in arrays.arrays if array.op == "dot"]
        others = [array for array in arrays.arrays if array.op not in ("dot", "leaf")]
        rows = sum(len(array.members) for array in others)
        unused = [
            p for p, i in enumerate(arrays.gradients) if arrays.nodes[i].op == "const" and arrays.nodes[i].place == 0
        ]
        return "\n".join(
            [
                f"parameters: {shapes or 'none'}",
                f"{sum(len(array.members) for array in dots)} sums of products in {len(dots)} matrix products",
                f"{rows} other operations in {len(others)} elementwise lines, {rows / max(1, len(others)):.1f} a line",
                f"{source.gathers} gathers",
                *([f"without effect: parameters {', '.join(map(str, unused))}"] if unused else []),
            ]
        )

    def compare(self, function: Callable[..., Any], *batches: Any, tolerance: float = 1e-9) -> None:
        """Raise an AssertionError where the program and a function of scalars differ on a sample, as a frozen branch would.

        >>> from autograd import Value, compile
        >>> x = Value(2.0)
        >>> program = compile(x if x > 0 else -x, [], x=[x], gradient=False)  # |x|, recorded where x > 0
        >>> program.compare(lambda x: abs(x[0]), [[-1.0]])
        Traceback (most recent call last):
        AssertionError: sample 0: the function gives 1.0, the program -1.0: does it branch on data?
        """
        np = numpy()
        columns = [np.asarray(batch, float).reshape(len(batch), -1).tolist() for batch in batches]
        for i, rows in enumerate(zip(*columns, strict=True)):
            expected = function(*(list(map(Value, row)) for row in rows))
            given = [v.data for v in expected] if isinstance(expected, (list, tuple)) else [expected.data]
            found = np.ravel(self(*(np.array([row]) for row in rows))).tolist()
            for a, b in zip(given, found, strict=True):
                if not abs(a - b) <= tolerance * (1 + abs(a)):
                    raise AssertionError(
                        f"sample {i}: the function gives {a!r}, the program {b!r}: does it branch on data?"
                    )

    def __str__(self) -> str:
        return self.source.text

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={size}" for name, size in self.inputs.items())
        return f"<compiled program of {sizes}, {len(self.parameters)} parameters, {len(self.source.lines)} lines>"

    def _run(self, batches: Sequence[Any]) -> Any:
        np = numpy()
        columns = self._columns(batches)
        theta = self.flat if self._in_order else self.flat[self._order]
        mode: Any = "raise" if self.check else "ignore"
        with np.errstate(over=mode, divide=mode, invalid=mode):
            try:
                return self._function(np, theta[:, None], *self._leaves(theta), *columns)
            except FloatingPointError as error:
                raise FloatingPointError(self._explained(error)) from None

    def _leaves(self, theta: Any) -> list[Any]:
        found = []
        for leaf in self.arrays.leaves:
            n = leaf.shape[0] * (leaf.shape[1] if len(leaf.shape) == 2 else 1)
            found.append(theta[leaf.start : leaf.start + n].reshape(leaf.shape if len(leaf.shape) == 2 else (n, 1)))
        return found

    def _columns(self, batches: Sequence[Any]) -> list[Any]:
        np = numpy()
        if len(batches) != len(self.inputs):
            raise TypeError(
                f"this program takes {', '.join(self.inputs)}: {len(self.inputs)} batches, not {len(batches)}"
            )
        found: list[Any] = []
        for (name, size), batch in zip(self.inputs.items(), batches, strict=True):
            try:
                array = np.asarray(batch, self.dtype)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{name} is a batch of rows with {size} numbers each: {error}") from None
            array = array[:, None] if array.ndim == 1 and size == 1 else array
            if array.ndim > 0 and not len(array):
                raise ValueError(f"{name} is an empty batch: give it at least one row of {size} numbers")
            if array.ndim != 2 or array.shape[1] != size:
                raise ValueError(f"{name} is a batch of rows with {size} numbers each, and its shape is {array.shape}")
            if found and found[0].shape[1] != len(array):
                raise ValueError(f"{name} has {len(array)} rows, and {next(iter(self.inputs))} has {found[0].shape[1]}")
            found.append(array.T)
        return found

    def _explained(self, error: FloatingPointError) -> str:
        trace = error.__traceback__
        line = 0
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == "<compiled>":
                line = trace.tb_lineno
            trace = trace.tb_next
        text = self.source.text.splitlines()[line - 1].strip() if line else "?"
        return f"{error} in line {line}: {text} ({self.source.lines.get(line, 'return')}); check=False lets it pass"


def _function(source: Source, dtype: Dtype, array: Callable[[Any], Any] = lambda x: x) -> Callable[..., Any]:
    np = numpy()
    namespace: dict[str, Any] = {"inf": float("inf"), "nan": float("nan")}
    for name, (numbers, shape) in source.constants.items():
        namespace[name] = array(np.array(numbers) if shape is None else np.array(numbers, dtype).reshape(shape))
    exec(_code(source.text), namespace)
    return namespace["loss_and_grad" if "loss_and_grad" in namespace else "predict"]  # type: ignore[no-any-return]


def _code(text: str) -> Any:
    import builtins

    return builtins.compile(text, "<compiled>", "exec")


def numpy() -> Any:
    """Return NumPy, or say how to install it."""
    try:
        import numpy as np
    except ImportError:
        raise ImportError('compile needs numpy: pip install "gatewise[compile]"') from None
    return np
