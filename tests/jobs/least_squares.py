"""The polynomial that fits a step best, by its coefficients."""

from typing import Any

from autograd import sum


def objective(x: list[Any], n: int) -> Any:
    """Return ½ Σ (sign t − Σ x_j t^j)² over n points t from −1 to 1."""
    squares = []
    for i in range(n):
        t = 2 * i / (n - 1) - 1
        sign = (t > 0) - (t < 0)
        squares.append((sign - sum([a * t**j for j, a in enumerate(x)])) ** 2)
    return 0.5 * sum(squares)
