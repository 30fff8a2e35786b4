"""Running a program on NumPy without allocations: each operation writes into a buffer that is kept for one batch size.

In a small step NumPy spends most of the time on creating arrays, so the expressions are analysed once per batch size.
Constants and views are made then. Each operation gets its own buffer, or reuses that of an operand without another use.
Gradients of parameters are written into one flat array. A step is then one call of NumPy per line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import Any

from .expressions import (
    Broadcast,
    Call,
    Composed,
    Einsum,
    Expression,
    Extreme,
    Group,
    Infix,
    Joined,
    Name,
    Number,
    Operation,
    Reduced,
    Rows,
    Sum,
    View,
)
from .references import Source

__all__ = ["Buffered", "NoBuffers"]

UFUNCS = {
    "*": "multiply", "/": "divide", "@": "matmul", "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal",
}  # fmt: skip


class NoBuffers(Exception):
    """Raised for a program with an operation that cannot write into a buffer."""


@dataclass(eq=False)
class Operand:
    """The result of an expression: the name of its array in the generated lines, and that array at the time of
    analysis.

    kind: "constant", "given" (an argument, the gradient among them, or a view of one, made anew in every step), or "buffer"
    (or a view of one)
    named: whether the name is a line's own, or an argument's
    loose: a buffer that only the next operation reads
    """

    name: str
    array: Any
    kind: str
    named: bool = False
    loose: bool = False


class Buffered:
    """The program of a cost and its gradient for batches of one size: `run(gradient, theta, *leaves, *columns)` returns the
    cost, in an array, and writes its gradient into the first argument.

    text: its source; every name in it is a kept array, except the arguments and views of these
    size: the number of floats in its buffers
    """

    def __init__(
        self, source: Source, np: Any, constants: dict[str, Any], views: Sequence[Any], columns: Sequence[Any]
    ) -> None:
        _, *leaves = views  # the first is all parameters in one column
        cost, *parts = source.results
        given = ["theta", *(leaf.name for leaf in source.leaves), *source.inputs]
        self.np, self.dtype, self.size, self.count = np, columns[0].dtype, 0, 0
        samples = columns[0].shape[1]
        steady = {
            "B": samples, "seed": np.full_like(columns[0][:1], 1 / samples), "one": np.ones_like(columns[0][:1, :1]),
        }  # fmt: skip
        fixed = constants | steady
        self.known = {name: Operand(name, array, "constant", True) for name, array in fixed.items()}
        self.known |= {n: Operand(n, array, "given", True) for n, array in zip(given, [*views, *columns], strict=True)}
        self.kept_here: dict[int, Operand] = {}  # id of an array -> its operand
        self.composed: dict[str, Any] = {}  # name -> composed function
        self.lines: list[list[str | Operand]] = []
        places = [np.empty_like(leaf) for leaf in leaves]
        start = 0
        for leaf, place in zip(source.leaves, places, strict=True):
            name = self.fresh(f"g{leaf.name}")
            self.known[name] = self.kept_here[id(place)] = Operand(name, place, "given", True)
            self.lines.append([f"{name} = gradient[{start}:{start + place.size}].reshape{place.shape}"])
            start += place.size
        ends = {
            part.name: place for part, place in zip(source.results[1:], places, strict=True) if isinstance(part, Name)
        }
        for line in source.lines:
            made = self.emit(line.expression, ends.get(line.name))
            if not made.named:
                made.name, made.named = line.name, True
            made.loose = False
            self.known[line.name] = made
        found = self.emit(cost)
        if found.array.shape != (1, 1):  # the output is a constant
            found = self.kept(np.full((1, 1), found.array, self.dtype))
        for part, place in zip(parts, places, strict=True):
            made = self.emit(part, place)
            if made.array is not place:
                self.lines.append(["xp.copyto(", self.kept(place), ", ", made, ")"])
        body = ["".join(part if isinstance(part, str) else part.name for part in line) for line in self.lines]
        self.text = "\n    ".join([f"def run(gradient, {', '.join(given)}):", *body, f"return {found.name}"])
        names = {operand.name: operand.array for operand in self.kept_here.values()}
        names |= {**fixed, **self.composed, "xp": np}
        exec(compile(self.text, "<buffered>", "exec"), names)
        self.run = names["run"]

    def emit(self, part: Expression, place: Any = None) -> Operand:
        """Write the lines that compute a part, into `place` if possible, and return its operand."""
        if isinstance(part, Name):
            return self.known[part.name]
        if isinstance(part, Group):
            return self.emit(part.parts[0], place)
        if self.steady(part):
            array = self.np.asarray(self.evaluate(part))
            array = array.astype(self.dtype) if array.dtype.kind == "f" else array
            found = self.kept(array)
            found.kind = "constant"
            return found
        return self.lines_of(part, place)

    def steady(self, part: Expression) -> bool:
        """Tell whether a part has the same value in every step."""
        if isinstance(part, Name):
            return self.known[part.name].kind == "constant"
        return all(map(self.steady, part.parts))

    @singledispatchmethod
    def lines_of(self, part: Expression, place: Any) -> Operand:
        """Write the lines of an operation that is not steady."""
        raise TypeError(f"no lines for {part!r}")

    @lines_of.register
    def _(self, part: Infix, place: Any) -> Operand:
        return self.apply(UFUNCS[part.sign], [self.emit(operand) for operand in part.parts], place)

    @lines_of.register
    def _(self, part: Call, place: Any) -> Operand:
        if part.name == "where":
            return self.choice(*map(self.emit, part.parts))
        return self.apply(part.name, [self.emit(operand) for operand in part.parts], place)

    @lines_of.register
    def _(self, part: Composed, place: Any) -> Operand:
        operands = [self.emit(operand) for operand in part.parts]
        made = self.kept(part.run(self.np, [operand.array for operand in operands]))
        self.composed[part.name] = part.function
        self.lines.append(["xp.copyto(", made, f", {part.name}(xp, ", *_listed(operands), "))"])
        return made

    @lines_of.register
    def _(self, part: Sum, place: Any) -> Operand:
        last = len(part.parts) - 1
        found = self.emit(part.parts[0])
        if part.signs[0] < 0:
            found = self.apply("negative", [found], place if last == 0 else None)
        for k in range(1, last + 1):
            name = "add" if part.signs[k] > 0 else "subtract"
            found = self.apply(name, [found, self.emit(part.parts[k])], place if k == last else None)
        return found

    @lines_of.register
    def _(self, part: Reduced, place: Any) -> Operand:
        """A sum or a mean, as a product with ones where possible, because that call is cheaper."""
        np, rows = self.np, self.emit(part.of)
        if rows.array.dtype != self.dtype:
            raise NoBuffers("bool")
        if part.axis is None:  # the mean
            row = self.seen(rows, "", ".reshape(1, -1)", rows.array.reshape(1, -1))
            weights = np.full((row.array.size, 1), 1 / row.array.size, self.dtype)
            return self.write("dot", [row, self.kept(weights)], row.array @ weights, place)
        result = part.run(np, [rows.array])
        if rows.array.ndim == result.ndim == 2:
            ones = self.kept(np.ones((rows.array.shape[1], 1) if part.axis else (1, len(rows.array)), self.dtype))
            return self.write("dot", [rows, ones] if part.axis else [ones, rows], result, place)
        return self.write("add.reduce", [rows], result, place, f"{part.axis}, None")

    @lines_of.register
    def _(self, part: View, place: Any) -> Operand:
        """Rows of an array, or the array in another shape: a view where NumPy can make one, else a copy."""
        base, *others = map(self.emit, part.parts)
        result = part.run(self.np, [base.array, *(other.array for other in others)])
        if base.kind == "given" or self.np.may_share_memory(result, base.array):
            return self.seen(base, "", part.printed(["", *(other.name for other in others)]), result)
        if isinstance(part, Rows):
            return self.write("take", [base, *others], result, place, "0", ', "clip"')
        self.lines.append(["xp.copyto(", self.kept(result.reshape(base.array.shape)), ", ", base, ")"])
        return self.kept(result)

    @lines_of.register
    def _(self, part: Extreme, place: Any) -> Operand:
        rows, name = self.emit(part.of), f"{part.op}imum"
        return self.write(f"{name}.reduce", [rows], part.run(self.np, [rows.array]), place, "1, None")

    @lines_of.register
    def _(self, part: Joined, place: Any) -> Operand:
        operands = [self.emit(piece) for piece in part.parts]
        made = self.kept(self.np.concatenate([operand.array for operand in operands]))
        self.lines.append(["xp.concatenate((", *_listed(operands), ",), 0, ", made, ")"])
        return made

    @lines_of.register
    def _(self, part: Broadcast, place: Any) -> Operand:
        base = self.emit(part.of)
        result = part.run(self.np, [base.array, self.evaluate(part.columns)])
        return self.seen(base, "xp.broadcast_to(", f", {result.shape})", result)

    @lines_of.register
    def _(self, part: Einsum, place: Any) -> Operand:
        operands = [self.emit(operand) for operand in part.parts]
        made = self.kept(part.run(self.np, [operand.array for operand in operands]))
        self.lines.append([f"xp.einsum({part.products!r}, ", *_listed(operands), ", out=", made, ")"])
        return made

    def apply(self, name: str, operands: Sequence[Operand], place: Any) -> Operand:
        """An operation on every entry, or a matrix product."""
        function = getattr(self.np, name, None)
        if not isinstance(function, self.np.ufunc):
            raise NoBuffers(name)
        result = function(*[operand.array for operand in operands])
        if name == "matmul":
            two = all(operand.array.ndim == 2 for operand in operands)
            return self.write(
                "dot" if two else name, operands, result, place
            )  # np.dot has less overhead than np.matmul
        alike = [
            o.array for o in operands if o.loose and (o.array.shape, o.array.dtype) == (result.shape, result.dtype)
        ]
        return self.write(name, operands, result, alike[0] if place is None and alike else place)

    def choice(self, condition: Operand, yes: Operand, no: Operand) -> Operand:
        if condition.array.dtype != bool:  # comparisons joined from several arrays are floats
            condition = self.apply("not_equal", [condition, self.emit(Number(0))], None)
        made = self.kept(self.np.where(condition.array, yes.array, no.array))
        self.lines.append(["xp.copyto(", made, ", ", no, ")"])
        self.lines.append(["xp.copyto(", made, ", ", yes, ', "same_kind", ', condition, ")"])
        return made

    # Lines and names

    def write(
        self, name: str, operands: Sequence[Operand], result: Any, place: Any, before: str = "", after: str = ""
    ) -> Operand:
        """Add the line of a call that writes its result into a buffer: the place, if the result is such an array."""
        array = self.np.asarray(result)
        if place is not None and (place.shape, place.dtype) == (array.shape, array.dtype):
            place[...] = array
            array = place
        out = self.kept(array)
        keyword = "out=" if name in ("maximum", "minimum") else ""
        self.lines.append(
            [f"xp.{name}(", *_listed(operands), f", {before}" if before else "", f", {keyword}", out, f"{after})"]
        )
        out.loose = out.kind == "buffer"  # otherwise it is a part of the gradient
        return out

    def seen(self, base: Operand, before: str, after: str, view: Any) -> Operand:
        """Return a view of an operand: of a kept array a kept one, else by a line that makes it in every step."""
        if base.kind != "given":
            return self.kept(view)
        found = Operand(self.fresh(), view, "given")
        self.lines.append([found, f" = {before}", base, after])
        return found

    def kept(self, array: Any) -> Operand:
        """Return the operand of an array that is kept between steps."""
        if id(array) not in self.kept_here:
            self.kept_here[id(array)] = Operand(self.fresh(), array, "buffer")
            self.size += array.size
        return self.kept_here[id(array)]

    def fresh(self, name: str = "") -> str:
        """Return a new name."""
        self.count += not name
        found = name or f"t{self.count}"
        return self.fresh(name and f"{name}_") if found in self.known else found

    def evaluate(self, part: Expression) -> Any:
        """Evaluate a part on the arrays of its operands."""
        if isinstance(part, Name):
            return self.known[part.name].array
        assert isinstance(part, Operation)
        return part.run(self.np, [self.evaluate(operand) for operand in part.parts])


def _listed(operands: Sequence[Operand]) -> list[str | Operand]:
    """Return operands with commas between them."""
    return [piece for operand in operands for piece in (", ", operand)][1:]
