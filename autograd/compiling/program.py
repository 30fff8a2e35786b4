"""`compile`: a function of scalar Values becomes a vectorised program over batches of samples."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, Literal

from ..recording import recording, tick
from ..value import Value
from .arrays import Arrays, arrange
from .backends import jax_function, torch_function, torch_module
from .lowering import lower
from .source import Source, write
from .sums import gather
from .tracing import Trace, trace

__all__ = ["CompiledProgram", "compile"]

Dtype = Literal["float64", "float32"]


class CompiledProgram:
    """A compiled function: `print` shows its source, calling it evaluates it on a batch, one row a sample.

    parameters: the Values that it reads, in the order of its gradients
    inputs: the name and size of every input
    """

    def __init__(self, traced: Trace, parameters: Sequence[Value], gradient: bool, dtype: Dtype, check: bool) -> None:
        self.parameters = list(parameters)
        self.inputs = {name: len(values) for name, values in traced.inputs.items()}
        self.dtype, self.check, self.differentiable = dtype, check, gradient
        self._several = traced.several
        self.arrays, self.source = _build(traced, self.parameters, gradient)
        self._traced = traced
        self._order = self.arrays.parameters
        self._in_order = self._order == sorted(self._order)
        self._clock = 0
        self._flat: Any = None
        self._function = _function(self.source, dtype)

    def __call__(self, *batches: Any) -> Any:
        """Return the outputs for a batch: (samples, outputs), or (samples,) for one; of a loss, the cost, their mean."""
        if self.differentiable:
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
        return float(cost), self._joined(_numpy(), parts)

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
        """The parameters' numbers in one array, in their order; packed again only after a leaf was changed somewhere."""
        np = _numpy()
        if self._flat is None or self._clock != recording.clock:
            self._flat = np.array([p._data for p in self.parameters], self.dtype)
            self._clock = recording.clock
        return self._flat

    @flat.setter
    def flat(self, numbers: Any) -> None:
        self._flat = _numpy().asarray(numbers, self.dtype)
        self._clock = recording.clock

    def sync(self) -> None:
        """Give the Values the numbers of `flat`."""
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
        """Say what became a matrix product and what did not."""
        arrays, source = self.arrays, self.source
        shapes = ", ".join(f"{leaf.name} {' × '.join(map(str, leaf.shape))}" for leaf in arrays.leaves)
        dots = [array for array in arrays.arrays if array.op == "dot"]
        others = [array for array in arrays.arrays if array.op not in ("dot", "leaf")]
        rows = sum(len(array.members) for array in others)
        return "\n".join(
            [
                f"parameters: {shapes or 'none'}",
                f"{sum(len(array.members) for array in dots)} sums of products in {len(dots)} matrix products",
                f"{rows} other operations in {len(others)} elementwise lines, {rows / max(1, len(others)):.1f} a line",
                f"{source.gathers} gathers",
            ]
        )

    def compare(self, function: Callable[..., Any], *batches: Any, tolerance: float = 1e-9) -> None:
        """Raise an AssertionError where the program and a function of scalars differ on a sample, as a frozen branch would."""
        np = _numpy()
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
        np = _numpy()
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
        np = _numpy()
        if len(batches) != len(self.inputs):
            raise TypeError(
                f"this program takes {', '.join(self.inputs)}: {len(self.inputs)} batches, not {len(batches)}"
            )
        found: list[Any] = []
        for (name, size), batch in zip(self.inputs.items(), batches, strict=True):
            array = np.asarray(batch, self.dtype)
            array = array[:, None] if array.ndim == 1 and size == 1 else array
            if array.ndim != 2 or array.shape[1] != size or not len(array):
                raise ValueError(f"{name} is a batch of rows with {size} entries each, and its shape is {array.shape}")
            if found and found[0].shape[1] != len(array):
                raise ValueError(f"{name} has {len(array)} rows, the first input {found[0].shape[1]}")
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


def compile(
    function: Callable[..., Any],
    parameters: Any = None,
    *,
    dtype: Dtype = "float64",
    check: bool = True,
    gradient: bool | None = None,
    **sizes: int,
) -> CompiledProgram:
    """Record a function of scalar Values once and return the vectorised program that it is, over batches of samples.

    compile(loss, model, x=2, y=1) compiles loss(x, y), written on one sample with lists of x and y, and its gradient in the
    model's parameters (or in a list of Values); compile(model, x=2) a function alone, as gradient=False does. Leaves that
    are no parameters are constants. `check` raises a FloatingPointError, naming the line, where a number overflows or is
    undefined. Needs numpy.

    >>> from autograd import Value, compile
    >>> w, b = Value(2.0), Value(1.0)
    >>> program = compile(lambda x, y: (w * x[0] + b - y[0]) ** 2, [w, b], x=1, y=1)
    >>> cost, gradient = program.value_and_grad([[1.0], [2.0]], [[0.0], [0.0]])
    >>> cost, gradient.tolist()
    (17.0, [26.0, 16.0])
    """
    if dtype not in ("float64", "float32"):
        raise ValueError(f"the dtype is 'float64' or 'float32', not {dtype!r}")
    if not sizes:
        raise TypeError("compile needs the size of every input, by name: compile(loss, model, x=2, y=1)")
    _numpy()
    source = function if parameters is None else parameters
    values = _parameters(source, required=parameters is not None)
    traced = trace(function, sizes)
    differentiated = parameters is not None if gradient is None else gradient
    if differentiated and traced.several:
        raise TypeError("the gradient is that of one number: return a Value, not a list, or write gradient=False")
    return CompiledProgram(traced, values, differentiated, dtype, check)


def _parameters(source: Any, required: bool) -> list[Value]:
    if hasattr(source, "parameters"):
        return list(source.parameters())
    if not required:
        return []
    if not isinstance(source, Iterable):
        raise TypeError(f"parameters are a model or a list of Values, not {source!r}")
    values = list(source)
    for value in values:
        if not isinstance(value, Value) or value.gate is not None:
            raise TypeError(f"parameters are leaves, not {value!r}")
    return values


def _build(traced: Trace, parameters: Sequence[Value], gradient: bool) -> tuple[Arrays, Source]:
    """Run the passes; without the garbage collector, which would look at all entries again and again and free none."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _passes(traced, parameters, gradient)
    finally:
        if collecting:
            gc.enable()


def _passes(traced: Trace, parameters: Sequence[Value], gradient: bool) -> tuple[Arrays, Source]:
    lowered = lower(traced.outputs, traced.inputs, parameters, gradient)
    nodes = gather(lowered.program, lowered.outputs, lowered.gradients, lowered.forward)
    sizes = {name: len(values) for name, values in traced.inputs.items()}
    arrays = arrange(nodes, len(parameters), sizes)
    return arrays, write(arrays, list(sizes), gradient)


def _function(source: Source, dtype: Dtype, array: Callable[[Any], Any] = lambda x: x) -> Callable[..., Any]:
    np = _numpy()
    namespace: dict[str, Any] = {"inf": float("inf"), "nan": float("nan")}
    for name, (numbers, shape) in source.constants.items():
        namespace[name] = array(np.array(numbers) if shape is None else np.array(numbers, dtype).reshape(shape))
    exec(_code(source.text), namespace)
    return namespace["loss_and_grad" if "loss_and_grad" in namespace else "predict"]  # type: ignore[no-any-return]


def _code(text: str) -> Any:
    import builtins

    return builtins.compile(text, "<compiled>", "exec")


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise ImportError('compile needs numpy: pip install "gatewise[compile]"') from None
    return numpy
