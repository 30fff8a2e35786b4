# %% [markdown]
# # 3. From scalars to matrices
#
# Scalar graphs are good for understanding, and slow for large networks: a textbook
# writes the backward pass of a layer as a few matrix products. In this notebook you write them by hand, have them
# checked against the scalars, and then let `autograd.compile` find them by itself.
#
# There are three exercises.

# %%
import numpy as np
from hints import checking, not_yet, show

import autograd
from autograd import Value, check_gradients, dot, draw, sigmoid
from nn import MLP, cross_entropy_with_logits, one_hot, sensitivities, squared_error

# %% [markdown]
# ## A small network, in scalars
#
# A network with two hidden layers, of the smallest sizes, $2 \to 2 \to 2 \to 3$: sigmoid neurons, and
# softmax with cross-entropy at the end. It has 21 parameters. The sample is $x = (1, 2)$, and its class is 2, counted
# from 0.

# %%
W1, b1 = [[0.1, -0.2], [0.4, 0.3]], [0.05, -0.1]
W2, b2 = [[-0.3, 0.2], [0.5, -0.4]], [0.0, 0.1]
W3, b3 = [[0.2, -0.1], [-0.5, 0.3], [0.6, 0.4]], [0.1, 0.0, -0.1]
x, y = [1.0, 2.0], 2


def loss_of(W1, b1, W2, b2, W3, b3):
    """The loss of the sample, as a function of all weights and biases: one dot gate and one sigmoid for each neuron."""
    a1 = [sigmoid(dot(w, x, b)) for w, b in zip(W1, b1)]
    a2 = [sigmoid(dot(w, a1, b)) for w, b in zip(W2, b2)]
    z3 = [dot(w, a2, b) for w, b in zip(W3, b3)]
    return cross_entropy_with_logits(z3, y)


loss_of(W1, b1, W2, b2, W3, b3)

# %% [markdown]
# The same as a model of `nn`, whose neurons know their layer, so that a picture can fold them, a box for each:

# %%
net = MLP(2, [2, 2, 3], sigmoid)
net.load_state_dict({"layer1.W": W1, "layer1.b": b1, "layer2.W": W2, "layer2.b": b2, "layer3.W": W3, "layer3.b": b3})
loss = cross_entropy_with_logits(net([Value(1, "x1"), Value(2, "x2")]), y)
loss.label = "loss"
loss.backward()
draw(loss, level="neuron")

# %% [markdown]
# ## The δ recursion
#
# With the pre-activations $z^l = W^l a^{l-1} + b^l$ and the **sensitivities** $\delta^l = \partial L / \partial z^l$, the
# backward pass of a whole layer at once is
#
# $$\delta^L = p - e_y, \qquad \delta^{l} = (W^{l+1})^{\mathsf T} \delta^{l+1} \odot f'(z^l), \qquad
# \frac{\partial L}{\partial W^l} = \delta^l (a^{l-1})^{\mathsf T}, \qquad \frac{\partial L}{\partial b^l} = \delta^l$$
#
# where $p$ is the softmax of $z^L$, $e_y$ the one-hot target, $\odot$ the product entry by entry, and for the sigmoid
# $f'(z) = a\,(1 - a)$. The scalars have found the same numbers, of course:

# %%
for layer, delta in enumerate(sensitivities(net, x, y, cross_entropy_with_logits), start=1):
    print(f"δ{layer} =", [round(entry, 6) for entry in delta])

# %% [markdown]
# ## Exercise 1: backpropagation in matrices
#
# The forward pass is there, in NumPy: `@` is the matrix product, `.T` the transpose, `np.outer(u, v)` is $u v^{\mathsf T}$.
# Put the recursion in place of the zeros.


# %% tags=["exercise"]
def backpropagate(W1, b1, W2, b2, W3, b3):
    """Return [dW1, db1, dW2, db2, dW3, db3], the gradient of the loss, each in the shape of its parameter."""
    W1, b1, W2, b2, W3, b3 = map(np.array, (W1, b1, W2, b2, W3, b3))
    a1 = 1 / (1 + np.exp(-(W1 @ x + b1)))
    a2 = 1 / (1 + np.exp(-(W2 @ a1 + b2)))
    z3 = W3 @ a2 + b3
    p = np.exp(z3) / np.exp(z3).sum()

    delta3 = 0 * p
    delta2 = 0 * a2
    delta1 = 0 * a1
    return [np.outer(delta1, x), delta1, np.outer(delta2, a1), delta2, np.outer(delta3, a2), delta3]


