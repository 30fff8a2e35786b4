"""Compiled programs: evaluation, training, export and reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import takewhile
from typing import Any, NoReturn

from ..arguments import as_bool, as_float, describe, truncated_repr
from ..backward import topological_order
from ..context import recording
from ..value import Value
from .backends import jax_function, replicated, sharded, torch_function, torch_module
from .batches import Batches, Dtype, as_type, numpy, refuse_masked
from .execution import Execution, constants_of, function_of, leaves_of
from .export import c_text, javascript_text
from .forms import Executor, Forms
from .parameters import ParameterArray
from .references import Source
from .tracing import ALONE, Trace
from .training import Optimiser, Part, Training, train

__all__ = ["CompiledProgram"]

NO_GRADIENT = "this program has no gradient: compile a loss with its parameters, compile(loss, model, x=2, y=1)"


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
    (<compiled program of x=1, 1 parameters>, [2.0, 6.0])
    """

    def __init__(
        self,
        traced: Trace,
        parameters: Sequence[Value],
        gradient: bool,
        dtype: Dtype,
        check: bool,
        executor: Executor | None,
        array: ParameterArray | None = None,
    ) -> None:
        self.parameters = list(parameters)
        self._array = array or ParameterArray(parameters, dtype)
        self.inputs = {name: len(values) for name, values in traced.inputs.items() if name != ALONE}
        self.dtype, self.check, self.differentiable = dtype, check, gradient
        places = {value: (name, i) for name, values in traced.inputs.items() for i, value in enumerate(values)}
        ranges = {places[value]: n for value, n in traced.ranges.items() if value in places}
        self._several, self._batches = traced.several, Batches(self.inputs, dtype, ranges)
        self._traced, self._executor = traced, executor
        self._forms = Forms(traced, self.parameters, gradient, executor)
        self.code = self._forms.code
        # the clock when constants were compiled in, and when they were last found unchanged
        self._made = self._looked = recording.clock
        known = {*self.parameters, *(value for values in traced.inputs.values() for value in values)}
        others = [node for node in topological_order(*traced.outputs) if node not in known]
        self._baked = [*takewhile(lambda node: node.gate is None, others)]
        self._execution = Execution(self._forms, self._batches, check)

    def __call__(self, *batches: Any) -> Any:
        """Return the outputs for a batch: (samples, outputs), or (samples,) for one; of a loss, the cost, their mean."""
        if self.differentiable:
            return float(self.evaluation(*batches).mean())
        outputs = self._execution.outputs(self._numbers(), self._batches.rows(batches))
        return self._rows(numpy(), outputs, batches)

    @property
    def source(self) -> Source:
        """The lines of the program, written when they are first asked for."""
        self._refuse_outdated()
        return self._forms.source

    @cached_property
    def evaluation(self) -> CompiledProgram:
        """The same function without its gradient."""
        return CompiledProgram(
            self._traced, self.parameters, False, self.dtype, self.check, self._executor, self._array
        )

    def value_and_grad(self, *batches: Any) -> tuple[float, Any]:
        """Return the cost, the mean loss over a batch, and its gradient, aligned with `parameters`."""
        return self._at(self._numbers(), batches)

    def value_and_grad_at(self, flat: Any, *batches: Any) -> tuple[float, Any]:
        """Return cost and gradient at an array of parameters; the Values stay unchanged.

        >>> from autograd import Value, compile
        >>> w = Value(2.0)
        >>> program = compile(lambda x: w * w * x[0], [w], x=1)
        >>> cost, gradient = program.value_and_grad_at([5.0], [[1.0]])
        >>> cost, gradient.tolist(), w.data
        (25.0, [10.0], 2.0)
        """
        self._refuse_outdated()
        return self._at(self._array.array(flat), batches)

    def _at(self, flat: Any, batches: Sequence[Any]) -> tuple[float, Any]:
        if not self.differentiable:
            raise TypeError(NO_GRADIENT)
        return self._execution.cost_and_gradient(flat, self._batches.rows(batches))

    def train(self, *arguments: Any, **options: Any) -> Any:
        """Move the parameters by the steps of an optimiser, and return the cost of each step, before it moved them.

            program.train(X, Y, optimiser, steps, batch_size=None, rng=None, clip=None)

        w ← rule(w, ∇cost(w)), with the cost the mean loss of a batch. X, Y: a batch for every input of the program, with all
        samples; optimiser: nn.SGD(program.parameters, 0.1), for example, of the parameters of this program, in their order;
        steps: how many. batch_size: samples per step, None for all; the last batch of a pass may be smaller; rng: a
        random.Random, which shuffles the samples before every pass, as `nn.fit` does;
        clip: the maximum norm of the gradient. The result has shape (steps,), in the unit of the loss.

        All steps run in one call of C (with rng one per pass) if the program and the optimiser's rule have native code:
        see Optimiser. Otherwise each step is a call, with the same results. The numbers are written to the Values at
        the end; after an error or an interrupt they are those of the last whole step. A cost, gradient or parameter
        that is not finite raises a FloatingPointError that names
        the step and the line or the parameter.

        >>> from autograd import Value, compile
        >>> from nn import SGD
        >>> w = Value(1.0)
        >>> program = compile(lambda x, y: (w * x[0] - y[0]) ** 2, [w], x=1, y=1)
        >>> program.train([[1.0]], [[3.0]], SGD([w], 0.25), steps=3).tolist(), w.data
        ([4.0, 1.0, 0.25], 2.75)
        """
        count = len(self.inputs)
        return train(self, arguments[:count], *arguments[count:], **options)

    def training(self, batches: Sequence[Any], optimiser: Optimiser, clip: float | None = None) -> Training:
        """Return the steps of an optimiser on batches, to be taken some at a time, as `fit` does; see `train`.

        `flat` stays unchanged: the steps move a separate array, `theta`.

        >>> from autograd import Value, compile
        >>> from nn import SGD
        >>> w = Value(1.0)
        >>> program = compile(lambda x, y: (w * x[0] - y[0]) ** 2, [w], x=1, y=1)
        >>> steps = program.training([[[1.0]], [[3.0]]], SGD([w], 0.25))
        >>> list(steps.costs(order=None, size=1, steps=2)), steps.theta.tolist(), w.data
        ([4.0, 1.0], [2.5], 1.0)
        """
        if not self.differentiable:
            raise TypeError(NO_GRADIENT)
        if not hasattr(optimiser, "rule_on"):
            raise TypeError(
                f"optimiser must be an Optimiser such as nn.SGD(program.parameters, 0.1), got {describe(optimiser)}: it comes "
                f"after {', '.join(self.inputs) or 'no batch'}"
            )
        if optimiser.parameters != self.parameters:
            raise ValueError(
                f"optimiser must move the {len(self.parameters)} parameters of this program, in their order, got one of "
                f"{len(optimiser.parameters)} others: write {type(optimiser).__name__}(program.parameters)"
            )
        part = Part(self, self._execution, self._batches.rows(batches))
        return Training([part], optimiser, self._numbers(), clip)

    def in_buffers(self, *batches: Any) -> str:
        """Return the source that runs on NumPy for batches of this size, without allocations where possible.

        User gates with functions that NumPy lacks, and very large batches, run the printed source instead.

        >>> from autograd import Value, compile
        >>> w = Value(2.0)
        >>> print(compile(lambda x: w * x[0], [w], x=1).in_buffers([[1.0], [3.0]]))  # doctest: +ELLIPSIS
        def run(...
        """
        rows = self._batches.rows(batches)
        buffered = self._execution.in_buffers(self._numbers(), rows) if self.differentiable else None
        return str(self) if buffered is None else buffered.text

    def run_on(
        self,
        xp: Any,
        theta: Any,
        *batches: Any,
        weights: Any = None,
        array: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Return cost and gradient, or outputs, by another array module, from its arrays: theta and the batches.

        Batches are taken as floats of theta's type. weights: an array (samples,); the cost is then Σ weight·loss / Σ weight.
        `array` makes an array of that module from one of NumPy's, as the constants of the program are, if the module needs
        that.

        >>> import numpy as np
        >>> from autograd import Value, compile
        >>> w = Value(2.0)
        >>> program = compile(lambda x: w * x[0], [w], x=1)
        >>> cost, gradient = program.run_on(np, np.array([5.0]), np.array([[1], [3]]))
        >>> float(cost), gradient.tolist()
        (10.0, [2.0])
        """
        if weights is not None and not (self.differentiable and self.inputs):
            raise TypeError(
                f"weights must be None, got {truncated_repr(weights)}: this program has no mean over samples"
            )
        for name, numbers in [*zip(["theta", *self.inputs], [theta, *batches]), ("weights", weights)]:
            refuse_masked(name, numbers)
        given = (array(x) if array and isinstance(x, numpy().ndarray) else x for x in (theta, *batches, weights))
        theta, *made, weights = given
        made = self._batches.floats(theta, len(self.parameters), made, weights)
        self._refuse_outdated()
        source = self._forms.source if weights is None else self._forms.weighted
        if weights is not None:
            made[-1] = made[-1] / made[-1].sum()
        theta = theta if source.in_order else theta[xp.asarray(source.order)]
        constants = constants_of(source, "float64")  # rounded once, to theta's type
        if array is not None:
            constants = {name: array(x) if hasattr(x, "shape") else x for name, x in constants.items()}
        with numpy().errstate(over="ignore"):  # a number beyond float32 is an infinity there
            constants = {name: as_type(x, theta.dtype) if _holds_floats(x) else x for name, x in constants.items()}
        function = function_of(source, constants)
        columns = [rows.T for rows in made] or [xp.ones_like(theta[:1, None])]
        results = function(xp, theta[:, None], *leaves_of(source, theta), *columns)
        if not self.differentiable:
            return self._rows(xp, results, batches)
        cost, *parts = results
        return cost, _joined(xp, source, parts)

    def _rows(self, xp: Any, outputs: Any, batches: Sequence[Any]) -> Any:
        """Return the outputs in a new array with a row for every sample, even if they depend on no input.

        A program without inputs has one row, which stands by itself.
        """
        if not self.inputs:
            return xp.concatenate([outputs[:, 0]]) if self._several else outputs[0, 0]
        if outputs.shape[1] == 1:
            outputs = xp.broadcast_to(outputs, (len(outputs), len(batches[0])))
        return xp.concatenate([outputs.T if self._several else outputs[0]])  # a copy: it may be a view of a batch

    @property
    def flat(self) -> Any:
        """The parameters' numbers in one array, in their order; it is read again after a parameter was set.

        Assigning it sets the Values, as an optimiser does after every step.

        >>> from autograd import Value, compile
        >>> w = Value(2.0)
        >>> program = compile(lambda x: w * x[0], [w], x=1)
        >>> program.flat = program.flat + 3.0
        >>> w.data
        5.0
        """
        return self._numbers().view()

    @flat.setter
    def flat(self, numbers: Any) -> None:
        self._array.write(numbers)

    @property
    def outdated(self) -> bool:
        """Whether a leaf that was compiled in as a constant has changed since.

        >>> from autograd import Value, compile
        >>> w, c = Value(2.0), Value(1.0, "c", role="constant")
        >>> program = compile(lambda x: w * x[0] + c, [w], x=1)
        >>> c.data = 5.0
        >>> program.outdated
        True
        """
        now = recording.clock
        if self._looked != now and any(leaf._tick > self._made for leaf in self._baked):
            return True
        self._looked = now
        return False

    def _refuse_outdated(self) -> None:
        if self.outdated:
            leaf = next(leaf for leaf in self._baked if leaf._tick > self._made)
            raise RuntimeError(
                f"{leaf.label or 'a leaf'} is no parameter of this program, so its number was compiled in, and it has changed "
                f"since, to {leaf._data!r}: compile again, or give it among the parameters"
            )

    def _numbers(self) -> Any:
        self._refuse_outdated()
        return self._array.read()

    def to_jax(self) -> Callable[..., Any]:
        """Return f(parameters, *batches, weights=None) in jax.numpy, pure, to be given to jax.jit: cost and gradient, or
        outputs.

        `parameters` is an array like `flat`. weights: an array (samples,) for the weighted mean Σ weight·loss / Σ weight.
        Shapes are checked as those of a call on NumPy are. JAX computes in float32, unless its `jax_enable_x64` is set. A
        program of more than 500 lines raises a ValueError: compiling those takes JAX minutes. Needs jax.
        """
        return jax_function(self)

    def sharded(self, *batches: Any) -> tuple[list[Any], Any]:
        """Return the batches as JAX arrays whose rows lie over all devices that JAX sees, and the weight of every row.

            batches, weights = program.sharded(X, Y)
            cost, gradient = jax.jit(program.to_jax())(program.flat, *batches, weights=weights)

        JAX then computes the mean loss on all devices, and adds up their gradients. Rows are checked as those of a call on
        NumPy are, and an index out of range raises a ValueError. If the number of rows is not divisible by that of the
        devices, copies of the last row with weight 0 are added. In several processes (jax.distributed.initialize) each
        gives the same rows, and keeps those of its own devices. Needs jax.
        """
        return sharded(self._batches, batches)

    def replicated(self, tree: Any) -> Any:
        """Return arrays with a copy of each on every device that JAX sees, for the parameters and an optimiser's state.

            parameters, state = program.replicated((program.flat, adam.init(program.flat)))

        tree: arrays in lists, tuples or dicts, or what optax returns. Needs jax.
        """
        return replicated(tree)

    def on_torch(self) -> Callable[..., Any]:
        """Return the same function of PyTorch tensors, on any device."""
        return torch_function(self)

    def to_torch(self) -> Any:
        """Return a program that is a stack of dense layers as a torch.nn.Sequential with the same weights."""
        if self.differentiable:
            raise TypeError("to_torch takes a model, not its loss: compile(model, x=2).to_torch()")
        return torch_module(self._traced, self.dtype)

    def to_c(self, name: str | None = None) -> str:
        """Return a C99 file without dependencies: a function of this name, and the parameters' numbers, to train on.

        The function gives cost and gradient, or outputs, of a batch, in doubles or floats as the dtype is, and returns 0, or 1
        where a result is not finite. Its comment has the shapes and how to call it. Functions that C lacks raise an
        error.

        >>> from autograd import Value, compile, tanh
        >>> w = Value(0.5)
        >>> program = compile(lambda x: tanh(w * x[0]), [w], x=1, gradient=False)
        >>> print("".join(program.to_c("neuron").partition("double neuron")[1:]))
        double neuron_theta[1] = {0.5};
        <BLANKLINE>
        int neuron(const double *theta, const double *x, size_t samples, double *outputs) {
            const double *W1 = theta + 0;
            for (size_t s = 0; s < samples; s++) {
                const double z1 = W1[0] * x[s];
                const double a1 = tanh(z1);
                outputs[s] = a1;
            }
            int status = 0;
            for (size_t p = 0; p < samples; p++) {
                if (!isfinite(outputs[p])) {
                    status = 1;
                }
            }
            return status;
        }
        <BLANKLINE>
        """
        numbers = self._numbers().tolist()  # refuses a program whose constants have changed
        return c_text(self._forms.arrays, self.inputs, numbers, self.differentiable, self.dtype, self._called(name))

    def to_js(self, name: str | None = None, *, module: bool = True) -> str:
        """Return an ES module of JavaScript without dependencies: the same function, in doubles, and the numbers `theta`.

        It returns {cost, gradient}, or the outputs, in Float64Arrays. What is not finite raises a RangeError, unless the
        program was compiled with check=False. With module=False the text is an expression whose value is the function,
        without `theta`, for a script that is not a module: `const loss = …`.

        >>> from autograd import Value, compile
        >>> w = Value(0.5)
        >>> "export function loss(theta, x)" in compile(lambda x: w * x[0], [w], x=1).to_js("loss")
        True
        """
        numbers = self._numbers().tolist()
        return javascript_text(
            self._forms.arrays,
            self.inputs,
            numbers,
            self.differentiable,
            self.check,
            self._called(name),
            as_bool(module, "module"),
        )

    def _called(self, name: str | None) -> str:
        return name if name is not None else "loss_and_grad" if self.differentiable else "predict"

    def report(self) -> str:
        """Return a text on the matrix products, the remaining operations, and the executor with the reason for it.

        >>> from autograd import Value, compile
        >>> w = Value(2.0)
        >>> print(compile(lambda x: w * x[0], [w], x=1, gradient=False, executor="numpy").report())
        parameters: W1 1 × 1
        sums of products: 1, computed as 1 matrix product
        other operations: none
        gathers: none
        runs on NumPy
        because executor="numpy" was given
        """
        self._refuse_outdated()
        return self._forms.report

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
        columns = [rows.tolist() for rows in self._batches.rows(batches)]
        samples = zip(*columns, strict=True) if self.inputs else [()]
        for i, rows in enumerate(samples):
            expected = function(*(list(map(Value, row)) for row in rows))
            outputs = list(expected) if isinstance(expected, (list, tuple)) else [expected]
            given = [v.data if isinstance(v, Value) else as_float(v, "an output of the function") for v in outputs]
            found = np.ravel(self(*(np.array([row]) for row in rows))).tolist()
            if len(given) != len(found):
                raise AssertionError(f"sample {i}: the function gives {len(given)} outputs, the program {len(found)}")
            for a, b in zip(given, found, strict=True):
                if not abs(a - b) <= tolerance * (1 + abs(a)):
                    raise AssertionError(
                        f"sample {i}: the function gives {a!r}, the program {b!r}: does it branch on data?"
                    )

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a compiled program is not copied or pickled: compile the function again, and keep `flat`, an array of numbers"
        )

    def __str__(self) -> str:
        return self.source.text

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={size}" for name, size in self.inputs.items()) or "no inputs"
        return f"<compiled program of {sizes}, {len(self.parameters)} parameters>"


def _joined(xp: Any, source: Source, parts: Sequence[Any]) -> Any:
    """Return the gradients of all tensors in one flat array, in the caller's order."""
    if not parts:
        return xp.zeros(0)
    flat = xp.concatenate([part.reshape(-1) for part in parts])
    order = source.order
    return flat if source.in_order else flat[xp.asarray(sorted(range(len(order)), key=order.__getitem__))]


def _holds_floats(x: Any) -> bool:
    return hasattr(x, "dtype") and "float" in str(x.dtype)
