"""Prey and predators: four parameters of differential equations, fitted to noisy counts with SciPy.

Lotka and Volterra's equations for prey u and predators v are u′ = αu − βuv and v′ = δuv − γv, solved in steps of the
Runge–Kutta method of order 4, through which the gradient runs backward. The misfit ½ Σ (log of prediction/count)²/ε² is, up
to a constant, minus the log-likelihood of counts with errors of a factor e^(±ε). With H its Hessian at the minimum, the roots
of the diagonal of H⁻¹ are the standard errors of what was fitted. Fits to other noisy counts, which the compiled program makes
quick, scatter by as much.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import minimize

from autograd import Value, compile, exp, hessian, log, sum, value_and_grad
from nn.viewing import COLOURS

SEED, NOISE, FITS = 0, 0.1, 60
NAMES = "αβγδ"  # per week and, for β and δ, per animal
TRUE, START = (1.0, 0.2, 0.8, 0.1), (0.7, 0.3, 0.5, 0.2)
BEGIN, STEP, EVERY, STEPS = (5.0, 4.0), 0.2, 2, 100  # animals; weeks; steps from count to count; steps in all


def orbit(parameters: Any) -> list[Any]:
    """Return u and v at the beginning and after every step."""
    alpha, beta, gamma, delta = parameters

    def rates(u: Any, v: Any) -> tuple[Any, Any]:
        meals = u * v
        return alpha * u - beta * meals, delta * meals - gamma * v

    (u, v), h = BEGIN, STEP
    found: list[Any] = [BEGIN]
    for _ in range(STEPS):
        p1, q1 = rates(u, v)
        p2, q2 = rates(u + h / 2 * p1, v + h / 2 * q1)
        p3, q3 = rates(u + h / 2 * p2, v + h / 2 * q2)
        p4, q4 = rates(u + h * p3, v + h * q3)
        u, v = u + h / 6 * (p1 + 2 * p2 + 2 * p3 + p4), v + h / 6 * (q1 + 2 * q2 + 2 * q3 + q4)
        found.append((u, v))
    return found


def predicted(parameters: Any) -> list[Any]:
    """Return the logarithms of the numbers of animals that are counted, u and v by turns."""
    return [log(x) for pair in orbit(parameters)[EVERY::EVERY] for x in pair]


def misfit(parameters: Any, counts: Any) -> Any:
    """Return minus the log-likelihood of the logarithms of the counts, up to a constant."""
    return sum([(p - c) ** 2 for p, c in zip(predicted(parameters), counts, strict=True)]) / (2 * NOISE**2)


def of_logs(logs: Any, counts: Any) -> Any:
    """Return the misfit as a function of log α, log β, log γ and log δ, so that every step keeps all four positive."""
    return misfit([exp(x) for x in logs], counts)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of a call, and how many seconds it took."""
    began = time.perf_counter()
    return call(), time.perf_counter() - began


def main(out: Path = Path()) -> dict[str, float]:
    """Fit the parameters, eagerly and compiled, with their errors, and draw the fit and 60 others."""
    rng = Random(SEED)
    truth = predicted(TRUE)

    def counted() -> Any:
        return np.array([x + rng.gauss(0.0, NOISE) for x in truth])

    counts, start = counted(), np.log(START)
    try:
        minimize(value_and_grad(misfit, argnums=0), np.array(START), args=(counts,), jac=True)
    except ValueError as error:
        print(f"in α, β, γ, δ themselves the line search leaves the domain: {error}")

    fit, eager = timed(lambda: minimize(value_and_grad(of_logs, argnums=0), start, args=(counts,), jac=True))
    leaves = [Value(x) for x in start]
    program, compiling = timed(lambda: compile(lambda counts: of_logs(leaves, counts), leaves, counts=len(counts)))

    def compiled_fit(begin: Any, counts: Any) -> Any:
        return minimize(program.value_and_grad_at, begin, args=([counts],), jac=True)

    again, compiled = timed(lambda: compiled_fit(start, counts))
    errors = np.sqrt(np.diag(np.linalg.inv(hessian(of_logs, argnums=0)(fit.x, counts))))
    print(f"in their logarithms: {fit.message} After {fit.nfev} gradients:")
    for name, number, true, deviation in zip(NAMES, np.exp(fit.x), TRUE, errors, strict=True):
        print(f"  {name} = {number:.4f} ± {100 * deviation:.1f} %   (true: {true})")
    print(f"eagerly {eager:.2f} s; compiled {compiled:.3f} s, and {compiling:.2f} s to compile")

    others = np.array([compiled_fit(fit.x, counted()).x for _ in range(FITS)])
    spread = others.std(axis=0, ddof=1)
    print(f"{FITS} fits to other counts scatter by {', '.join(f'{100 * x:.1f} %' for x in spread)}")

    weeks = STEP * np.arange(STEPS + 1)
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    along, cycle, strip = figure.subplots(1, 3, width_ratios=[1.5, 1, 1])
    fitted, first = np.array(orbit(np.exp(fit.x))), np.array(orbit(START))
    animals = np.exp(counts.reshape(-1, 2))
    for i, (name, colour) in enumerate((("prey u", COLOURS[0]), ("predators v", COLOURS[1]))):
        along.plot(weeks, first[:, i], ":", color=colour, linewidth=1)
        along.plot(weeks, fitted[:, i], color=colour, label=name)
        along.plot(weeks[EVERY::EVERY], animals[:, i], "o", color=colour, markersize=4)
    along.set(xlabel="weeks", ylabel="animals", title="counts, fit (lines) and start (dotted)")
    along.legend(frameon=False)
    cycle.plot(*np.array(orbit(TRUE)).T, color="grey", linewidth=3, alpha=0.5, label="true")
    cycle.plot(*fitted.T, color="black", linewidth=1, label="fitted")
    cycle.plot(*animals.T, "o", color=COLOURS[2], markersize=4, label="counted")
    cycle.set(xlabel="prey u", ylabel="predators v", title="around the cycle")
    cycle.legend(frameon=False)
    for i in range(len(NAMES)):
        places = i + np.linspace(-0.3, 0.3, FITS)
        strip.plot(places, 100 * (np.exp(others[:, i]) / TRUE[i] - 1), ".", color=COLOURS[i], markersize=3)
        strip.errorbar(i, 100 * (np.exp(fit.x[i]) / TRUE[i] - 1), 100 * errors[i], fmt="ko", capsize=6)
    strip.axhline(0, color="grey", linewidth=0.8)
    strip.set(
        xticks=range(4),
        xticklabels=[*NAMES],
        xlabel="parameter",
        ylabel="% from the true one",
        title=f"{FITS} fits, and one ± its error",
    )
    figure.savefig(out / "lotka_volterra.png", dpi=150)
    return (
        {name: float(x) for name, x in zip(NAMES, np.exp(fit.x), strict=True)}
        | {f"error of {name}": float(x) for name, x in zip(NAMES, errors, strict=True)}
        | {f"spread of {name}": float(x) for name, x in zip(NAMES, spread, strict=True)}
        | {"apart": float(np.abs(again.x - fit.x).max())}
    )


if __name__ == "__main__":
    main()
