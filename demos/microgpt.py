"""microgpt: a GPT of about 4,200 scalars learns names, one a step, and invents new ones.

Compiled, names are padded so that one program serves all; `--eager` runs each graph as it is, `--data FILE` reads names.
"""

from argparse import ArgumentParser
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import available_timezones

from matplotlib.figure import Figure

from autograd import Value, compile, dot, no_grad, relu, scope, take
from nn import Adam, Module, cross_entropy_with_logits, softmax

SEED, STEPS, RATE, TEMPERATURE, WIDTH, HEADS, BLOCK = 0, 1000, 0.01, 0.7, 16, 4, 16
AREAS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
Vector = list[Any]  # of Values or floats
Past = list[tuple[Vector, Vector]]  # the key and the value of every token so far


def read_names(path: Path | None = None) -> list[str]:
    """Return the names in a file, one a line; by default those of the cities in the time zones of Python."""
    if path is None:
        cities = {tz.split("/")[-1].replace("_", " ").lower() for tz in available_timezones() if tz.startswith(AREAS)}
        return sorted(city for city in cities if len(city) < BLOCK and city.replace(" ", "").isalpha())
    if names := path.read_text(encoding="utf-8").splitlines():
        return names
    raise ValueError(f"{path} must have a name on every line, got an empty file")


def encode(name: str, characters: str) -> list[int]:
    """Return a name as tokens: the place of each character among all, and at begin and end the number of characters."""
    if not 0 < len(name) < BLOCK or not set(name) <= set(characters):
        raise ValueError(f"name must have 1 to {BLOCK - 1} of the characters {characters!r}, got {name!r}")
    return [len(characters), *map(characters.index, name), len(characters)]


def linear(W: list[Vector], x: Vector) -> Vector:
    """Return Wx."""
    return [dot(row, x) for row in W]


def rmsnorm(x: Vector) -> Vector:
    """Return x / √(mean of x² + 1e-5)."""
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]


class GPT(Module):
    """One layer of causal attention and an MLP, without biases."""

    def __init__(self, tokens: int, rng: Random) -> None:
        def matrix(rows: int, columns: int = WIDTH) -> list[Vector]:
            return [[Value(rng.gauss(0.0, 0.08), role="parameter") for _ in range(columns)] for _ in range(rows)]

        self.wte, self.wpe = matrix(tokens), matrix(BLOCK)
        self.wq, self.wk, self.wv, self.wo = (matrix(WIDTH) for _ in range(4))
        self.up, self.down, self.head = matrix(4 * WIDTH), matrix(WIDTH, 4 * WIDTH), matrix(tokens)

    def step(self, token: Any, past: Past) -> tuple[Vector, list[Vector]]:
        """Return the logits after one more token and the attention of each head; its key and value join those of the past."""
        with scope("embedding"):
            residual = rmsnorm([a + b for a, b in zip(take(self.wte, token), self.wpe[len(past)], strict=True)])
        with scope("attention"):
            x = rmsnorm(residual)
            query, size, heads, mixed = linear(self.wq, x), WIDTH // HEADS, list[Vector](), Vector()
            past.append((linear(self.wk, x), linear(self.wv, x)))
            for part in [slice(first, first + size) for first in range(0, WIDTH, size)]:
                with scope("head"):
                    heads.append(softmax([dot(query[part], key[part]) / size**0.5 for key, _ in past]))
                    mixed += [dot(heads[-1], column) for column in zip(*(v[part] for _, v in past), strict=True)]
            residual = [a + b for a, b in zip(linear(self.wo, mixed), residual, strict=True)]
        with scope("MLP"):
            hidden = [relu(h) ** 2 for h in linear(self.up, rmsnorm(residual))]
            residual = [a + b for a, b in zip(linear(self.down, hidden), residual, strict=True)]
        with scope("logits"):
            return linear(self.head, residual), heads

    def loss(self, tokens: Vector, following: Vector, weights: Vector) -> Any:
        """Return Σ weight · −log p(following token) over the positions of a name."""
        past = Past()
        logits = [self.step(token, past)[0] for token in tokens]
        with scope("loss"):
            return dot(weights, cross_entropy_with_logits(logits, following, reduction="none"))

    def sample(self, characters: str, rng: Random) -> str:
        """Return a new name, drawn token by token from the softmax of logits / TEMPERATURE."""
        tokens, past = [len(characters)], Past()
        while len(tokens) < BLOCK and (len(tokens) == 1 or tokens[-1] != tokens[0]):
            with no_grad():
                p = softmax([z.data / TEMPERATURE for z in self.step(tokens[-1], past)[0]])
            tokens += rng.choices(range(len(p)), p)
        return "".join(characters[token] for token in tokens if token < len(characters))


