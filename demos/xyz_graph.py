"""Backpropagation through f = (x + y)·z, the smallest example that has the whole chain rule.

With x = −2, y = 5, z = −4 the lecture names q = x + y, so df/dz = q, df/dq = z, and x and y get df/dq times 1.
"""

from __future__ import annotations

from pathlib import Path

from autograd import Value, draw, explain


def main(out: Path = Path()) -> dict[str, float]:
    """Print the walk and draw the graph."""
    x, y, z = Value(-2.0), Value(5.0), Value(-4.0)
    q = x + y
    f = q * z
    f.backward()
    print(explain(f))  # it calls the nodes by the names of the variables
    draw(f).save(out / "xyz_graph.svg")
    return {"q": q.data, "f": f.data, "df/dq": q.grad, "df/dx": x.grad, "df/dy": y.grad, "df/dz": z.grad}


if __name__ == "__main__":
    main()
