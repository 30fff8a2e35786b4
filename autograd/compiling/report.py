"""The report on an array program: its matrix products, and the operations outside them."""

from __future__ import annotations

from collections.abc import Sequence

from .statements import ArrayProgram, Statement

__all__ = ["report"]

MOST_LISTED = 6  # maximum number of listed tensors, and of parameters without effect


def report(program: ArrayProgram, gathers: int) -> str:
    """Return the report as lines of text; parameters are numbered as the caller gave them."""
    dots = [statement for statement in program.statements if statement.op == "dot"]
    others = [statement for statement in program.statements if statement.op not in ("dot", "leaf")]
    shapes = [f"{leaf.name} {' × '.join(map(str, leaf.shape))}" for leaf in program.leaves]
    ends = [program.nodes[i] for i in program.gradients]
    unused = [str(p) for p, node in enumerate(ends) if node.op == "const" and node.key == 0]
    named = f"parameters {', '.join(unused)}"
    if len(unused) > MOST_LISTED:
        named = f"{len(unused)} parameters, {', '.join(unused[:MOST_LISTED])}, …"
    return "\n".join(
        [
            f"parameters: {', '.join(shapes[:MOST_LISTED]) or 'none'}"
            + f", … ({len(shapes)} tensors)" * (len(shapes) > MOST_LISTED),
            f"sums of products: {_rows(dots)}, computed as {_counted(len(dots), 'matrix product')}"
            if dots
            else "sums of products: none",
            f"other operations: {_rows(others)}, computed as {_counted(len(others), 'line')} over whole arrays"
            if others
            else "other operations: none",
            f"gathers: {gathers}, where rows are not taken in the order of their array" if gathers else "gathers: none",
            *([f"without effect: {named}"] if unused else []),
        ]
    )


def _rows(statements: Sequence[Statement]) -> int:
    return sum(len(statement.members) for statement in statements)


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n > 1)}"
