"""Boolean functions by threshold neurons: 2ⁿ + 1 compute any function, and depth saves many.

McCulloch and Pitts's neuron of 1943 (which one lecture calls the perceptron, a machine of 1958) fires when enough excitatory
inputs are on and no inhibitory one; sigmoid neurons do the same softly. A hidden neuron per group of a Karnaugh map and an
OR of them give every function; parity, a checkerboard, has no groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from nn import classical
from nn.viewing import COLOURS, MARKERS

GRAY = ("00", "01", "11", "10")  # neighbours differ in one bit
EXAMPLE = [0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 1, 1, 0, 1]  # a function of four inputs that has groups


def k_map(outputs: Sequence[Any], ax: Any, title: str) -> None:
    """Draw a function of four inputs as a Karnaugh map, with a loop around each group of its minimal form."""
    cells = [[outputs[int(ab + cd, 2)] for cd in GRAY] for ab in GRAY]
    ax.imshow(cells, cmap="Greys", vmin=0, vmax=2)
    for i, row in enumerate(cells):
        for j, bit in enumerate(row):
            ax.text(j, i, str(bit), ha="center", va="center")
    for k, group in enumerate(classical.k_map_groups(outputs)):
        colour, inset = (
            COLOURS[k % len(COLOURS)],
            0.07 + 0.05 * (k % 3) * ("-" in group),
        )  # so that loops that overlap stay apart
        for top, height in spans(group[:2]):
            for left, width in spans(group[2:]):
                ax.add_patch(
                    FancyBboxPatch((left + inset, top + inset), width - 2 * inset, height - 2 * inset, fill=False,
                                   edgecolor=colour, linewidth=2.5, boxstyle="round,pad=0,rounding_size=0.2")
                )  # fmt: skip
    ax.set(
        xticks=range(4),
        yticks=range(4),
        xticklabels=GRAY,
        yticklabels=GRAY,
        xlabel="x3 x4",
        ylabel="x1 x2",
        title=title,
        xlim=(-0.5, 3.5),
        ylim=(3.5, -0.5),
    )


def spans(bits: str) -> list[tuple[float, float]]:
    """Return start and length of the rows (or columns) of a group in the map, as -1 names 01 and 11.

    Neighbours across the border are two spans that leave the map, so that the loop looks cut.
    """
    covered = [i for i, label in enumerate(GRAY) if all(bit in ("-", wanted) for bit, wanted in zip(bits, label))]
    if covered == [0, 3]:
        return [(-1.5, 2.0), (2.5, 2.0)]
    return [(covered[0] - 0.5, len(covered))]


def main(out: Path = Path()) -> dict[str, float]:
    """Print truth tables and networks, and draw two Karnaugh maps, the size of parity networks, and a convex region."""
    units = {
        "x AND NOT y": classical.McCullochPitts(["x"], ["y"], theta=1),
        "NOR": classical.McCullochPitts((), ["x", "y"], theta=0),
        "AND": classical.McCullochPitts(["x", "y"], theta=2),
        "OR": classical.McCullochPitts(["x", "y"], theta=1),
    }
    numbers: dict[str, float] = {}
    print("McCulloch–Pitts, outputs at (0,0), (0,1), (1,0), (1,1):")
    for name, unit in units.items():
        outputs: tuple[Any, ...] = unit.truth_table().outputs
        numbers |= {f"{name} {i:02b}": bit for i, bit in enumerate(outputs)}
        print(f"  {name:11} {outputs}")
    print("(inhibition is absolute: one inhibitory input that is on gives 0; a lecture also counts the difference)")
    print("\nAND as a sigmoid neuron, σ(−30 + 20·x1 + 20·x2):")
    print(classical.AND.truth_table())
    numbers |= {f"σ-AND {a}{b}": classical.AND(a, b) for a in (0, 1) for b in (0, 1)}
    numbers |= {f"σ-XNOR {a}{b}": classical.XNOR(a, b) for a in (0, 1) for b in (0, 1)}

    net = classical.one_hot_network([0, 1, 1, 0])
    print("\n2ⁿ + 1 perceptrons for any function of n inputs, here XOR:")
    print(net)
    print("(the lecture gives all four one threshold; with inputs of 0 and 1 they need 0, 1, 1 and 2)")
    numbers |= {f"2ⁿ+1 XOR {a}{b}": net(a, b) for a in (0, 1) for b in (0, 1)}

    groups = classical.k_map_groups(EXAMPLE)
    print("\nThe example's Karnaugh map has the groups", ", ".join(groups))
    print(classical.dnf_network(EXAMPLE))
    sizes = range(2, 11)
    shallow = [len(classical.shallow_parity(n).neurons) for n in sizes]
    deep = [len(classical.deep_parity(n).neurons) for n in sizes]
    print("\nparity of n inputs: neurons with one hidden layer, 2ⁿ⁻¹ + 1, and deep, 3(n − 1)")
    for n, s, d in zip(sizes, shallow, deep, strict=True):
        numbers |= {f"shallow {n}": s, f"deep {n}": d, f"layers {n}": len(classical.deep_parity(n).layers)}
        print(f"  n = {n:2}: {s:4} in 2 layers, {d:3} in {numbers[f'layers {n}']} layers")
    print('(the lecture\'s "2ⁿ" beside "4 variables → 8" means 2ⁿ⁻¹)')

    square = classical.convex_region([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    sides = square.layers[0]

    def fired(x: float, y: float) -> int:
        activations = square.activations(x, y)
        return sum(activations[name] for name in sides)

    numbers |= {f"square {p}": fired(*p) for p in ((0, 0), (1, 1), (1.5, 0), (2, 2))}

    figure = Figure(figsize=(11, 8.5), layout="constrained")
    (first, second), (growth, region) = figure.subplots(2, 2)
    k_map(classical.parity(4).outputs, first, "Parity has eight groups of one")
    k_map(EXAMPLE, second, f"An example with the groups {', '.join(groups)}")
    growth.semilogy(sizes, shallow, color=COLOURS[5], marker=MARKERS[1], label="one hidden layer: 2ⁿ⁻¹ + 1")
    growth.semilogy(sizes, deep, color=COLOURS[0], marker=MARKERS[0], label="deep: 3(n − 1)")
    growth.set(xlabel="inputs n", ylabel="neurons", title="Parity: depth saves neurons")
    growth.legend(frameon=False)
    side = np.linspace(-2.5, 2.5, 80)
    shown = region.pcolormesh(
        side, side, [[fired(u, v) for u in side] for v in side], cmap="cividis", shading="nearest"
    )
    figure.colorbar(shown, ax=region, ticks=[2, 3, 4], label="number of half-planes; inside the square 4")
    region.set(xlabel="x", ylabel="y", title="A square as the AND of four perceptrons", aspect="equal")
    figure.savefig(out / "boolean_gates.png", dpi=150)
    return numbers


if __name__ == "__main__":
    main()
