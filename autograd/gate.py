"""A gate: one row of the table, with its forward rule, its local gradients and everything that readers need."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from math import inf, isfinite, nan
from operator import add
from typing import Any, NamedTuple, Protocol, TypeVar, overload

from ._engine import recording_call
from .arguments import as_float, as_list, remedy, truncated_repr
from .functions import COMPARISONS, FLOATS, FUNCTIONS, hint
from .symbols import (
    BINDING,
    PYTHON,
    SYMBOLS,
    Symbol,
    decided,
    folded,
    functions,
    mathematics,
    may_refuse,
    statements,
    terms,
)

__all__ = [
    "GATES",
    "INSIDE",
    "NONZERO",
    "POSITIVE",
    "REAL",
    "Gate",
    "Kink",
    "entries",
    "gate",
    "gate_text",
    "inputs_text",
    "refuse_infinite",
    "source",
]

Rule = Callable[..., Any]
Domain = tuple[tuple[float, float], ...]

# A domain is a union of intervals from which tests draw an input; these are far from overflow.
REAL: Domain = ((-4.0, 4.0),)
POSITIVE: Domain = ((0.1, 8.0),)
NONZERO: Domain = ((-4.0, -0.1), (0.1, 4.0))
INSIDE: Domain = ((-0.9, 0.9),)  # between −1 and 1

MOST_INPUTS = 10  # maximum number of named inputs
MOST_FORMULAS = 50  # maximum number of local gradients that are printed for one gate
MOST_SHOWN = 8  # maximum number of inputs that a formula or a message lists


class Kink(NamedTuple):
    """Where a gate has no derivative, and the value that is used there by convention.

    >>> GATES["relu"].kink.convention, GATES["relu"].kink.distance(-3.0)
    ('relu′(0) = 0', -3.0)
    """

    distance: Callable[..., Any]  # a function of the inputs: 0 at the kink, its absolute value the distance to it
    convention: str


class Recorder(Protocol):
    """An input that handles a gate itself: a Value records the gate, a symbol builds its formula."""

    def __gate__(self, gate: Gate, inputs: tuple[Any, ...], /) -> Any: ...


T = TypeVar("T", bound=Recorder)


@dataclass(eq=False)
class Gate:
    """One row of the table: a gate's forward rule, its local gradients, and what readers need beside them.

    Call a gate like a function: floats in, a float out; Values in, a Value out.
    Rules consist of arithmetic and `xp` functions (`exp`, `log`, `maximum`, `where`, …), so one rule runs on floats, on
    arrays, on Values, and on symbols, which print it.

    >>> GATES["mul"].apply([2.0, 3.0]), GATES["mul"].formula(["w", "x"]), GATES["mul"].formulas()
    (6.0, 'w·x', ['b', 'a'])
    """

    name: str
    symbol: str  # in pictures
    forward: Rule  # (xp, *inputs) -> output
    local: tuple[Rule | None, ...]  # (xp, output, *inputs) -> d output/d input, one per input; None where it has none
    domain: tuple[Domain, ...]  # one per input
    kink: Kink | None
    nickname: str  # describes its effect on a gradient, as "gradient distributor" in CS231n's course notes
    arrange: Callable[..., Sequence[Any]]  # maps the arguments of a call to the inputs in order
    doc: str

    names: tuple[str, ...] = field(init=False)  # the parameters of the forward rule, without xp
    variadic: bool = field(init=False)  # takes any number of inputs; one local rule returns all their gradients
    compute: Callable[..., float] = field(init=False)  # the forward rule on floats: see `source`
    slopes: Callable[..., Any] = field(init=False)  # the local gradients on floats
    record: Any = field(init=False, default=None)  # the row in the C engine

    def __post_init__(self) -> None:
        _, *inputs = inspect.signature(self.forward).parameters.values()
        self.variadic = bool(inputs) and inputs[0].kind is inspect.Parameter.VAR_POSITIONAL
        self.names = tuple(parameter.name for parameter in inputs)
        self.__name__ = self.name
        self.__signature__ = inspect.signature(self.arrange)  # read by help() and by reports of checks

    @overload
    def __call__(self, first: T, /, *inputs: Any, **named: Any) -> T: ...
    @overload
    def __call__(self, *inputs: float, **named: float) -> float: ...
    @overload
    def __call__(self, *inputs: Any, **named: Any) -> Any: ...
    @recording_call
    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Return the output for inputs by position, by name or in one list: a Value if one of them is, else a float."""
        try:
            arranged = self.arrange(*inputs, **named)
        except TypeError:
            self.check_call(*inputs, **named)
            raise
        return self.apply(arranged)

    def check_call(self, *inputs: Any, **named: Any) -> None:
        """Raise a TypeError that names the gate and its inputs if these arguments do not fit them.

        >>> GATES["dot"].check_call([1.0])
        Traceback (most recent call last):
        TypeError: dot(w, x, bias=0.0): missing a required argument: 'x'
        """
        plain = [p.replace(annotation=p.empty) for p in self.__signature__.parameters.values()]
        signature = inspect.Signature(plain)
        try:
            signature.bind(*inputs, **named)
        except TypeError as error:
            raise TypeError(f"{self.name}{signature}: {error}") from None

    def apply(self, inputs: Sequence[Any]) -> Any:
        """Return the output for inputs in order: a float, or the result of `__gate__` of the first input that has it."""
        for x in inputs:
            if hasattr(type(x), "__gate__"):
                return x.__gate__(self, tuple(inputs))
        floats = [as_float(x, self.name) for x in inputs]
        try:
            return self.evaluate(floats)
        except TypeError:
            if floats:
                raise
            raise ValueError(f"{self.name} of an empty list has no value: give it at least one entry") from None
        except (ArithmeticError, ValueError) as error:
            raise self.refusal(error, floats, ()) from None

    def evaluate(self, inputs: Sequence[float]) -> float:
        """Return the output for floats as a float; raise ValueError if the rule gives a complex number."""
        output = self.forward(FLOATS, *inputs)
        if output.__class__ is complex:
            raise ValueError("the result is complex")
        return float(output)

    def local_gradients(
        self, xp: Any, output: Any, inputs: Sequence[Any], wanted: Sequence[bool] | None = None
    ) -> list[Any]:
        """Return d output/d input for every input; None for one that is not wanted or has no gradient."""
        if not self.variadic:
            wanted = wanted or [True] * len(inputs)
            return [
                rule(xp, output, *inputs) if rule and want else None
                for rule, want in zip(self.local, wanted, strict=True)
            ]
        (every,) = self.local
        if every is None or not (wanted is None or any(wanted)):
            return [None] * len(inputs)
        slopes = as_list(every(xp, output, *inputs), f"what the local rule of {self.name} returns")
        if len(slopes) != len(inputs):
            raise TypeError(
                f"the local rule of {self.name} must return one slope per input, {len(inputs)} here, got {len(slopes)}: "
                "return a list, with None for an input without a gradient"
            )
        return slopes if wanted is None else [s if want else None for s, want in zip(slopes, wanted, strict=True)]

    def formulas(self, inputs: Sequence[str | float] = (), output: str = "out") -> list[str]:
        """Return each local gradient as a formula of named inputs or numbers.

        A variadic gate needs its inputs given; for more than MOST_FORMULAS the list is empty.
        """
        slopes = self._local_symbols(inputs, output)
        return ["no gradient" if slope is None else mathematics(folded(slope)) for slope in slopes]

    def decided_formulas(
        self, inputs: Sequence[str | float], output: str, data: Sequence[float], result: float
    ) -> list[tuple[str, str]]:
        """Return each local gradient as a formula at these numbers, and why its choices were made, if it has any.

        Both are empty for an input without gradient. For more than MOST_FORMULAS inputs of a variadic gate the list is
        empty.

        >>> GATES["maximum"].decided_formulas(["a", "b"], "out", [2.0, 5.0], 5.0)
        [('0', 'a < b'), ('1', 'b > a')]
        """
        numbers = {x: number for x, number in zip(inputs, data, strict=True) if isinstance(x, str)} | {output: result}
        found = []
        for slope in self._local_symbols(inputs, output):
            try:
                found.append(("", "") if slope is None else decided(slope, numbers))
            except (ArithmeticError, ValueError):  # no slope here
                found.append(("", ""))
        return found

    def _local_symbols(self, inputs: Sequence[str | float], output: str) -> list[Symbol | None]:
        if self.variadic and not 0 < len(inputs) <= MOST_FORMULAS:
            return []
        symbols = [Symbol.named(x) if isinstance(x, str) else Symbol.of(x) for x in inputs or self.names]
        slopes = self.local_gradients(SYMBOLS, Symbol.named(output), symbols)
        return [None if slope is None else Symbol.of(slope) for slope in slopes]

    def refusal(
        self, error: Exception, inputs: Sequence[float], labels: Sequence[str | None], where: str = ""
    ) -> Exception:
        """Return an exception of the same type that names the gate and its inputs."""
        return type(error)(f"{self.name}: {error} (at {inputs_text(self, inputs, labels)}){where}")

    def formula(self, inputs: Sequence[str | float]) -> str:
        """Return the output as a formula: operators between its inputs, or else a function call."""
        symbols = [Symbol.named(x) if isinstance(x, str) else Symbol.of(x) for x in inputs]
        written = self.written(symbols)
        if written is not None:
            return mathematics(written)
        shown = [mathematics(symbol) for symbol in symbols]
        shown = [*shown[: MOST_SHOWN - 2], "…", shown[-1]] if len(shown) > MOST_SHOWN else shown
        return f"{self.name}({', '.join(shown)})"

    def written(self, symbols: Sequence[Symbol]) -> Symbol | None:
        """Return the output as an expression of operators between its inputs, or None if it is written as a call.

        >>> w, x = Symbol.named("w"), Symbol.named("x")
        >>> GATES["mul"].written([w, x]), GATES["exp"].written([x])
        (w * x, None)
        """
        if self.variadic and len(symbols) > 2 * MOST_SHOWN:
            return None
        output = Symbol.of(self.forward(SYMBOLS, *symbols))
        sum_of = terms(output)
        if len(sum_of) > 1 or any(term.operator == "mul" for term in sum_of):
            return reduce(add, sorted(sum_of, key=lambda term: term.operator != "mul"))
        plain = all(isinstance(x, Symbol) and x.operator in ("name", "number") for x in output.arguments)
        return (
            output if plain and not self.variadic and (output.operator in BINDING or output.operator == "pow") else None
        )

    def __repr__(self) -> str:
        return f"<gate {self.name}({', '.join('*' * self.variadic + name for name in self.names)})>"

    def __reduce__(self) -> Any:
        if _named(self.name) is not self:  # reading by name would give the other gate's numbers
            raise LookupError(
                f"this graph uses a gate {self.name!r} that another one of that name has replaced: record it anew"
            )
        return _named, (self.name,)