# %% tags=["check"]
with checking(backpropagate):
    report = check_gradients(loss_of, [W1, b1, W2, b2, W3, b3], gradient=backpropagate)
    print(report)
    ok = {layer: all(check.ok for check in report.checks if check.name[1] == layer) for layer in "123"}
    if report:
        print("right: 21 gradients, with two products by a transpose and three outer products")
    elif not ok["3"]:
        not_yet("begin at the end.", "The gradients of W3 and b3 need δ3 alone, which is p less the one-hot target.")
    elif not ok["2"]:
        not_yet("layer 3 is right.", "On the way back W3 leads from its outputs to its inputs, and then comes f′.")
    else:
        not_yet("layers 3 and 2 are right.", "W2 is square, so its shape does not tell which way it leads.")

# %% [markdown]
# ## `compile` finds it by itself
#
# `compile` records the loss of **one** sample once, as scalars, applies the chain rule gate by gate, and only then looks
# for what belongs together: sums of products over the same inputs are the rows of one matrix. Read what comes out, and
# look for your three $\delta$ (`d1`, `d2`, `d3`, from the loss back). Columns are samples: one call takes a whole batch, and
# the cost is the mean. (`k1` is a row of ones: the product by it is the sum in the softmax.)

# %%
program = autograd.compile(lambda x, y: cross_entropy_with_logits(net(x), y), net, x=2, y=3)
print(program)

# %% [markdown]
# One program serves all samples, so it cannot depend on which class a sample has: the target comes as a one-hot row.
# On the sample from above its gradient is that of the scalars:

# %%
cost, gradient = program.value_and_grad([x], [one_hot(y, 3)])
print(f"cost {cost:.12f}")
print("largest difference to the scalars:", max(abs(g - p.grad) for g, p in zip(gradient, net.parameters())))

# %% [markdown]
# ## Exercise 2: count the products
#
# The backward pass takes about twice the computations of the forward pass. Matrix products are nearly all
# of it, and each is one `@` in a program. Here is the program of a network of **two** layers, with a squared error. How
# many `@` does one of $n$ layers have, forward and backward together?

# %%
two = MLP(2, [3, 1])
print(autograd.compile(lambda x, y: squared_error(two(x), y[0]), two, x=2, y=1))


# %% tags=["exercise"]
def products(n):
    """Return how many matrix products a network of n layers takes, forward and backward together."""
    return n


# %% tags=["check"]
def counted(n):
    """Return how many matrix products the program of a network of n layers has."""
    deep = MLP(2, [3] * (n - 1) + [1])
    return str(autograd.compile(lambda x, y: squared_error(deep(x), y[0]), deep, x=2, y=1)).count("@")


with checking(products):
    answers = [counted(n) for n in range(1, 6)]
    mine = [products(n) for n in range(1, 6)]
    if mine == answers:
        print("right: for 1 to 5 layers", answers)
    elif mine == [1, 2, 3, 4, 5]:
        not_yet("these are the products of the forward pass.")
    elif mine == [a + 1 for a in answers]:
        not_yet("one too many, always.", "Does anybody need the gradient in the inputs x?")
    elif mine[1] != answers[1]:
        not_yet(f"the program of two layers is printed above, and it has {answers[1]}.")
    else:
        not_yet("right for two layers, not for every number of them.", "What does each further layer add?")

# %% [markdown]
# ## Exercise 3: a branch cannot be compiled
#
# A program that is to serve all samples cannot look at the numbers of one. This leaky relu does, by its `if`. Write it
# without: `autograd.maximum`, `autograd.where` and `autograd.relu` are gates, and so part of the graph.


# %% tags=["exercise"]
def leaky(z):
    """Return z where z > 0, and 0.1·z elsewhere."""
    return z if z > 0 else 0.1 * z


