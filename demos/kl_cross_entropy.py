"""Cross-entropy = entropy + KL divergence, so the q that minimises one minimises the other: q = p.

KL(p‖q) = Σ p log p − Σ p log q is at least 0, 0 only for q = p, and not symmetric. Descent of the cross-entropy, on
the scores of q, converges to p, where the entropy of p remains.
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from nn import cross_entropy, cross_entropy_with_logits, entropy, kl_divergence, minimize, softmax
from nn.viewing import COLOURS

P, Q = [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]


def main(out: Path = Path()) -> dict[str, float]:
    """Print the divergences, and draw the cross-entropy and q during descent on the scores of q."""
    numbers = {
        "H(p)": entropy(P),
        "KL(p‖q)": kl_divergence(P, Q),
        "KL(q‖p)": kl_divergence(Q, P),
        "CE(p, q)": cross_entropy(Q, P),
    }
    print(f"p = {P}, q = {Q}, in nats")
    for name, x in numbers.items():
        print(f"  {name:9} {x:.12f}")
    print(f"  H + KL    {numbers['H(p)'] + numbers['KL(p‖q)']:.12f}")

    descent = minimize(lambda z: cross_entropy_with_logits(z, P), [1.0, -1.0, 2.0], learning_rate=0.5, steps=150)
    q = softmax(descent.x)
    print(f"\nDescent from q = ({', '.join(f'{x:.3f}' for x in softmax(descent.path[0]))})", end=" ")
    print(f"arrives after {len(descent.path) - 1} steps at ({', '.join(f'{x:.9f}' for x in q)})")

    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = range(len(descent.path))
    left.plot(steps, descent.values, color=COLOURS[0], label="cross-entropy CE(p, q)")
    left.plot(steps, [kl_divergence(P, softmax(z)) for z in descent.path], "--", color=COLOURS[5], label="KL(p‖q)")
    left.axhline(numbers["H(p)"], color="grey", linestyle=":", label="entropy H(p)")
    left.set(xlabel="step", ylabel="nats", xlim=(0, 60), title="the two differ by a constant")
    left.legend(frameon=False)
    for k, style in enumerate(("-", "--", "-.")):
        right.plot(steps, [softmax(z)[k] for z in descent.path], style, color=COLOURS[k], label=f"q{k + 1}")
        right.axhline(P[k], color=COLOURS[k], linestyle=":", linewidth=1)
    right.set(xlabel="step", ylabel="probability", xlim=(0, 60), title="q goes to p (dotted)")
    right.legend(frameon=False)
    figure.savefig(out / "kl_cross_entropy.png", dpi=150)
    return numbers | {f"q{k + 1}": x for k, x in enumerate(q)}


if __name__ == "__main__":
    main()
