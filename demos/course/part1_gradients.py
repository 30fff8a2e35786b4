# %% [markdown]
# # 1. A value, a neuron and their gradients
#
# A neural network learns by following gradients, and a gradient is the chain rule, applied again and again.
# In this notebook you watch that happen, one number at a time.
#
# Run the cells from the top, each with **Shift + Enter**. There are four **exercises**: a cell to fill in, and behind it
# a cell that checks what you wrote, by numbers that come from somewhere else. A check says what is wrong and never how
# to do it; open its hint if you want one. Until you have filled in an exercise it says *not yet*, and the notebook goes on.

# %%
from hints import checking, not_yet, show

from autograd import Value, check_gradients, draw, exp, explain, explore, grad, maximum, sigmoid

# %% [markdown]
# ## A value remembers how it was made
#
# Take $f(x, y, z) = (x + y)\,z$ at $x = -2$, $y = 5$, $z = -4$. Write it as you would with plain numbers:

# %%
x, y, z = Value(-2), Value(5), Value(-4)
q = x + y
f = q * z
f

# %% [markdown]
# The result is a number, $-12$, that knows its **gate** (`mul`) and its inputs. So there is a graph to draw:
# circles are gates, boxes are the leaves that you gave, and values go forward along the edges.

# %%
draw(f)

# %% [markdown]
# That was the **forward pass**. The **backward pass** begins at the end with
# $\frac{\partial f}{\partial f} = 1$ and goes back gate by gate. At each gate
#
# $$\underbrace{\frac{\partial f}{\partial x}}_{\text{downstream}}
# = \underbrace{\frac{\partial f}{\partial q}}_{\text{upstream}} \times
# \underbrace{\frac{\partial q}{\partial x}}_{\text{local}}$$
#
# The local gradient is all that a gate has to know. Here $\frac{\partial q}{\partial x} = 1$ and
# $\frac{\partial f}{\partial q} = z$.

# %%
f.backward()
x.grad, y.grad, z.grad

# %%
draw(f)

# %% [markdown]
# `explain` says the same in words, a line for each edge:

# %%
explain(f)

# %% [markdown]
# ## Four patterns
#
# | gate | what it does to a gradient | its name |
# |---|---|---|
# | $a + b$ | passes it on, unchanged, to both | gradient distributor |
# | $a \cdot b$ | gives each input the *other* input times it | swap multiplier |
# | $\max(a, b)$ | passes it to the larger, 0 to the other | gradient router |
# | a value used twice | adds up what comes back | gradient adder |
#
# The first three in one expression, $2\,(a b + \max(c, d))$ at $a = 3$, $b = -4$, $c = 2$, $d = -1$.
# Say the four gradients before you look under the edges.

# %%
a, b, c, d = Value(3), Value(-4), Value(2), Value(-1)
four = 2 * (a * b + maximum(c, d))
four.backward()
draw(four)

# %% [markdown]
# ## Exercise 1: a squared error by hand
#
# Take $L = (f - t)^2$ with $f = g + z$ and $g = x y$. This is its forward pass at $x = -2$, $y = 3$, $z = 1$,
# with the target $t = -4$:


# %%
def error(x, y, z, t):
    """The squared error (f − t)² of f = xy + z."""
    g = x * y
    f = g + z
    return (f - t) ** 2


L = error(Value(-2, "x"), Value(3, "y"), Value(1, "z"), Value(-4, "t"))
draw(L)

# %% [markdown]
# Go back from $L$ on paper, gate by gate. Then put your four formulas in place of the zeros. (The local gradient of a
# square $u^2$ is $2u$.)


# %% tags=["exercise"]
def error_gradient(x, y, z, t):
    """Return [∂L/∂x, ∂L/∂y, ∂L/∂z, ∂L/∂t]."""
    return [0.0, 0.0, 0.0, 0.0]


# %% [markdown]
# `check_gradients` compares them with **finite differences**, $\frac{L(x + h) - L(x - h)}{2h}$ with a small $h$.
# These know nothing of the chain rule.

# %% tags=["check"]
with checking(error_gradient):
    here = check_gradients(error, [-2.0, 3.0, 1.0, -4.0], gradient=error_gradient)
    there = check_gradients(error, [1.5, -2.0, 0.5, 1.0], gradient=error_gradient)
    print(here)
    if here and there:
        print("right: here, and at a second point too")
    elif here:
        not_yet("right at this point and wrong at another.", "Write formulas in x, y, z and t, not their numbers here.")
    else:
        wrong = [check.name for check in here.checks if not check.ok]
        not_yet(f"look at the gradient in {', '.join(wrong)}.", "What is upstream there, and what is local?")

# %% [markdown]
# ## The sigmoid neuron
#
# $$f = \sigma(w_0 x_0 + w_1 x_1 + w_2), \qquad \sigma(s) = \frac{1}{1 + e^{-s}}$$
#
# with the numbers of CS231n's course notes, written with small gates only, so that there is more to see:

