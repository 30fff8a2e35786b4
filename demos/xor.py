"""XOR, which no perceptron computes: two layers, a skip, a product feature, relu, and learning it.

Minsky and Papert's example of 1969. The perceptron learning algorithm cycles on it. In the plane of two hidden neurons A (OR)
and B (NAND) a line separates the classes. A network with a hidden layer learns such features itself.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from matplotlib.figure import Figure

from autograd import sigmoid, tanh
from nn import MLP, SGD, binary_cross_entropy_with_logits, classical, fit, plot_boundary, plot_history, products
from nn.viewing import COLOURS, MARKERS

CORNERS, LABELS = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
SEED, STEPS = 0, 1500


def main(out: Path = Path()) -> dict[str, float]:
    """Print the proof, the cycle and the solutions, and draw them."""
    print(classical.separable(LABELS))
    single = classical.learn_perceptron(CORNERS, LABELS, 10)
    print(f"\nPerceptron learning on XOR: {single}\n")
    net, skip = classical.xor_two_layers(), classical.xor_with_skip()
    print(net.truth_table("A", "B", "f"))
    print(f"\nTwo neurons suffice if one connection skips a layer:\n{skip}")
    features = [products(x) for x in CORNERS]
    by_product = classical.learn_perceptron(features, LABELS)
    print(f"\nOn the features (x1, x2, x1·x2) perceptron learning ends: {by_product}")
    conjunction = classical.learn_perceptron(CORNERS, [0, 0, 0, 1])
    print(f"relu(x1 − x2) + relu(x2 − x1): {[classical.xor_by_relu(*x) for x in CORNERS]}\n")

    model = MLP(2, [4, 1], tanh, rng=Random(SEED))
    history = fit(
        model, (CORNERS, LABELS), binary_cross_entropy_with_logits, SGD(model.parameters(), 0.5), epochs=STEPS
    )
    print(f"{model}, batch descent: {history}")
    print("x1 x2   the hidden neurons it has learnt   P(1)")
    numbers: dict[str, float] = {}
    for x in CORNERS:
        (hidden,), (chance,) = model.layers[0].predict([x]), map(sigmoid, model.predict([x]))
        numbers[f"P{x[0]}{x[1]}"] = chance
        print(f"{x[0]}  {x[1]}   ", "  ".join(f"{h:6.3f}" for h in hidden), f"  {chance:.4f}")

    figure = Figure(figsize=(14, 8.5), layout="constrained")
    (one, two, three), (four, five, six) = figure.subplots(2, 3)
    plot_boundary(lambda x: x[0] + x[1] - 1.5, CORNERS, LABELS, one).set_title("every line errs; this one is AND's")
    for name, changes, k in (("AND", conjunction.changes, 0), ("XOR", single.changes, 5)):
        two.plot(range(1, len(changes) + 1), changes, color=COLOURS[k], marker=MARKERS[k], label=name)
    two.set(xlabel="epoch", ylabel="updates", ylim=(-0.2, 5), title="perceptron learning: XOR never ends")
    two.legend(frameon=False)
    hidden = [list(net.activations(*x).values())[:2] for x in CORNERS]
    plot_boundary(lambda h: h[0] + h[1] - 1.5, hidden, LABELS, three)
    three.set(xlabel="A = x1 OR x2", ylabel="B = x1 NAND x2", title="two hidden neurons: A AND B")
    plot_boundary(lambda x: by_product.perceptron.pre_activation(products(x)), CORNERS, LABELS, four)
    four.set_title("one perceptron on x1, x2, x1·x2")
    plot_boundary(model, CORNERS, LABELS, five).set_title("learnt by four tanh neurons")
    plot_history(history, six).set_title("training cost of the tanh network")
    six.get_legend().remove()
    figure.savefig(out / "xor.png", dpi=150)
    numbers |= {f"update {i}": n for i, n in enumerate(single.changes)} | {
        f"w{i}": float(w) for i, w in enumerate(single.weights)
    }
    numbers |= {f"A{i}": h[0] for i, h in enumerate(hidden)} | {f"B{i}": h[1] for i, h in enumerate(hidden)}
    numbers |= {f"product w{i}": float(w) for i, w in enumerate(by_product.weights)}
    return numbers | {"product updates": by_product.updates, "product epochs": len(by_product.changes)}


if __name__ == "__main__":
    main()
