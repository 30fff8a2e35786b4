"""Optimisers: they move parameters against their gradients, by the formulas of PyTorch."""

from __future__ import annotations

import dis
import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import Any

from autograd import Value
from autograd.arguments import (
    KEYWORDS_ELSEWHERE,
    as_bool,
    as_finite,
    as_list,
    check_keywords,
    checks_keywords,
    describe,
    list_or_none,
    require_distinct,
)

from .module import Module

__all__ = ["SGD", "Adam", "AdamW", "Diverged", "Optimiser", "clip_gradients"]

_grad = attrgetter("grad")
_OURS = ("rule_on", "step_array", "_check_row", "__getattribute__")  # what runs a rule on symbols
Parameters = Module | Iterable[Value]  # a model, or the Values to move


class Diverged(FloatingPointError):
    """A step to numbers that are not finite; `parameter` is the first parameter concerned."""

    def __init__(self, message: str, parameter: Value | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class Optimiser:
    """Base class of optimisers: `step()` moves the parameters by the formula `rule`, which a subclass defines.

    parameters: a model, or a list of Values such as model.parameters()

    `learning_rate` may be set between steps. A step that would make a parameter, or a running mean of it, nan or infinite
    raises `Diverged`, a FloatingPointError, and changes nothing. Constants (frozen parameters) do not move.

    `fit(compiled=True)` and `CompiledProgram.train` run a rule natively, many steps in one call of C, if it is a
    formula: arithmetic on w, g, the running means, `steps` and numeric attributes of the optimiser, without branches on
    w, g or `steps`. Other rules run in Python, one call per step, with the same results.

    >>> class Signs(Optimiser):
    ...     def rule(self, w, g):
    ...         return (w - self.learning_rate * (1.0 * (g > 0) - (g < 0)),)
    >>> w = Value(3.0)
    >>> (w * w).backward()
    >>> Signs([w], 0.5).step()
    >>> w.data
    2.5
    """

    moments = 0  # the number of running means that the rule keeps of each parameter

    def __new__(cls, *_: Any, **named: Any) -> Any:
        check_keywords(cls.__init__, cls.__name__, named)
        return super().__new__(cls)

    def __init__(self, parameters: Parameters, learning_rate: float, weight_decay: float = 0.0) -> None:
        self.parameters = _leaves(parameters)
        if not self.parameters:
            raise ValueError("parameters must not be empty: there is nothing to optimise (is the model frozen?)")
        self.learning_rate = learning_rate
        self.weight_decay = as_finite(weight_decay, "the weight decay", 0)
        self.steps = 0
        self.state: list[Any] = [[0.0] * len(self.parameters) for _ in range(self.moments)]

    def __setattr__(self, name: str, x: Any) -> None:
        if name == "learning_rate":
            x = as_finite(x, "the learning rate", 0)
        elif not hasattr(self, name) and any(hasattr(self, ours) for ours in KEYWORDS_ELSEWHERE.get(name, ())):
            check_keywords(type(self).__init__, type(self).__name__, [name])
        super().__setattr__(name, x)

    def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        """Return the new data and running means of a parameter, or of all parameters in arrays, by plain arithmetic."""
        raise TypeError(f"{type(self).__name__} has no rule: write one in the class")

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters:
            parameter.grad = 0.0

    def step(self) -> None:
        """Move every parameter once; an error leaves all unchanged."""
        data, gradients = [p.data for p in self.parameters], [*map(_grad, self.parameters)]
        self.steps += 1
        try:
            rows = [*map(self.rule, data, gradients, *self.state)]
            self._check_row(rows[0])
            moved, *state = map(list, zip(*rows, strict=True))
            self._check(_finite, gradients, moved, state)
        except BaseException as error:  # KeyboardInterrupt too
            self.steps -= 1
            if isinstance(error, ArithmeticError) and not isinstance(error, Diverged):
                raise self._failed(data, gradients, error) from error
            raise
        self.state = state
        for parameter, x in zip(self.parameters, moved, strict=True):
            if parameter.role != "constant":
                parameter.data = x

    def step_array(self, data: Any, gradient: Any) -> Any:
        """Return the array of all parameters after a step, from the arrays of their data and of their gradients."""
        import numpy as np

        self.steps += 1
        try:
            with np.errstate(all="ignore"):  # _check finds any number that is not finite
                found = self.rule(data, gradient, *[data * 0 + row for row in self.state])
            self._check_row(found)
            moved, *state = found
            self._check(lambda row: bool(np.isfinite(row).all()), gradient, moved, state)
        except BaseException:
            self.steps -= 1
            raise
        self.state = state
        return np.array(np.broadcast_to(moved, data.shape))  # of its own, also if the rule returns w or one number

    def rule_on(self, learning_rate: Any, steps: Any, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        """Return the result of the rule on symbols, also in place of the learning rate and the number of the step.

        The rule sees only the optimiser's numeric attributes, because work on other objects would be done once, not in
        every step.

        >>> from autograd.symbols import Symbol
        >>> SGD([Value(1.0)], 0.1).rule_on(*map(Symbol.named, ("rate", "t", "w", "g", "v")))
        (w - rate * (0.0 * v + g), 0.0 * v + g)
        """
        if type(self).step_array is not Optimiser.step_array:
            raise TypeError(f"{type(self).__name__} has a step of its own")
        seen: Any = object.__new__(type(self))
        vars(seen).update(
            {name: x for name, x in vars(self).items() if _is_plain(x)}, learning_rate=learning_rate, steps=steps
        )
        row = seen.rule(w, g, *state)
        self._check_row(row)
        return row  # type: ignore[no-any-return]

    def rule_key(self) -> Hashable | None:
        """Return all that the result of the rule on symbols depends on: its code and the numbers that it reads.

        None if it may depend on anything else: a global or enclosing variable, a property, another method.

        >>> w = [Value(1.0)]
        >>> SGD(w, 0.1).rule_key() == SGD(w, 0.2).rule_key() != SGD(w, 0.1, momentum=0.5).rule_key()
        True
        """
        kind = type(self)
        inherited = [vars(base) for base in kind.__mro__]
        rule = next(found["rule"] for found in inherited if "rule" in found)
        names = _attributes_read(rule.__code__) if type(rule) is FunctionType and not rule.__kwdefaults__ else None
        overridden = any(getattr(kind, name) is not getattr(Optimiser, name) for name in _OURS) or hasattr(
            kind, "__getattr__"
        )
        if names is None or overridden or not _is_plain(rule.__defaults__):
            return None
        own = {name: x for name, x in vars(self).items() if _is_plain(x)}  # all that rule_on lets the rule see
        read: list[Any] = [rule.__defaults__ and _exact(rule.__defaults__)]
        for name in ("moments", *names):
            shared = [found[name] for found in inherited if name in found][:1]
            if not all(map(_is_plain, shared)):
                return None
            if name not in ("learning_rate", "steps"):  # symbols there
                read.append([*map(_exact, [own[name]] if name in own else shared)])
        return rule.__code__, len(self.state), repr(read)

    def _check_row(self, row: Any) -> None:
        """Raise unless a result of the rule has the new data and every running mean."""
        if not isinstance(row, tuple) or len(row) != 1 + self.moments:
            means = f" and {self.moments} running means" if self.moments else ""
            raise TypeError(
                f"the rule of {type(self).__name__} must return a tuple of {1 + self.moments} (the new data{means}), got "
                f"{describe(row)}"
            )

    def _check(self, finite: Callable[[Any], bool], gradients: Any, moved: Any, state: Sequence[Any]) -> None:
        """Raise for the first parameter with a number that is not finite, because it would spread."""
        if all(map(finite, (gradients, moved, *state))):
            return
        for i, (parameter, g, x, *moments) in enumerate(zip(self.parameters, gradients, moved, *state, strict=True)):
            if not math.isfinite(g):
                raise infinite_gradient(parameter, i, float(g))
            if not math.isfinite(x):
                raise self.diverged(i, float(g), float(x))
            if not _finite(moments):
                raise self.diverged(i, float(g), math.inf, "the running mean of ")

    def _failed(self, data: Sequence[float], gradients: Sequence[float], error: ArithmeticError) -> Diverged:
        """Return an error that names the first parameter for which the rule raises."""
        for i, numbers in enumerate(zip(data, gradients, *self.state, strict=True)):
            if not math.isfinite(numbers[1]):
                return infinite_gradient(self.parameters[i], i, numbers[1])
            try:
                self.rule(*numbers)
            except ArithmeticError:
                return self.diverged(i, numbers[1], math.nan)
        return Diverged(str(error))

    def diverged(self, place: int, gradient: float, x: float, what: str = "") -> Diverged:
        """Return the error of a step that would set a parameter, or its running mean, to x."""
        parameter = self.parameters[place]
        name = parameter.label or f"parameter {place}"
        return Diverged(
            f"a step would make {what}{name} {x}: its data is {parameter.data}, its gradient {gradient}", parameter
        )


class SGD(Optimiser):
    """Gradient descent: w ← w − η·v with v ← momentum·v + ∇w, and weight_decay·w added to ∇w.

    nesterov=True replaces v by ∇w + momentum·v in the update.

    >>> w = Value(1.0)
    >>> optimiser = SGD([w], learning_rate=0.1)
    >>> (w * w).backward()
    >>> optimiser.step()
    >>> w.data
    0.8
    """

    moments = 1  # v

    def __init__(
        self,
        parameters: Parameters,
        learning_rate: float = 0.01,
        *,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        self.momentum = as_finite(momentum, "the momentum", 0)
        self.nesterov = as_bool(nesterov, "nesterov")
        if self.nesterov and not momentum:
            raise ValueError(
                "nesterov=True looks ahead along the momentum, which is 0: write momentum=0.9, for example"
            )

    def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        if self.weight_decay:
            g = g + self.weight_decay * w
        (velocity,) = state
        velocity = self.momentum * velocity + g
        return w - self.learning_rate * (g + self.momentum * velocity if self.nesterov else velocity), velocity


class Adam(Optimiser):
    """Steps of about η: running mean of the gradient over root of that of its square (Kingma & Ba 2015).

    m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − η·m̂/(√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ);
    weight_decay·w is added to g, by default 0.

    >>> w = Value(1.0)
    >>> optimiser = Adam([w], learning_rate=0.1)
    >>> (w * w).backward()
    >>> optimiser.step()
    >>> round(w.data, 6)
    0.9
    """

    decoupled = False  # True: the weight decay acts on w, not on g
    default_decay = 0.0
    moments = 2  # m and v

    def __init__(
        self,
        parameters: Parameters,
        learning_rate: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, self.default_decay if weight_decay is None else weight_decay)
        pair = list_or_none(betas) or ()
        if len(pair) != 2 or not all(0 <= as_finite(beta, "an entry of betas") < 1 for beta in pair):
            raise ValueError(f"betas must be two numbers from 0 to below 1, as in (0.9, 0.999), got {betas!r}")
        self.betas, self.epsilon = (float(pair[0]), float(pair[1])), as_finite(epsilon, "epsilon", 0)

    def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        m, v = state
        beta1, beta2 = self.betas
        if self.weight_decay and self.decoupled:
            w = w * (1 - self.learning_rate * self.weight_decay)
        elif self.weight_decay:
            g = g + self.weight_decay * w
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        size, root = self.learning_rate / (1 - beta1**self.steps), (1 - beta2**self.steps) ** 0.5
        return w - size * m / (v**0.5 / root + self.epsilon), m, v

    def diverged(self, place: int, gradient: float, x: float, what: str = "") -> Diverged:
        found = super().diverged(place, gradient, x, what)
        if gradient == 0 and not self.epsilon:
            found.args = (
                f"{found}; with epsilon = 0 a gradient of 0 is divided by 0: write epsilon=1e-8, for example",
            )
        return found


class AdamW(Adam):
    """Adam with decoupled weight decay: w ← w·(1 − η·weight_decay) before the step (Loshchilov & Hutter 2019).

    weight_decay is 0.01 by default.

    >>> w = Value(1.0)
    >>> AdamW([w], learning_rate=0.1).step()
    >>> w.data
    0.999
    """

    decoupled = True
    default_decay = 0.01


@checks_keywords
def clip_gradients(parameters: Iterable[Value], largest: float) -> float:
    """Scale all gradients down so that their norm √Σg² is at most `largest`; return the norm before.

    >>> w, v = Value(3.0), Value(4.0)
    >>> (w * w / 2 + v * v / 2).backward()
    >>> clip_gradients([w, v], 1.0), round(w.grad, 6), round(v.grad, 6)
    (5.0, 0.6, 0.8)
    """
    parameters = _leaves(parameters)
    largest = as_finite(largest, "the largest norm", 0)
    norm = math.hypot(*map(_grad, parameters))
    if not norm <= largest:
        for i, parameter in enumerate(parameters):
            if not math.isfinite(parameter.grad):
                raise infinite_gradient(parameter, i, parameter.grad)
        unit = magnitude(max(abs(parameter.grad) for parameter in parameters))
        factor = largest / math.hypot(*(parameter.grad / unit for parameter in parameters))
        for parameter in parameters:
            parameter.grad = parameter.grad / unit * factor
    return norm


def magnitude(x: float) -> float:
    """Return the largest power of two up to x > 0: division by it is exact, and keeps the squares of the quotients finite.

    >>> magnitude(5.0)
    4.0
    """
    return math.ldexp(1.0, math.frexp(x)[1] - 1)


def _is_plain(x: Any) -> bool:
    """Tell whether an attribute is a number, a text, or a tuple of these."""
    return all(map(_is_plain, x)) if type(x) is tuple else type(x) in (float, int, bool, str, type(None))


def _exact(x: Any) -> Any:
    """Return what tells a plain attribute from others that are equal to it: 1.0, 1 and True, 0.0 and -0.0."""
    return [*map(_exact, x)] if type(x) is tuple else x.hex() if type(x) is float else (type(x).__name__, x)


@lru_cache(256)
def _attributes_read(code: CodeType) -> tuple[str, ...] | None:
    """Return the names of the attributes that code reads; None if it reads or writes any other name."""
    inner = code.co_freevars or code.co_cellvars or any(isinstance(x, CodeType) for x in code.co_consts)
    named = [step for step in dis.get_instructions(code) if step.opcode in dis.hasname]
    if inner or any(step.opname not in ("LOAD_ATTR", "LOAD_METHOD") for step in named):
        return None
    return tuple(sorted({step.argval for step in named}))


def _finite(xs: Iterable[float]) -> bool:
    return all(map(math.isfinite, xs))


def infinite_gradient(parameter: Value, place: int, slope: float) -> Diverged:
    """Return the error of a gradient that is not finite."""
    return Diverged(f"the gradient of {parameter.label or f'parameter {place}'} is {slope}", parameter)


def _leaves(parameters: Any) -> list[Value]:
    """Return the parameters of a model, or the leaves in a list."""
    if isinstance(parameters, Module):
        found = parameters.parameters()
        if not found:
            raise ValueError(
                f"{parameters!r} has no parameters: these are leaves among its attributes, as in Value(0.1 * x), not "
                "0.1 * Value(x), and not frozen"
            )
        return found
    leaves = as_list(parameters, "parameters, if they are not a model,")
    for leaf in leaves:
        if not isinstance(leaf, Value) or leaf.gate is not None:
            raise TypeError(f"parameters must be leaves, as model.parameters() lists them, got {leaf!r}")
    require_distinct(leaves, "parameters")
    return leaves
