"""Writes the table of gates into README.md: python -m tests.readme."""

from __future__ import annotations

from pathlib import Path

from autograd import GATES, Gate

README = Path(__file__).parent.parent / "README.md"
START, END = "<!-- gates: written by python -m tests.readme -->\n", "<!-- end of gates -->"
BUILT_IN = tuple(GATES.values())  # without what tests and README add


def table() -> str:
    """Return the gate table as Markdown, read from the rows."""
    lines = ["| gate | symbol | computes | local gradients | nickname | at its kink |", "|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in _cells(gate))} |" for gate in BUILT_IN]
    return "\n".join(lines) + "\n"


def _cells(gate: Gate) -> list[str]:
    call = {"dot": "dot(w, x, bias=0)"}.get(
        gate.name, f"{gate.name}({', '.join('*' * gate.variadic + n for n in gate.names)})"
    )
    slopes = VARIADIC.get(gate.name, ", ".join(gate.formulas()))
    return [f"`{call}`", f"`{gate.symbol}`", gate.doc, slopes, gate.nickname, gate.kink.convention if gate.kink else ""]


# In words, because a rule for any number of inputs has no single formula.
VARIADIC = {
    "sum": "1 each",
    "dot": "x to w, w to x, 1 to the bias",
    "max": "1 to the largest",
    "logsumexp": "the softmax",
}


def current() -> str:
    """Return the README with the table as it is to be."""
    before, rest = README.read_text(encoding="utf-8").split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    README.write_text(current(), encoding="utf-8")
