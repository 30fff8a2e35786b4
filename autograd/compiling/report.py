"""The report on an array program: what became a matrix product, and what did not."""

from __future__ import annotations

from .statements import ArrayProgram

__all__ = ["report"]

MOST_LISTED = 6  # parameters without effect


def report(program: ArrayProgram, gathers: int) -> str:
    """Return the report as lines of text; parameters are numbered as the caller gave them."""
    shapes = ", ".join(f"{leaf.name} {' × '.join(map(str, leaf.shape))}" for leaf in program.leaves)
    dots = [statement for statement in program.statements if statement.op == "dot"]
    others = [statement for statement in program.statements if statement.op not in ("dot", "leaf")]
    rows = sum(len(statement.members) for statement in others)
    ends = [program.nodes[i] for i in program.gradients]
    unused = [str(p) for p, node in enumerate(ends) if node.op == "const" and node.place == 0]
    listed = f"parameters {', '.join(unused)}"
    if len(unused) > MOST_LISTED:
        listed = f"{len(unused)} parameters, {', '.join(unused[:MOST_LISTED])}, …"
    return "\n".join(
        [
            f"parameters: {shapes or 'none'}",
            f"{sum(len(statement.members) for statement in dots)} sums of products in {len(dots)} matrix products",
            f"{rows} other operations in {len(others)} elementwise lines, {rows / max(1, len(others)):.1f} a line",
            f"{gathers} gathers",
            *([f"without effect: {listed}"] if unused else []),
        ]
    )