def gate_text(gate: Gate, output: str | None) -> str:
    """Return the name of a gate as text, with that of its output if it has one: `mul 'y'`."""
    return f"{gate.name} {output!r}" if output else gate.name


def inputs_text(gate: Gate, inputs: Sequence[float], labels: Sequence[str | None] = ()) -> str:
    """Return inputs as text, `x = 2.0, y = 3.0`, with their labels or else the parameter names of the rule."""
    names = [f"{gate.names[0]}[{i}]" for i in range(len(inputs))] if gate.variadic else gate.names
    labels = labels or [None] * len(inputs)
    texts = [f"{label or name} = {x!r}" for name, label, x in zip(names, labels, inputs, strict=True)]
    return ", ".join(texts if len(texts) <= MOST_SHOWN else [*texts[: MOST_SHOWN - 2], "…", texts[-1]])


GATES: dict[str, Gate] = {}


def gate(
    name: str,
    symbol: str,
    forward: Rule,
    *local: Rule | None,
    doc: str = "",
    domain: Sequence[Domain] = (),
    kink: Kink | None = None,
    nickname: str = "",
    arrange: Callable[..., Sequence[Any]] | None = None,
) -> Gate:
    """Add a gate to the table and return it; every part of the project can use it from then on.

    `forward(xp, *inputs)` returns the output; each `local(xp, output, *inputs)` returns d output/d input, one per input, or
    is None for an input without gradient. A forward rule with `*inputs` takes any number of inputs and has one local rule,
    which returns the gradients of all. `xp` holds the functions of the table in functions.py, and for floats those of Python's
    `math` too: a rule may call `xp.lgamma`, but then compile and pages, which need a form in other languages, refuse the gate
    by name. Both branches of an `xp.where` are computed, so guard a domain inside the branch:
    `xp.where(x > 0, xp.log(xp.where(x > 0, x, 1.0)), 0.0)`.
    `domain` holds for each input the intervals from which tests draw it (default: REAL). `arrange` maps the arguments of a call
    to `*inputs`; default: as they are, or the entries of a single list.

    >>> inverse_square = gate("inverse_square", "1/x²", lambda xp, x: 1 / (x * x), lambda xp, out, x: -2 * out / x)
    >>> inverse_square(2.0)
    0.25
    >>> del GATES["inverse_square"]
    """
    _check_declaration(name, symbol, forward, local, doc, domain, kink, nickname, arrange)
    if name in GATES:
        raise ValueError(f"there is a gate {name!r} already: choose another name, or del GATES[{name!r}] first")
    parameters = list(inspect.signature(forward).parameters.values())[1:]
    variadic = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    wanted = 1 if variadic else len(parameters)
    if not wanted or len(local) != wanted or (variadic and len(parameters) > 1):
        raise ValueError(
            f"the gate {name!r} needs a forward rule (xp, *inputs) with at least one input and {wanted or 1} local "
            f"gradient(s), one per input (one in all for *inputs); it has {len(parameters)} input(s) and {len(local)}"
        )
    if arrange is not None and not variadic:
        raise ValueError(
            f"arrange of the gate {name!r} must be left out, because the gate has named inputs: it is for a rule with *inputs"
        )
    if wanted > MOST_INPUTS:
        raise ValueError(f"the gate {name!r} has {wanted} inputs; one with more than {MOST_INPUTS} takes *inputs")
    row = Gate(
        name=name,
        symbol=symbol,
        forward=forward,
        local=local,
        domain=tuple(domain) or (REAL,) * wanted,
        kink=kink,
        nickname=nickname,
        arrange=arrange or (partial(entries, name) if variadic else _in_order(parameters)),
        doc=doc,
    )
    if len(row.domain) != wanted:
        raise ValueError(f"the gate {name!r} has {wanted} input(s) but a domain for {len(row.domain)}")
    symbols = [Symbol.named(f"x{i}") for i in range(3 if variadic else len(parameters))]
    try:
        output = Symbol.of(forward(SYMBOLS, *symbols))
        slopes = [Symbol.of(slope) for slope in row.local_gradients(SYMBOLS, output, symbols) if slope is not None]
        for function in sorted(functions(output, *slopes)):
            if not hasattr(FLOATS, function):
                raise TypeError(f"there is no xp.{function} for floats{hint(function)}")
    except (TypeError, ValueError, ArithmeticError) as error:
        raise type(error)(f"the rules of the gate {name!r} do not work on {len(symbols)} input(s): {error}") from error
    row.compute, row.slopes = _code(row)
    row.__doc__ = _manual(row)
    GATES[name] = row
    return row


