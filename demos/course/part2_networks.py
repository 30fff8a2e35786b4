# %% [markdown]
# # 2. A network that learns XOR and moons
#
# One neuron draws one line. In this notebook you see what a line cannot do, write the two things that a network needs
# in order to learn, a **loss** and a **step**, and train two networks.
#
# There are three exercises. As before, each is a cell to fill in and a cell that checks it.

# %%
from random import Random

import matplotlib.pyplot as plt
from hints import checking, not_yet, show

from autograd import Value, check_gradients, draw, log, sigmoid, tanh
from nn import MLP, SGD, binary_cross_entropy_with_logits, classical, fit, plot_boundary, plot_history, plot_points

# %% [markdown]
# ## What one neuron cannot do
#
# XOR is 1 where exactly one of its inputs is 1. A perceptron fires where $w_1 x_1 + w_2 x_2 + b \ge 0$: on one side of
# a line. No line has both corners of class 1 on one side and both of class 0 on the other, and here is the proof:

# %%
X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
print(classical.separable(X, Y))

# %% [markdown]
# So the perceptron learning algorithm goes round in circles: four updates in every epoch, for ever.
# On AND it ends.

# %%
endless, ending = classical.learn_perceptron(X, Y, 10), classical.learn_perceptron(X, [0, 0, 0, 1])
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
plot_boundary(lambda x: x[0] + x[1] - 0.5, X, Y, left).set_title("whatever the line, one corner is wrong")
plot_points(X, Y, left, size=60)
right.plot(range(1, len(endless.changes) + 1), endless.changes, color="#D55E00", marker="s", label="XOR")
right.plot(range(1, len(ending.changes) + 1), ending.changes, color="#0072B2", marker="o", label="AND")
right.set(xlabel="epoch", ylabel="updates", ylim=(-0.2, 5), title="perceptron learning")
right.legend(frameon=False, loc="center right")
show(
    "Left: the four corners of XOR and a line; one corner is on the wrong side. Right: the updates of the perceptron in "
    "each epoch. For XOR they stay at four, for AND they end."
)

# %% [markdown]
# With two neurons in between, $A$ = OR and $B$ = NAND, the output is $A$ AND $B$, which is a line's work again.
# The hidden neurons have moved the corners:

# %%
classical.xor_two_layers().truth_table("A", "B", "f")

# %% [markdown]
# Here somebody chose the weights. A network is to find them by itself, by following a gradient. A step function has
# slope 0 wherever it has one, so there is nothing to follow; sigmoid and tanh have slopes.
#
# ## A loss
#
# For two classes the output neuron is a sigmoid: $o = \sigma(z)$ is the probability of class 1. The **binary
# cross-entropy** is small where the probability of the true class $y$ is large:
#
# $$L = -y \log o - (1 - y) \log(1 - o)$$
#
# At $z = 1$ the network says $o = 0.7311$, and these are its losses for $y = 1$ and for $y = 0$:

# %%
-log(sigmoid(1.0)), -log(1 - sigmoid(1.0))

# %% [markdown]
# The gradient is as simple as can be, $\frac{\partial L}{\partial z} = o - y$.
#
# ## Exercise 1: the binary cross-entropy
#
# Write it with `sigmoid` and `log`, which take numbers and Values.


# %% tags=["exercise"]
def cross_entropy(z, y):
    """Return −y log σ(z) − (1 − y) log(1 − σ(z))."""
    return 0.0 * z


# %% tags=["check"]
def first_gap(loss):
    """Return the first z and y at which a loss differs from the one in nn, with both numbers; None if there is none."""
    for z, y in [(1.0, 1), (1.0, 0), (-2.0, 1), (-2.0, 0), (0.5, 0.25)]:
        found, wanted = loss(Value(z), y), binary_cross_entropy_with_logits(z, y)
        number = found.data if isinstance(found, Value) else found
        if not abs(number - wanted) < 1e-9:
            return z, y, number, wanted
    return None


