"""Writes autograd/gates.md's tables, and the pictures of README and tour in demos/: python -m tests.readme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograd import GATES, Gate, Value, draw
from autograd.drawing import Drawing
from nn import MLP

README = Path(__file__).parent.parent / "README.md"
TOUR = README.parent / "autograd" / "tour.md"
DEMOS = README.parent / "demos"
PEERS = DEMOS / "beside_others.md"
GATES_PAGE = README.parent / "autograd" / "gates.md"
START, END = "<!-- gates: written by python -m tests.readme -->\n", "<!-- end of gates -->"
PRINTED, PRINTED_END = "<!-- printed by python -m tests.benchmarks comparison -->\n", "<!-- end of the comparison -->"
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
    "prod": "to each the product of the others",
    "max": "1 to the largest",
    "logsumexp": "the softmax",
}


def current() -> str:
    """Return the page of the gates with the table as it is to be."""
    before, rest = GATES_PAGE.read_text(encoding="utf-8").split(START)
    return before + START + table() + END + rest.split(END)[1]


def comparison() -> str:
    """Return the table of peers, as `python -m tests.benchmarks comparison` printed it."""
    return PEERS.read_text(encoding="utf-8").split(PRINTED)[1].split(PRINTED_END)[0]


def first(page: Path) -> Drawing:
    """Return draw(f) of a page's first lines, as a reader who types them sees it."""
    block = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    typed: dict[str, Any] = {"draw": draw}
    exec("\n".join(line[4:] for line in block.splitlines() if line.startswith(">>> ")), typed)
    exec("picture = draw(f)", typed)
    picture: Drawing = typed["picture"]
    return picture


def pictures() -> dict[str, Drawing]:
    """Return the pictures of the README and the tour by their names: gate by gate, neuron by neuron, layer by layer."""
    model = MLP(2, [4, 4, 1])
    for i, parameter in enumerate(model.parameters()):
        parameter.data = (9 * i % 17 - 5) / 10
    loss = (model([Value(0.5, "x1"), Value(-1.0, "x2")]) - 1) ** 2
    loss.label = "loss"
    loss.backward()
    return {
        "first.svg": first(README),
        "sigmoid_neuron.svg": first(TOUR),
        "network_neurons.svg": draw(loss, level="neuron", names=False),
        "network_layers.svg": draw(loss, level="layer", names=False),
    }


if __name__ == "__main__":
    for name, drawing in pictures().items():
        drawing.save(DEMOS / name)
    from tests.autograd.test_accuracy import renewed  # imports this module

    GATES_PAGE.write_text(renewed(current()), encoding="utf-8")