def train(model: GPT, names: list[list[int]], steps: int = STEPS, eager: bool = False) -> list[float]:
    """Take a step of Adam on one name after another, with a rate that falls to 0, and return their losses."""
    optimiser, losses, program = Adam(model, RATE, betas=(0.85, 0.99)), list[float](), compile(model.loss, model)
    for step in range(steps):
        *tokens, end = names[step % len(names)]
        n, rest = len(tokens), [end] * (0 if eager else BLOCK - len(tokens))
        inputs: list[Vector] = [[*tokens, *rest], [*tokens[1:], end, *rest], [1 / n] * n + [0.0] * len(rest)]
        optimiser.learning_rate = RATE * (1 - step / steps)
        if eager:
            optimiser.zero_grad()
            losses.append((root := model.loss(*inputs)).data)
            root.backward()
            optimiser.step()
        else:
            loss, gradient = program.value_and_grad(*([row] for row in inputs))
            program.flat = optimiser.step_array(program.flat, gradient)
            losses.append(loss)
    return losses


def draw(path: Path, model: GPT, losses: list[float], name: str, characters: str) -> None:
    """Draw the loss, and the attention of each head over a name."""
    past, labels = Past(), ["^", *name.replace(" ", "_")]
    rows = [model.step(token, past)[1] for token in encode(name, characters)[:-1]]
    curve, *cells = (figure := Figure((15, 3.4), layout="constrained")).subplots(1, 5, width_ratios=[1.6, 1, 1, 1, 1])
    curve.plot(range(25, STEPS, 50), [sum(losses[i : i + 50]) / 50 for i in range(0, STEPS, 50)])
    curve.set(xlabel="step", ylabel="loss, nats a character", title="Loss, the mean of 50 names")
    for head, cell in enumerate(cells):
        cell.imshow([[*(a.data for a in row[head]), *[0.0] * len(rows)][: len(rows)] for row in rows], "Blues")
        cell.set(title=f"Attention of head {head + 1}", xlabel="to", ylabel="from")
        cell.set(xticks=range(len(labels)), xticklabels=labels, yticks=range(len(labels)), yticklabels=labels)
    figure.savefig(path, dpi=120)


def main(out: Path = Path(), data: Path | None = None, eager: bool = False) -> dict[str, float]:
    """Train, print the loss and ten invented names, and draw the loss and the attention over one name."""
    rng, names = Random(SEED), read_names(data)
    rng.shuffle(names)
    characters = "".join(sorted(set("".join(names))))
    model = GPT(len(characters) + 1, rng)
    losses = train(model, [encode(name, characters) for name in names], eager=eager)
    first, last = sum(losses[:10]) / 10, sum(losses[-100:]) / 100
    print(f"{len(names)} names, {len(model.parameters())} parameters: loss {first:.2f} → {last:.2f} in {STEPS} steps")
    print("invented:", ", ".join(model.sample(characters, rng) for _ in range(10)))
    draw(out / "microgpt.png", model, losses, min(names, key=lambda name: abs(len(name) - 8)), characters)
    return {"first": first, "last": last}


OPTIONS = ArgumentParser()
OPTIONS.add_argument("--eager", action="store_true", help="run each graph as it is, without compiling")
OPTIONS.add_argument("--data", type=Path, metavar="FILE", help="a text with a name on each line")
if __name__ == "__main__":
    main()