with checking(cross_entropy):
    gap = first_gap(cross_entropy)
    if gap:
        not_yet(
            "at z = {}, y = {} your loss is {:.6f}, and the one in nn is {:.6f}".format(*gap),
            "Which of the two terms is there when y is 1? And is a loss ever negative?",
        )
    else:
        report = check_gradients(lambda z: cross_entropy(z, 1), [1.0])
        print(report)
        if report:
            print(f"right: and the gradient, {report.checks[0].analytic:.6f}, is σ(1) − 1")
        else:
            not_yet("the loss is right and its gradient is not.", "Does a part of it leave the graph, as .data does?")

# %% [markdown]
# For training there is `binary_cross_entropy_with_logits(z, y)`, the same loss written so that it also holds at
# $z = 1000$, where $1 - \sigma(z)$ is 0 and has no logarithm.
#
# ## A network
#
# `MLP(2, [4, 1], tanh)` has two inputs, a hidden layer of four tanh neurons and one linear output, $z$. Its weights begin
# at random; the seed makes them the same for everybody. Here is the loss of one sample, a box for each neuron:

# %%
model = MLP(2, [4, 1], tanh, rng=Random(0))
loss = binary_cross_entropy_with_logits(model([Value(0, "x1"), Value(1, "x2")]), 1)
loss.label = "loss"
loss.backward()
print(model)
draw(loss, level="neuron")

# %% [markdown]
# ## Exercise 2: a step of gradient descent
#
# The **cost** $E(w)$ is the mean loss over all samples. Batch gradient descent changes every parameter at once:
#
# $$w \leftarrow w - \eta\, \frac{\partial E}{\partial w}$$
#
# The cost is there. What is missing is everything else: gradients that begin at 0, the backward pass, and the update of
# `p.data` for every `p` in `model.parameters()`.


# %% tags=["exercise"]
def train_step(model, X, Y, rate):
    """Take one step of gradient descent with the learning rate `rate`, and return the cost before it."""
    cost = sum(binary_cross_entropy_with_logits(model(x), y) for x, y in zip(X, Y)) / len(X)
    # your code
    return cost.data


# %% tags=["check"]
yours, twin = (MLP(2, [4, 1], tanh, rng=Random(0)) for _ in range(2))
start = [p.data for p in yours.parameters()]
costs, agreed = [], []
with checking(train_step):
    for _ in range(3):
        costs.append(train_step(yours, X, Y, 0.5))
        fit(twin, (X, Y), binary_cross_entropy_with_logits, SGD(twin.parameters(), 0.5), epochs=1)
        gaps = [abs(p.data - q.data) for p, q in zip(yours.parameters(), twin.parameters(), strict=True)]
        agreed.append(max(gaps) < 1e-12)
    if all(agreed):
        print(
            "right: three steps, and every weight is where nn.fit has it; cost", " → ".join(f"{c:.4f}" for c in costs)
        )
    elif [p.data for p in yours.parameters()] == start:
        not_yet("no weight has changed.", "It is p.data that is to be set, after the backward pass.")
    elif costs[2] > costs[0]:
        not_yet(f"the cost grows, {costs[0]:.4f} → {costs[2]:.4f}.", "The gradient points uphill.")
    elif agreed[0]:
        not_yet("the first step is right, and not all that follow.", "Do the gradients begin at 0 in every step?")
    else:
        not_yet("the weights move, but not by rate × gradient of the cost, each once.")

# %% [markdown]
# ## XOR, learnt
#
# `fit` does such steps until it is told to stop. 1,500 of them take a second or two; `record=True` keeps them all.

# %%
history = fit(model, (X, Y), binary_cross_entropy_with_logits, SGD(model.parameters(), 0.5), epochs=1500, record=True)
print(history)
fig, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
plot_history(history, left)
plot_boundary(model, X, Y, right).set_title("what it has learnt")
plot_points(X, Y, right, size=60)
show(
    "Left: the cost falls over 1,500 epochs. Right: the boundary of the trained network, with each corner of XOR on the "
    "side of its class."
)

# %% [markdown]
# And these are the **features** that the hidden neurons have found for it, by themselves:

# %%
print("x1 x2   neuron1 neuron2 neuron3 neuron4   P(class 1)")
for (x1, x2), features, z in zip(X, model.layers[0].predict(X), model.predict(X)):
    print(f"{x1}  {x2}   {'  '.join(f'{a:6.3f}' for a in features)}   {sigmoid(z):.4f}")

# %% [markdown]
# Drag the slider of the next page through the training: the loss curve, the decision boundary, and the weights beside
# the gradients that moved them.

# %%
from nn import explore_training

explore_training(model, history, data=(X, Y))

# %% [markdown]
# On the next page **you** train such a network, from new random weights: press Play, change the learning rate, reset.
# Which learning rate is too large? Which is too small?

# %%
from nn import playground

playground(MLP(2, [4, 1], tanh, rng=Random(1)), (X, Y), loss=binary_cross_entropy_with_logits)

# %% [markdown]
# Why at random? If all weights begin at 0, the four hidden neurons are the same, get the same gradient, and stay the
# same for ever. This is the **symmetry** that a random initialisation breaks:

# %%
from nn import zeros

lazy = MLP(2, [4, 1], tanh, init=zeros)
print(fit(lazy, (X, Y), binary_cross_entropy_with_logits, SGD(lazy.parameters(), 0.5), epochs=100))
lazy.state_dict()

# %% [markdown]
# ## Two moons
#
# Two hundred points, noise included, to train on, and three hundred fresh ones to test on: what counts is the error on
# points that the network has never seen, the **generalisation error**.

# %%
from nn import Adam, Layer, moons, recipe

train, test = moons(200, 0.1, Random(1)), moons(300, 0.1, Random(2))
line = Layer(2, 1, None, rng=Random(0))
fit(line, train, binary_cross_entropy_with_logits, SGD(line.parameters(), 0.5), epochs=60)
fig, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
plot_points(*train, left).set_title("200 points to train on")
plot_boundary(line, *test, right).set_title("logistic regression on fresh points")
show(
    "Left: two half-moons of points, one reaching into the other. Right: a straight line, with points of both moons on each side."
)

# %% [markdown]
# A line is not enough. `recipe("binary", 2, hidden)` returns a network with these hidden layers, with its loss; Adam is
# gradient descent with a step of its own for each weight; mini-batches of 16 samples make many small steps an epoch.
#
# ## Exercise 3: your own network
#
# Choose the hidden layers, such as `[3]` or `[8, 8]`, the learning rate and the number of epochs, so that at least 97 %
# of the fresh points are right. As it stands, there is no hidden layer.

# %% tags=["exercise"]
hidden = []
rate = 0.05
epochs = 20

# %% tags=["check"]
rng = Random(3)
try:
    task = recipe("binary", 2, hidden, activation=tanh, rng=rng)
    run = fit(task.model, train, task.loss, Adam(task.model.parameters(), rate), epochs=epochs, batch_size=16, rng=rng)
except (FloatingPointError, TypeError, ValueError) as problem:
    not_yet(str(problem))
else:
    accuracy = task.score(task.predict(test[0]), test[1])
    fig, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    plot_history(run, left)
    plot_boundary(task.model, *test, right).set_title(f"{accuracy:.1%} of the fresh points right")
    show(
        f"Left: the cost by epoch. Right: your network's boundary, with {accuracy:.1%} of the fresh points on their side."
    )
    print(task.model, run, sep="\n")
    if accuracy >= 0.97:
        print(f"right: {accuracy:.1%} of the fresh points. Now try with fewer neurons.")
    elif not hidden:
        not_yet(f"{accuracy:.1%} of the fresh points.", "Without a hidden layer the boundary is a line.")
    else:
        not_yet(
            f"{accuracy:.1%} of the fresh points. Look at both pictures.",
            "Is the boundary too stiff, as with too few neurons? Does the cost still fall at the end, as with too few "
            "epochs, or does it leap, as at too high a rate?",
        )

# %% [markdown]
# ## What you have seen
#
# - One neuron draws a line; a hidden layer moves the points until a line is enough.
# - A loss, a backward pass, a step against the gradient: that is training.
# - What counts is measured on fresh points.
#
# In the next notebook, `part3_matrices.ipynb`, the scalars become matrices.