# %%
w0, x0, w1, x1, w2 = Value(2), Value(-1), Value(-3), Value(-2), Value(-3)
f = 1 / (1 + exp(-(w0 * x0 + w1 * x1 + w2)))
f.backward()
draw(f)

# %%
explain(f)

# %% [markdown]
# The gradient in one input alone is the product of the local gradients on the path from it to the output:

# %%
explain(f, wrt=w1)

# %% [markdown]
# And here you can step through it yourself, with the buttons or the keys ← and →. Change a leaf, or let the page hide
# each gradient until you have predicted it.

# %%
explore(f)

# %% [markdown]
# ## Exercise 2: the same neuron in one step
#
# The four gates after the sum make up the sigmoid. Its derivative needs nothing but its own output:
# $\sigma'(s) = (1 - \sigma(s))\,\sigma(s)$, here $(1 - 0.7311) \cdot 0.7311 = 0.1966$. With that, find all five
# gradients without going through the small gates.


# %% tags=["exercise"]
def neuron_gradient(w0, x0, w1, x1, w2):
    """Return [∂f/∂w0, ∂f/∂x0, ∂f/∂w1, ∂f/∂x1, ∂f/∂w2]."""
    f = sigmoid(w0 * x0 + w1 * x1 + w2)
    return [0.0, 0.0, 0.0, 0.0, f]


# %% tags=["check"]
def sigmoid_neuron(w0, x0, w1, x1, w2):
    """The neuron as a function."""
    return sigmoid(w0 * x0 + w1 * x1 + w2)


with checking(neuron_gradient):
    here = check_gradients(sigmoid_neuron, [2.0, -1.0, -3.0, -2.0, -3.0], gradient=neuron_gradient)
    there = check_gradients(sigmoid_neuron, [0.5, 2.0, -1.0, 0.25, 0.1], gradient=neuron_gradient)
    print(here)
    if here and there:
        print("right: here, and at a second point too")
    elif here:
        not_yet("right at this point and wrong at another.", "Write formulas, not their numbers here.")
    elif not here.checks[4].ok:
        not_yet("begin with w2.", "It is only added, so its gradient is the slope of the sigmoid, times 1.")
    else:
        not_yet("w2 is right.", "A product swaps: which number does each weight, and each input, meet there?")

# %% [markdown]
# ## A value that is used twice
#
# In $x \cdot x + x$ the value $x$ goes three ways, and three gradients come back. They **add up**:

# %%
x = Value(3.0)
f = x * x + x
f.backward()
draw(f)

# %%
explain(f, wrt=x)

# %% [markdown]
# Networks do this all the time. In a graph with a shared weight, $w_1$ is used at the beginning and at the
# end. With products for its functions, $x_1 = w_1 x_0$, $\;x_2 = w_2 x_0 x_1$ and $x_3 = w_1 x_1 x_2$, and at $x_0 = 2$,
# $w_1 = 3$, $w_2 = -1$, three paths lead from $w_1$ to $x_3$:


# %%
def shared(x0, w1, w2):
    """A graph in which the weight w1 is shared."""
    x1 = w1 * x0
    x2 = w2 * (x0 * x1)
    return w1 * (x1 * x2)


w1 = Value(3, "w1")
x3 = shared(Value(2, "x0"), w1, Value(-1, "w2"))
explain(x3, wrt=w1)

# %% [markdown]
# ## Exercise 3: a bug in the backward pass
#
# Here is a whole backward pass, in six lines. The graph is walked from the root back to the leaves
# (`topological_order` lists each node after its inputs), and `local_gradients` asks a gate for its own.
# It is right for many expressions, and **it has a bug**. Find it, and mend it.

# %%
from autograd import topological_order


def local_gradients(node):
    """Return the local gradients of a node's gate, one for each of its inputs; a leaf has none."""
    if node.gate is None:
        return []
    slopes = grad(node.gate)(*[source.data for source in node.inputs])
    return slopes if isinstance(slopes, tuple) else [slopes]


# %% tags=["exercise"]
def my_backward(root):
    """Return {node: ∂root/∂node} for every node of the graph."""
    gradients = {root: 1.0}
    for node in reversed(topological_order(root)):
        for source, local in zip(node.inputs, local_gradients(node)):
            gradients[source] = gradients[node] * local
    return gradients


# %% tags=["check"]
def by_my_backward(f):
    """Return the gradient of f as my_backward finds it."""

    def gradient(*numbers):
        leaves = [Value(number) for number in numbers]
        gradients = my_backward(f(*leaves))
        slopes = [gradients.get(leaf, 0.0) for leaf in leaves]
        return slopes if len(slopes) > 1 else slopes[0]

    return gradient


def verdict(name, f, point):
    """Print the check of a function's gradient as my_backward finds it, and return whether it is right."""
    report = check_gradients(f, point, gradient=by_my_backward(f))
    print(f"{name}\n{report}\n")
    return bool(report)


