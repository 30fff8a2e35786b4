"""The same program without allocations: every operation of the source as a NumPy call into a buffer kept for one batch size.

Of a small step NumPy spends most on making arrays. So the source is taken apart once: constants and views are made then,
every operation gets a buffer of its own, or that of an operand that nothing else takes, and the gradients of parameters are
written where they stand in one flat array. What is left to do in a step is one call a line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .references import Source

__all__ = ["Buffered", "NoBuffers"]

UFUNCS: dict[type, str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.MatMult: "matmul",
    ast.USub: "negative", ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal",
}  # fmt: skip


class NoBuffers(Exception):
    """The source holds something that has no form with a buffer."""


@dataclass
class Operand:
    """What a part of the source stands for, and the array that it was when the source was taken apart.

    kind: "constant", "given" (an argument, the gradient among them, or a view of one, made anew in every step), or "buffer"
    (or a view of one)
    loose: a buffer that nothing but the next operation takes
    """

    text: str
    array: Any
    kind: str
    loose: bool = False


class Buffered:
    """The source of a cost and its gradient for batches of one size: `run(gradient, theta, *leaves, *columns)` returns the
    cost, in an array, and writes its gradient into the first argument.

    text: what it runs; every name in it but the arguments, and views of these, is an array that is there for good
    size: how many numbers it keeps
    """

    def __init__(
        self, source: Source, np: Any, constants: dict[str, Any], views: Sequence[Any], columns: Sequence[Any]
    ) -> None:
        _, *leaves = views  # the first is all parameters in one column
        (function,) = ast.parse(source.text).body
        assert isinstance(function, ast.FunctionDef)
        *statements, last = function.body
        assert isinstance(last, ast.Return) and isinstance(last.value, ast.Tuple)
        cost, *parts = last.value.elts
        given = [argument.arg for argument in function.args.args[1:]]  # all but xp
        self.np, self.dtype, self.size, self.count = np, columns[0].dtype, 0, 0
        self.known = {name: Operand(name, array, "constant") for name, array in constants.items()}
        self.known |= {n: Operand(n, array, "given") for n, array in zip(given, [*views, *columns], strict=True)}
        self.called: dict[int, str] = {}  # the name of a kept array
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"xp": np, **constants}  # what the lines find by name
        places = [np.empty_like(leaf) for leaf in leaves]
        start = 0
        for leaf, place in zip(source.leaves, places, strict=True):
            name = self.called[id(place)] = self.fresh(f"g{leaf.name}")
            self.known[name] = Operand(name, place, "given")
            self.lines.append(f"{name} = gradient[{start}:{start + place.size}].reshape{place.shape}")
            start += place.size
        ends = {part.id: place for part, place in zip(parts, places, strict=True) if isinstance(part, ast.Name)}
        for statement in statements:
            assert isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
            self.state(statement.targets[0].id, statement.value, ends)
        found = self.emit(cost)
        if found.array.shape != (1, 1):  # a number that depends on nothing
            found = self.kept(np.full((1, 1), found.array, self.dtype))
        for part, place in zip(parts, places, strict=True):
            made = self.emit(part, place)
            if made.array is not place:
                self.lines.append(f"xp.copyto({self.keep(place)}, {made.text})")
        self.text = "\n    ".join([f"def run(gradient, {', '.join(given)}):", *self.lines, f"return {found.text}"])
        exec(compile(self.text, "<buffered>", "exec"), self.names)
        self.run = self.names["run"]

    def state(self, name: str, expression: ast.expr, ends: dict[str, Any]) -> None:
        """Emit a statement, and call what it makes by its name."""
        first = len(self.lines)
        made = self.emit(expression, ends.get(name))
        if made.text not in self.known:
            self.lines[first:] = [re.sub(rf"\b{made.text}\b", name, line) for line in self.lines[first:]]
            if made.text in self.names:
                self.names[name] = self.names.pop(made.text)
                self.called[id(made.array)] = name
            made.text = name
        made.loose = False
        self.known[name] = made

    def emit(self, part: ast.expr, place: Any = None) -> Operand:
        """Write the lines that compute a part, into `place` if they can, and return what it stands for."""
        if isinstance(part, ast.Name) and part.id in self.known:
            return self.known[part.id]
        if self.steady(part):
            array = self.np.asarray(self.evaluate(part))
            array = array.astype(self.dtype) if array.dtype.kind == "f" else array
            return Operand(self.keep(array), array, "constant")
        if isinstance(part, ast.BinOp):
            return self.apply(UFUNCS[type(part.op)], [part.left, part.right], place)
        if isinstance(part, ast.UnaryOp):
            return self.apply(UFUNCS[type(part.op)], [part.operand], place)
        if isinstance(part, ast.Compare):
            return self.apply(UFUNCS[type(part.ops[0])], [part.left, *part.comparators], place)
        if isinstance(part, ast.Subscript):
            return self.view(part, part.value, place)
        if isinstance(part, ast.Attribute):
            return self.view(part, part.value, place)
        assert isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute)
        of, name = part.func.value, part.func.attr
        if not (isinstance(of, ast.Name) and of.id == "xp"):
            return self.reduced(part, of, place) if name in ("sum", "mean") else self.view(part, of, place)
        special = getattr(self, f"_{name}", None)
        made: Operand = special(part.args, place) if special else self.apply(name, part.args, place)
        return made

    def steady(self, part: ast.AST) -> bool:
        """Tell whether a part is the same in every step; of the data it may take the shape."""
        if isinstance(part, ast.Name):
            return part.id == "xp" or self.known[part.id].kind == "constant"
        if isinstance(part, ast.Attribute) and part.attr == "shape":
            return True
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr.endswith("_like"):
            return all(map(self.steady, part.args[1:]))
        return all(self.steady(child) for child in ast.iter_child_nodes(part))

    def apply(self, name: str, parts: Sequence[ast.expr], place: Any) -> Operand:
        """An operation on every entry, or a matrix product."""
        function = getattr(self.np, name, None)
        if not isinstance(function, self.np.ufunc):
            raise NoBuffers(name)
        operands = [self.emit(part) for part in parts]
        result = function(*[operand.array for operand in operands])
        if name == "matmul":
            two = all(operand.array.ndim == 2 for operand in operands)
            return self.write("dot" if two else name, operands, result, place)  # dot costs less to call
        alike = [
            o.array for o in operands if o.loose and (o.array.shape, o.array.dtype) == (result.shape, result.dtype)
        ]
        return self.write(name, operands, result, alike[0] if place is None and alike else place)

    def reduced(self, part: ast.Call, of: ast.expr, place: Any) -> Operand:
        """A sum, as a product with ones where it can be, which costs less to call; the mean of the samples likewise."""
        np, rows = self.np, self.emit(of)
        result = self.evaluate(_on("_base", part), _base=rows.array)
        if rows.array.dtype != self.dtype:
            raise NoBuffers(ast.unparse(part))
        if np.ndim(result) == 0:  # the mean
            row = self.seen(rows, f"{rows.text}.reshape(1, -1)", rows.array.reshape(1, -1))
            weights = np.full((row.array.size, 1), 1 / row.array.size, self.dtype)
            return self.write("dot", [row, self.kept(weights)], row.array @ weights, place)
        (axis,) = [argument.value for argument in part.args if isinstance(argument, ast.Constant)]
        if rows.array.ndim == result.ndim == 2:
            ones = self.kept(np.ones((rows.array.shape[1], 1) if axis else (1, len(rows.array)), self.dtype))
            return self.write("dot", [rows, ones] if axis else [ones, rows], result, place)
        return self.write("add.reduce", [rows], result, place, f"{axis!r}, None")

    def view(self, part: ast.Subscript | ast.Attribute | ast.Call, of: ast.expr, place: Any) -> Operand:
        """Rows of an array, or the array in another shape; what is no view of it is copied."""
        base = self.emit(of)
        result = self.evaluate(_on("_base", part), _base=base.array)
        if base.kind == "given" or self.np.may_share_memory(result, base.array):
            return self.seen(base, ast.unparse(_on(base.text, part)), result)
        if isinstance(part, ast.Subscript):
            return self.write("take", [base, self.emit(part.slice)], result, place, "0", ', "clip"')
        self.lines.append(f"xp.copyto({self.keep(result.reshape(base.array.shape))}, {base.text})")
        return self.kept(result)

    # Functions that are no operations on every entry

    def _where(self, parts: Sequence[ast.expr], place: Any) -> Operand:
        condition, yes, no = map(self.emit, parts)
        if condition.array.dtype != bool:
            raise NoBuffers("where")
        made = self.kept(self.np.where(condition.array, yes.array, no.array))
        self.lines.append(f"xp.copyto({made.text}, {no.text})")
        self.lines.append(f'xp.copyto({made.text}, {yes.text}, "same_kind", {condition.text})')
        return made

    def _max(self, parts: Sequence[ast.expr], place: Any, name: str = "maximum") -> Operand:
        rows, axis = map(self.emit, parts)
        result = getattr(self.np, name).reduce(rows.array, int(axis.array))
        return self.write(f"{name}.reduce", [rows], result, place, f"{int(axis.array)}, None")

    def _min(self, parts: Sequence[ast.expr], place: Any) -> Operand:
        return self._max(parts, place, "minimum")

    def _concatenate(self, parts: Sequence[ast.expr], place: Any) -> Operand:
        (pieces,) = parts
        assert isinstance(pieces, ast.List)
        operands = [self.emit(piece) for piece in pieces.elts]
        made = self.kept(self.np.concatenate([operand.array for operand in operands]))
        self.lines.append(f"xp.concatenate(({', '.join(o.text for o in operands)},), 0, {made.text})")
        return made

    def _broadcast_to(self, parts: Sequence[ast.expr], place: Any) -> Operand:
        base = self.emit(parts[0])
        result = self.np.broadcast_to(base.array, self.evaluate(parts[1]))
        return self.seen(base, f"xp.broadcast_to({base.text}, {result.shape})", result)

    def _einsum(self, parts: Sequence[ast.expr], place: Any) -> Operand:
        products, *others = parts
        operands = [self.emit(other) for other in others]
        made = self.kept(self.np.einsum(self.evaluate(products), *[operand.array for operand in operands]))
        texts = ", ".join(operand.text for operand in operands)
        self.lines.append(f"xp.einsum({ast.unparse(products)}, {texts}, out={made.text})")
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
        out = self.keep(array)
        given = [*(operand.text for operand in operands), *([before] if before else [])]
        given.append(f"out={out}" if name in ("maximum", "minimum") else out)
        self.lines.append(f"xp.{name}({', '.join(given)}{after})")
        return self.known.get(out) or Operand(out, array, "buffer", loose=True)  # known: a part of the gradient

    def seen(self, base: Operand, text: str, view: Any) -> Operand:
        """Return a view of an operand: kept if that is, else written down as a line that makes it anew in every step."""
        if base.kind != "given":
            return self.kept(view)
        name = self.fresh()
        self.lines.append(f"{name} = {text}")
        return Operand(name, view, "given")

    def kept(self, array: Any) -> Operand:
        return Operand(self.keep(array), array, "buffer")

    def keep(self, array: Any) -> str:
        """Return the name of an array that is there for good."""
        if id(array) not in self.called:
            name = self.called[id(array)] = self.fresh()
            self.names[name] = array
            self.size += array.size
        return self.called[id(array)]

    def fresh(self, name: str = "") -> str:
        """Return a name that nothing has."""
        self.count += not name
        found = name or f"t{self.count}"
        return self.fresh(name and f"{name}_") if found in self.known else found

    def evaluate(self, part: ast.expr, **others: Any) -> Any:
        """Return what a part of the source is, of the arrays that its names have now."""
        wanted = {node.id for node in ast.walk(part) if isinstance(node, ast.Name)} & self.known.keys()
        names = {"xp": self.np, **{name: self.known[name].array for name in wanted}, **others}
        return eval(compile(ast.fix_missing_locations(ast.Expression(part)), "<part>", "eval"), names)


def _on(name: str, part: ast.Subscript | ast.Attribute | ast.Call) -> ast.expr:
    """Return a view or a reduction of an array as that of another name."""
    array = ast.Name(name, ast.Load())
    if isinstance(part, ast.Subscript):
        return ast.Subscript(array, part.slice, ast.Load())
    if isinstance(part, ast.Attribute):
        return ast.Attribute(array, part.attr, ast.Load())
    assert isinstance(part.func, ast.Attribute)
    return ast.Call(ast.Attribute(array, part.func.attr, ast.Load()), part.args, part.keywords)