def _check_declaration(
    name: Any, symbol: Any, forward: Any, local: Any, doc: Any, domain: Any, kink: Any, nickname: Any, arrange: Any
) -> None:
    """Raise an error for the first argument that has the wrong type."""
    for what, text in (("name", name), ("symbol", symbol), ("doc", doc), ("nickname", nickname)):
        if not isinstance(text, str):
            raise TypeError(f"the {what} of a gate is a str, not {truncated_repr(text)}")
    if not name.isidentifier():
        raise ValueError(f"a gate's name is written in code, so it must be an identifier, not {name!r}")
    for what, rule in (("forward rule", forward), *(("local gradient", rule) for rule in local), ("arrange", arrange)):
        if not callable(rule) and (rule is not None or rule is forward):
            raise TypeError(
                f"the {what} of the gate {name!r} is a function, such as lambda xp, x: x * x, not {truncated_repr(rule)}"
            )
    if kink is not None and not (hasattr(kink, "distance") and hasattr(kink, "convention")):
        raise TypeError(f"the kink of the gate {name!r} is a Kink(distance, convention), not {truncated_repr(kink)}")
    try:
        inputs = [[float(low) < float(high) for low, high in intervals] for intervals in domain]
    except (TypeError, ValueError):
        inputs = [[]]
    if not all(intervals and all(intervals) for intervals in inputs):
        raise TypeError(
            f"the domain of the gate {name!r} holds, for each input, intervals (low, high), as in [((-4, 4),)], "
            f"not {truncated_repr(domain)}"
        )