with checking(my_backward):
    once = verdict("(x + y)·z", lambda x, y, z: (x + y) * z, [-2.0, 5.0, -4.0])
    once &= verdict("the sigmoid neuron", sigmoid_neuron, [2.0, -1.0, -3.0, -2.0, -3.0])
    again = verdict("x·x + x", lambda x: x * x + x, [3.0])
    again &= verdict("the shared weight", shared, [2.0, 3.0, -1.0])
    if once and again:
        print("right: what you have now is reverse-mode automatic differentiation")
    elif once:
        not_yet("right wherever each value is used once.", "What becomes of the first gradient that came to x?")
    else:
        not_yet("expressions are wrong that use each value once.", "At every gate, upstream × local = downstream.")

# %% [markdown]
# ## How good are finite differences?
#
# Slow, because they take two evaluations for every input, and approximate. For $f(x) = e^{\sin x^2}$ at $x = 1$ the exact
# derivative is $e^{\sin x^2} \cos(x^2)\, 2x = 2.5068$, and the error depends on the step $h$:


# %%
import matplotlib.pyplot as plt

from autograd import finite_differences, sin


def wave(x):
    """e^sin(x²)."""
    return exp(sin(x**2))


exact = grad(wave)(1.0)
steps = [10 ** (-k / 4) for k in range(4, 53)]
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
forward_errors = [abs(finite_differences(wave, [1.0], scheme="forward", step=h)[0] - exact) for h in steps]
central_errors = [abs(finite_differences(wave, [1.0], scheme="central", step=h)[0] - exact) for h in steps]
ax.loglog(steps, forward_errors, color="#E69F00", marker="^", markersize=4, label="forward: (f(x+h) − f(x)) / h")
ax.loglog(steps, central_errors, color="#0072B2", marker="o", markersize=4, label="central: (f(x+h) − f(x−h)) / 2h")
ax.set(xlabel="step h", ylabel="|error| of the derivative", title="the formula's error falls with h, rounding's grows")
ax.legend(frameon=False)
show(
    "The error of two difference formulas over the step h, both axes logarithmic. Each error falls as h becomes smaller, "
    "and then grows again. The central formula reaches the smaller one, at a larger h."
)

# %% [markdown]
# The engine's gradients are exact up to rounding. What finite differences are good for is a second opinion.
#
# ## Exercise 4: find the bugs
#
# Five functions, and below them the derivatives that somebody wrote for them.


# %%
def cube(x):
    """x³."""
    return x**3


def bell(x):
    """e^(−x²)."""
    return exp(-x * x)


def half_square(a, b):
    """½(a − b)²."""
    return 0.5 * (a - b) ** 2


def swish(x):
    """x·σ(x)."""
    return x * sigmoid(x)


def softsign(x):
    """x/(1 + |x|)."""
    return x / (1 + abs(x))


# %% [markdown]
# Some of these derivatives are wrong. Find out which, by checks like the one in the cell behind them, and mend those.


# %% tags=["exercise"]
def cube_slope(x):
    """The derivative of x³."""
    return 3 * x


def bell_slope(x):
    """The derivative of e^(−x²)."""
    return -2 * x


def half_square_slope(a, b):
    """The derivatives of ½(a − b)² in a and in b."""
    return [a - b, a - b]


def swish_slope(x):
    """The derivative of x·σ(x)."""
    s = sigmoid(x)
    return s + x * s * (1 - s)


def softsign_slope(x):
    """The derivative of x/(1 + |x|)."""
    return 1 / (1 + abs(x)) ** 2


# %%
check_gradients(cube, [1.0], gradient=cube_slope)


# %% tags=["check"]
def is_wrong(f, slope, *points):
    """Tell whether a derivative fails at one of the points."""
    return not all(check_gradients(f, point, gradient=slope) for point in points)


with checking(cube_slope, bell_slope, half_square_slope, swish_slope, softsign_slope):
    still = is_wrong(cube, cube_slope, [1.0], [2.0], [-0.7])
    still += is_wrong(bell, bell_slope, [0.5], [-1.2])
    still += is_wrong(half_square, half_square_slope, [1.0, 1.0], [2.0, -0.5])
    still += is_wrong(swish, swish_slope, [1.0], [-2.0])
    still += is_wrong(softsign, softsign_slope, [1.0], [-2.0])
    if still:
        not_yet(
            f"{still} of the five are wrong somewhere.",
            "A wrong derivative may be right at one point, by chance: check each at two points at least, one of them "
            "negative, and where there are two inputs, not equal.",
        )
    else:
        print("right: all five derivatives agree with finite differences at every point tried")

# %% [markdown]
# ## What you have seen
#
# - A value remembers its gate and its inputs; the graph is there after every calculation.
# - Upstream × local = downstream, from the root to the leaves; at a value that is used twice, gradients add up.
# - A gradient is not to be believed but checked, at more than one point.
#
# In the next notebook, `part2_networks.ipynb`, neurons become a network, and it learns.
