"""Gates as patterns of gradient flow: distributor (add), swap multiplier, adder (copy), router (max).

Each gate is shown with its upstream and its downstream gradients. The upstream gradient is the seed of `backward`. The last
graph, 2·(x·y + max(z, w)), has all of them in one.
"""

from __future__ import annotations

from pathlib import Path

from autograd import Value, draw, explain, maximum


def main(out: Path = Path()) -> dict[str, float]:
    """Run every gate backward, print what each input gets, and draw five graphs."""
    a, b = Value(3.0, "a"), Value(4.0, "b")
    add = a + b
    add.backward(2.0)
    draw(add).save(out / "gate_gallery-add.svg")

    c, d = Value(2.0, "c"), Value(3.0, "d")
    mul = c * d
    mul.backward(5.0)
    draw(mul).save(out / "gate_gallery-mul.svg")

    x = Value(7.0, "x")
    copied = 4 * x + 2 * x  # x has two uses, whose gradients are 4 and 2
    copied.backward()
    draw(copied).save(out / "gate_gallery-copy.svg")

    s, t = Value(4.0, "s"), Value(5.0, "t")
    larger = maximum(s, t)
    larger.backward(9.0)
    draw(larger).save(out / "gate_gallery-max.svg")

    print(f"add, gradient distributor: {a:g} + {b:g} = {add:g}, upstream 2 → {a.grad:g} and {b.grad:g}")
    print(f"mul, swap multiplier: {c:g}·{d:g} = {mul:g}, upstream 5 → {c.grad:g} and {d.grad:g}")
    print(f"copy, gradient adder: {x:g} → {x:g} and {x:g}, upstream 4 and 2 → {x.grad:g}")
    print(f"max, gradient router: max({s:g}, {t:g}) = {larger:g}, upstream 9 → {s.grad:g} and {t.grad:g}")

    s2, t2 = Value(4.0), Value(4.0)
    maximum(s2, t2).backward(9.0)
    print(f"At a tie it is split evenly: {s2.grad:g} and {t2.grad:g}\n")

    numbers = {"a": a.grad, "b": b.grad, "c": c.grad, "d": d.grad, "copied": x.grad, "s": s.grad, "t": t.grad}

    x, y, z, w = Value(3.0, "x"), Value(-4.0, "y"), Value(2.0, "z"), Value(-1.0, "w")
    f = 2 * (x * y + maximum(z, w))
    f.backward()
    print(explain(f))
    draw(f).save(out / "gate_gallery-all.svg")
    return numbers | {"f": f.data, "x": x.grad, "y": y.grad, "z": z.grad, "w": w.grad}


if __name__ == "__main__":
    main()