def _in_order(parameters: Sequence[inspect.Parameter]) -> Callable[..., Sequence[Any]]:
    """Return the `arrange` of a gate with named inputs: arguments by position or by name."""
    signature = inspect.Signature(parameters)

    def arrange(*inputs: Any, **named: Any) -> Sequence[Any]:
        if len(inputs) == len(parameters) and not named:
            return inputs
        bound = signature.bind(*inputs, **named)
        bound.apply_defaults()
        return bound.args

    arrange.__signature__ = signature  # type: ignore[attr-defined]
    return arrange


def entries(name: str, *xs: Any) -> tuple[Any, ...]:
    """Return the inputs of a variadic gate as a tuple, from one list or from single arguments: max([a, b]), max(a, b)."""
    if len(xs) != 1 or hasattr(type(xs[0]), "__gate__"):
        return xs
    try:
        return tuple(xs[0])
    except TypeError:
        raise TypeError(f"{name} needs a list of Values and numbers, not {remedy(xs[0])}") from None


def _named(name: str) -> Gate:
    """Return the gate of this name, for unpickling."""
    try:
        return GATES[name]
    except KeyError:
        raise LookupError(f"this graph uses the gate {name!r}, which is not in the table: declare it first") from None


# Generated Python code. Running a rule on symbols gives its formula; compiled as a function, the formula is several times
# as fast as the rule, because it calls no operators of xp.