# %% tags=["check"]
points = [-3.0, -0.5, 0.5, 2.0]
with checking(leaky):
    compiled = autograd.compile(lambda x: leaky(x[0]), x=1)
    print(compiled)
    found, wanted = compiled([[z] for z in points]), [z if z > 0 else 0.1 * z for z in points]
    off = [i for i in range(4) if abs(found[i] - wanted[i]) > 1e-12]
    if off:
        z, mine, right = points[off[0]], found[off[0]], wanted[off[0]]
        not_yet(f"it compiles, and at z = {z} it gives {mine:g} instead of {right:g}")
    elif not all(check_gradients(leaky, [z]) for z in points):
        not_yet("the numbers are right, a gradient is not.", "Does a part of it leave the graph?")
    else:
        print("right: one program for both sides of 0")

# %% [markdown]
# ## Handwritten digits
#
# Now the whole way. 1,797 digits of 8 × 8 pixels, a quarter of them kept aside; a network of 64, 32 and 10 neurons, 2,410
# parameters. How long does one step on a mini-batch of 32 digits take, by scalars and by the program?

# %%
import time
from random import Random

from sklearn.datasets import load_digits

from nn import he, recipe, train_test_split

pixels, digits = load_digits(return_X_y=True)
train, test = train_test_split(((pixels / 16).tolist(), digits.tolist()), 0.25, rng=Random(0))
task = recipe("multiclass", 64, [32], 10, init=he, rng=Random(0))
step = autograd.compile(lambda x, y: cross_entropy_with_logits(task.model(x), y), task.model, x=64, y=10)
batch, targets = train[0][:32], train[1][:32]


def seconds(work):
    """Return how long a call of work takes: the least of three."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


by_scalars = seconds(lambda: [cross_entropy_with_logits(task.model(d), t).backward() for d, t in zip(batch, targets)])
by_program = seconds(lambda: step.value_and_grad(batch, [one_hot(t, 10) for t in targets]))
print(f"by scalars {1000 * by_scalars:.0f} ms, by the program {1000 * by_program:.2f} ms")

# %% [markdown]
# So `fit(..., compiled=True)` trains on all of them in a few seconds, with the same numbers up to rounding:

# %%
import matplotlib.pyplot as plt

from nn import Adam, fit, plot_history

adam = Adam(task.model.parameters(), 0.005)
run = fit(task.model, train, task.loss, adam, epochs=20, batch_size=32, rng=Random(1), validation=test, compiled=True)
chances = task.predict(test[0])
print(run, f"{task.score(chances, test[1]):.1%} of {len(test[1])} digits kept aside are read right", sep="\n")
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
plot_history(run, ax)
show("The costs of training and validation by epoch: both fall, steeply at first and then slowly.")

# %% [markdown]
# Look at some of those that it read wrong. Would you have known?

# %%
from nn import argmax

missed = [i for i, t in enumerate(test[1]) if argmax(chances[i]) != t][:8]
fig, axes = plt.subplots(1, 8, figsize=(14, 2.4), layout="constrained")
for ax in axes:
    ax.axis("off")
for ax, i in zip(axes, missed):
    ax.imshow(np.reshape(test[0][i], (8, 8)), cmap="Greys")
    ax.set_title(f"a {test[1][i]}, read as {argmax(chances[i])}", fontsize=10)
show("Images of 8 × 8 pixels: " + ", ".join(f"a {test[1][i]}, read as {argmax(chances[i])}" for i in missed))

# %% [markdown]
# ## What you have seen
#
# - The backward pass of a layer is a product by the transposed matrix, and a product entry by entry.
# - The same comes out of scalars, if one looks for what belongs together; `compile` does.
# - Whatever comes from somewhere else, such as your own formulas, can be checked against the scalars.
#
# `print(program.report())` says of any program what became a matrix and what did not, and `program.to_jax()` and
# `program.on_torch()` run it elsewhere. `python -m demos` lists short scripts, each with its figures.
#
# In the last notebook, `part4_gpt.ipynb`, scalars become a GPT.