NAMES = "xyzuvwpqrs"  # names of up to MOST_INPUTS inputs in generated code


def source(gate: Gate) -> str:
    """Return the Python source of the rules of a gate with named inputs.

    A local gradient that calls a function or divides is computed only if it is wanted; otherwise it is None. It raises
    OverflowError where it is infinite at finite inputs.

    >>> print(source(GATES["div"]))
    def forward(x, y):
        return x / y
    def slopes(out, x, y, wanted_x, wanted_y):
        to_x = None
        if wanted_x:
            to_x = 1.0 / y
            if not isfinite(to_x):
                refuse_infinite([x, y])
        to_y = None
        if wanted_y:
            to_y = -out / y
            if not isfinite(to_y):
                refuse_infinite([x, y])
        return to_x, to_y
    """
    names = NAMES[: len(gate.names)]
    output, slopes = _on_symbols(gate)
    named, (text,) = statements([output], PYTHON)
    text = text if _gives_float(output) else f"float({text})"
    lines = [
        f"def forward({', '.join(names)}):",
        *(f"    {name} = {part}" for name, part in named),
        f"    return {text}",
    ]
    lines += [f"def slopes({', '.join(['out', *names, *(f'wanted_{name}' for name in names)])}):"]
    for name, slope in zip(names, slopes, strict=True):
        if slope is None or may_refuse(slope):
            lines += [f"    to_{name} = None"]
        if slope is not None:
            named, (text,) = statements([slope], PYTHON)
            computed = [f"{variable} = {part}" for variable, part in [*named, (f"to_{name}", text)]]
            if may_refuse(slope):
                computed += [f"if not isfinite(to_{name}):", f"    refuse_infinite([{', '.join(names)}])"]
                computed = [f"if wanted_{name}:", *(f"    {line}" for line in computed)]
            lines += [f"    {line}" for line in computed]
    lines += [f"    return {', '.join(f'to_{name}' for name in names)}{',' * (len(names) == 1)}"]
    return "\n".join(lines)


def _on_symbols(gate: Gate) -> tuple[Symbol, list[Symbol | None]]:
    inputs = [*map(Symbol.named, NAMES[: len(gate.names)])]
    slopes = gate.local_gradients(SYMBOLS, Symbol.named("out"), inputs)
    return Symbol.of(gate.forward(SYMBOLS, *inputs)), [x if x is None else Symbol.of(x) for x in slopes]


def _gives_float(formula: Symbol) -> bool:
    """Tell whether a formula gives a float for floats in Python; a comparison gives a bool, and floor an int."""
    exact = {name for name, row in FUNCTIONS.items() if row.c}  # functions with a C form return floats in Python too
    return formula.operator not in COMPARISONS and functions(formula) <= exact


def _slopes_of_many(gate: Gate, checked: bool, out: float, *given: Any) -> list[float | None]:
    """Return the local gradients of a variadic gate; `given` holds the inputs, then for each whether it is wanted."""
    count = len(given) // 2
    slopes = gate.local_gradients(FLOATS, out, given[:count], given[count:])
    if checked and not all(slope is None or isfinite(slope) for slope in slopes):
        refuse_infinite(given[:count])
    return slopes


def refuse_infinite(inputs: Sequence[float]) -> None:
    """Raise OverflowError for an infinite local gradient, unless an input is not finite either."""
    if all(map(isfinite, inputs)):
        raise OverflowError("a local gradient is beyond the floats")


def _code(gate: Gate) -> tuple[Callable[..., float], Callable[..., Any]]:
    """Return `compute` and `slopes` of a gate: functions of floats, compiled from `source`.

    A variadic gate has no fixed formula, so its rules themselves are called.
    """
    if gate.variadic:
        few = [Symbol.named(f"x{i}") for i in range(3)]
        local = gate.local_gradients(SYMBOLS, Symbol.named("out"), few)
        checked = any(may_refuse(Symbol.of(slope)) for slope in local if slope is not None)
        return lambda *inputs: gate.evaluate(inputs), partial(_slopes_of_many, gate, checked)
    output, slopes = _on_symbols(gate)
    called = functions(output, *(slope for slope in slopes if slope is not None))
    namespace: dict[str, Any] = {"inf": inf, "nan": nan, "isfinite": isfinite, "refuse_infinite": refuse_infinite}
    namespace |= {name: getattr(FLOATS, name) for name in called}
    exec(compile(source(gate), f"<gate {gate.name}>", "exec"), namespace)
    return namespace["forward"], namespace["slopes"]


# The docstring of a gate, made from its row, with an example that is computed here.

NUMBERS = (-0.5, 2.0, 3.0, 1.5)  # inputs of the example, if they are in the domain
LONGEST = 100  # maximum number of characters of the local gradients in a docstring


def _manual(gate: Gate) -> str:
    """Return the docstring of a gate: its doc, the local gradients, the nickname, the kink, and an example."""
    arguments = _arguments(gate)
    names = [name for name, x in arguments.items() for name in _entry_names(name, x)]
    slopes = ", ".join(gate.formulas(names if gate.variadic else ()))
    notes = [f"Local gradient{'s' * (',' in slopes)}: {slopes}."] * (0 < len(slopes) <= LONGEST)
    notes += [f"Its nickname is {gate.nickname}."] * bool(gate.nickname)
    notes += [f"By convention {gate.kink.convention}."] if gate.kink else []
    return "\n\n".join(filter(None, [gate.doc, " ".join(notes), _example(gate, arguments)]))


def _arguments(gate: Gate) -> dict[str, Any]:
    """Return arguments for a call, by name: numbers, or lists of numbers for a variadic gate."""
    wanted = [p for p in inspect.signature(gate.arrange).parameters.values() if p.default is p.empty]
    if not gate.variadic:
        return {p.name: _number(i, domain) for i, (p, domain) in enumerate(zip(wanted, gate.domain))}
    entries = iter([_number(i, gate.domain[0]) for i in range(4)])
    return {p.name: [next(entries) for _ in range(2 if len(wanted) > 1 else 3)] for p in wanted[:2]}


def _number(i: int, domain: Any) -> float:
    choices = [*NUMBERS[i % 4 :], *NUMBERS, *(sum(interval) / 2 for interval in domain)]
    return next(float(x) for x in choices if any(low <= x <= high for low, high in domain))


def _entry_names(name: str, x: Any) -> list[str]:
    return [f"{name[0]}{i}" for i in range(1, len(x) + 1)] if isinstance(x, list) else [name]


def _example(gate: Gate, arguments: dict[str, Any]) -> str:
    """Return a doctest that calls the gate and its gradient; an empty string if the gate is undefined there."""
    given = list(arguments.values())
    try:
        inputs = gate.arrange(*given)
        output = gate.evaluate(inputs)
        slopes = iter([slope or 0.0 for slope in gate.local_gradients(FLOATS, output, inputs)])
    except (ArithmeticError, ValueError):
        return ""
    gradients = tuple([next(slopes) for _ in x] if isinstance(x, list) else next(slopes) for x in given)
    call = ", ".join(map(repr, given))
    shown = output, gradients[0] if len(gradients) == 1 else gradients
    return f">>> {gate.name}({call}), grad({gate.name})({call})\n{shown!r}"
