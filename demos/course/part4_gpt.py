# %% [markdown]
# # 4. From a value to a GPT
#
# A large language model predicts the next word from the words before it. In this notebook you build a small one, of
# scalars: it predicts the next letter of a name, has about 4,000 parameters, and invents names when it is trained. It has
# the parts of the large ones: tokens, embeddings, attention, a loss and a sampler.
#
# There are three exercises.

# %%
from math import log
from random import Random
from zoneinfo import available_timezones

import matplotlib.pyplot as plt
from hints import checking, not_yet, show

from autograd import Value, compile, dot, draw, no_grad, relu, scope, take
from nn import Adam, Module, cross_entropy_with_logits, softmax

# %% [markdown]
# ## Names as tokens
#
# The names are those of the places in Python's list of time zones. A **token** is the number of a letter; one more token,
# `END`, stands before and after each name.

# %%
places = {zone.rpartition("/")[2].lower() for zone in available_timezones()}
names = sorted(place for place in places if 4 <= len(place) <= 7 and place.isascii() and place.isalpha())
Random(0).shuffle(names)
letters = "abcdefghijklmnopqrstuvwxyz"
END = len(letters)


def encode(name):
    """Return a name as tokens."""
    return [END, *map(letters.index, name), END]


print(len(names), "names, such as", ", ".join(names[:5]))
print(names[0], "=", encode(names[0]))

# %% [markdown]
# So a name of six letters gives seven samples: after `END` comes the first letter, after it the second, and after the
# last one `END`.
#
# ## Exercise 1: the loss of a name
#
# The simplest model is a table: row $i$ holds a score for every token that may follow token $i$. The softmax of the row
# makes probabilities of the scores. The loss of a name is the mean of $-\log p$ over its samples, where $p$ is the
# probability of the token that does follow. `softmax` makes probabilities of a list of scores, as numbers or as Values, and
# a Value has `.log()`:

# %%
[round(p, 3) for p in softmax([2.0, 1.0, -1.0])]


# %% tags=["exercise"]
def name_loss(table, tokens):
    """Return the mean of −log p(following token) over the samples of a name."""
    return 0.0 * table[0][0]


# %% tags=["check"]
small = [
    [Value(0.3), Value(-0.2), Value(0.9)],
    [Value(0.0), Value(1.1), Value(-0.4)],
    [Value(0.5), Value(0.1), Value(0.2)],
]
told = [2, 0, 1, 1, 2]
wanted = cross_entropy_with_logits([small[token] for token in told[:-1]], told[1:])
with checking(name_loss):
    found = name_loss(small, told)
    number = found.data if isinstance(found, Value) else found
    if abs(number - wanted.data) < 1e-9:
        found.backward()
        slopes = [entry.grad for row in small for entry in row]
        for row in small:
            for entry in row:
                entry.grad = 0.0
        wanted.backward()
        if all(abs(a - entry.grad) < 1e-9 for a, entry in zip(slopes, (entry for row in small for entry in row))):
            print(f"right: {number:.6f}, and all nine gradients")
        else:
            not_yet("the loss is right and its gradient is not.", "Does a part of it leave the graph, as .data does?")
    elif abs(number - 4 * wanted.data) < 1e-9:
        not_yet("this is the sum of the four losses.", "The docstring asks for another thing.")
    elif number < 0:
        not_yet(f"the loss is {number:.6f}, and a loss is not negative.", "What is the sign of log p?")
    else:
        not_yet(
            f"for the tokens {told} your loss is {number:.6f}, and it should be {wanted.data:.6f}.",
            "The row belongs to a token, and the entry to the one after it. How many samples have five tokens?",
        )

# %% [markdown]
# A model that knows nothing gives each of the 27 tokens the same probability. Its loss is $\log 27 = 3.30$. `nn` has this
# loss as `cross_entropy_with_logits(rows, following)`, from the scores themselves.
#
# ## Exercise 2: attention
#
# The table sees one letter. **Attention** looks at all letters so far. Each of them has a **key** $k_u$ and a **value**
# $v_u$, which are vectors. The present letter has a **query** $q$ of the same length $d$ as the keys. Where query and key
# agree, their product is large, and the value counts much:
#
# $$a_u = \operatorname{softmax}_u\!\left(\frac{q \cdot k_u}{\sqrt d}\right), \qquad o = \sum_u a_u\, v_u$$
#
# As it stands, the function looks at the last letter only. `dot(x, y)` is the product of two lists; `zip(*values)`
# gives the first entries of all values, then the second ones, and so on.


# %% tags=["exercise"]
def attend(query, keys, values):
    """Return the list of the weights a, one for each key, and the vector o."""
    return [0.0] * (len(keys) - 1) + [1.0], values[-1]


# %% tags=["check"]
q = [1.0, -2.0]
ks, vs = [[0.5, 0.25], [-1.0, 1.0], [2.0, 0.5]], [[1.0, 0.0, 3.0], [0.0, 1.0, -1.0], [2.0, 2.0, 0.5]]
weights_wanted = [0.3176632, 0.03807932, 0.64425749]
mean_wanted = [1.60617817, 1.32659429, 1.23703901]
with checking(attend):
    weights, mean = attend(q, ks, vs)
    if len(weights) != 3 or len(mean) != 3:
        not_yet("for three keys there are three weights, and o is as long as a value, here three.")
    elif abs(sum(weights) - 1) > 1e-9:
        not_yet(f"the weights sum to {sum(weights):.4f}.", "The weights of a mean sum to 1. Which function sees to it?")
    elif max(abs(a - b) for a, b in zip(weights, weights_wanted)) > 1e-6:
        not_yet(
            f"the weights are {[round(a, 4) for a in weights]}.",
            "Are all keys asked? And what is the product of query and key divided by, before the softmax?",
        )
    elif max(abs(a - b) for a, b in zip(mean, mean_wanted)) > 1e-6:
        not_yet("the weights are right, and o is not.", "An entry of o takes one entry of every value.")
    else:
        print("right: the weights", [round(a, 4) for a in weights], "and o", [round(a, 4) for a in mean])

# %% [markdown]
# ## The whole
#
# A GPT of one layer. Each letter becomes a vector of 16 numbers, its **embedding**: a row for the token plus a row for
# its place. Then come four attention **heads**, each on a quarter of the vector, and an **MLP**, as in notebook 2. Both
# *add* to the vector instead of replacing it, and `normal` keeps its size at 1. At the end a matrix makes 27 scores of it.
# `take(table, token)` picks a row, also where the token is an input of a compiled program.

# %%
WIDTH, HEADS = 16, 4


def times(matrix, x):
    """The product of a matrix and a vector."""
    return [dot(row, x) for row in matrix]


def plus(x, y):
    """The sum of two vectors."""
    return [a + b for a, b in zip(x, y)]


def normal(x):
    """The vector, scaled so that the mean of its squares is 1."""
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]


class GPT(Module):
    """Scores of the next token after each token of a name."""

    def __init__(self, rng):
        def matrix(rows, columns=WIDTH):
            return [[Value(rng.gauss(0.0, 0.1), role="parameter") for _ in range(columns)] for _ in range(rows)]

        self.tokens, self.places, self.scores = matrix(END + 1), matrix(8), matrix(END + 1)
        self.query, self.key, self.value, self.mix = (matrix(WIDTH) for _ in range(4))
        self.up, self.down = matrix(4 * WIDTH), matrix(WIDTH, 4 * WIDTH)

    def step(self, token, keys, values):
        """Return the scores after one more token and the weights of each head; its key and value join the lists."""
        with scope("embedding"):
            x = plus(take(self.tokens, token), self.places[len(keys)])
        with scope("attention"):
            seen, weights, found = normal(x), [], []
            keys.append(times(self.key, seen))
            values.append(times(self.value, seen))
            query = times(self.query, seen)
            for start in range(0, WIDTH, WIDTH // HEADS):
                part = slice(start, start + WIDTH // HEADS)
                with scope("head"):
                    a, o = attend(query[part], [key[part] for key in keys], [value[part] for value in values])
                weights.append(a)
                found += o
            x = plus(x, times(self.mix, found))
        with scope("MLP"):
            x = plus(x, times(self.down, [relu(h) for h in times(self.up, normal(x))]))
        with scope("scores"):
            return times(self.scores, normal(x)), weights

    def loss(self, tokens, following):
        """Return the mean loss of a name."""
        keys, values = [], []
        rows = [self.step(token, keys, values)[0] for token in tokens]
        with scope("loss"):
            return cross_entropy_with_logits(rows, following)


model = GPT(Random(0))
first = encode("oslo")
loss = model.loss(first[:-1], first[1:])
loss.label = "loss"
loss.backward()
print(len(model.parameters()), "parameters; the loss of oslo is", round(loss.data, 3))

# %% [markdown]
# The loss is about $\log 27$: it knows nothing yet. Every one of its gates can be drawn; here a box stands for each part.

# %%
draw(loss, level="layer")

# %% [markdown]
# ## Training
#
# A step for one name: forward, backward, and Adam moves the parameters. `compile` writes a program for each length of
# name, and `train` takes the steps. The first step of each length takes a second, the others a fraction of a millisecond.

# %%
tokens = [encode(name) for name in names]
programs = compile(model.loss, model)
adam = Adam(model, 0.005)
costs = programs.train(
    [name[:-1] for name in tokens], [name[1:] for name in tokens], adam, steps=2000, batch_size=1, rng=Random(0)
)
print(programs)
fig, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
ax.plot(range(50, 2001, 100), costs.reshape(-1, 100).mean(1), color="#0072B2", marker="o")
ax.axhline(3.296, color="#888888", linestyle="--", label="knows nothing: log 27")
ax.set(
    xlabel="step", ylabel="loss, mean of 100 names", title=f"from {costs[:100].mean():.2f} to {costs[-100:].mean():.2f}"
)
ax.legend(frameon=False, loc="center right")
show("The loss falls from that of one who knows nothing, steeply over the first few hundred names and then slowly.")

# %% [markdown]
# ## Exercise 3: a temperature
#
# To invent a name, draw the first letter by the probabilities after `END`, then the next one after that letter, until
# `END` is drawn. A **temperature** $T$ decides how bold that is: the probabilities are the softmax of the scores, each
# divided by $T$. Near 0 the best letter is nearly always taken, and a large $T$ makes all letters alike, as the function
# does now.


# %% tags=["exercise"]
def chances(scores, temperature):
    """Return the probabilities of the tokens, given a list of scores as plain numbers."""
    return [1 / len(scores)] * len(scores)


# %% tags=["check"]
with checking(chances):
    scores = [2.0, -1.0, 0.5]
    found_at = {t: chances(scores, t) for t in (1.0, 0.5, 4.0)}
    sums = [sum(p) for p in found_at.values()]
    if any(abs(total - 1) > 1e-9 for total in sums):
        not_yet("the probabilities do not sum to 1 at every temperature.", "What is divided by T, and when?")
    elif all(abs(log(p[0] / p[1]) - 3.0 / t) < 1e-9 for t, p in found_at.items()):
        print(
            "right: at temperatures 0.5, 1 and 4 the first token has",
            [round(found_at[t][0], 3) for t in (0.5, 1.0, 4.0)],
        )
    elif found_at[0.5] == found_at[4.0]:
        not_yet("the temperature changes nothing.", "Where does T come in?")
    elif found_at[0.5][0] < found_at[4.0][0]:
        not_yet("a higher temperature makes it less bold.", "Is T on the right side of the division?")
    else:
        not_yet(f"at temperature 1 the probabilities are {[round(a, 4) for a in found_at[1.0]]}.")


# %% [markdown]
# Ten names, at three temperatures. Some of them are in the list, and most are not.


# %%
def invent(temperature, rng):
    """Return a new name."""
    name, keys, values = [END], [], []
    while len(name) < 8 and (len(name) == 1 or name[-1] != END):
        with no_grad():
            scores = [score.data for score in model.step(name[-1], keys, values)[0]]
        name += rng.choices(range(END + 1), chances(scores, temperature))
    return "".join(letters[token] for token in name if token != END) or "(none)"


for temperature in (0.3, 0.8, 2.0):
    rng = Random(1)
    print(f"T = {temperature}:", ", ".join(invent(temperature, rng) for _ in range(10)))

# %% [markdown]
# ## What it looks at
#
# Each head has weights for the letters so far. A row is the letter that asks, and a column one that answers; `^` is `END`.
# The upper right is empty, because a letter never sees those that come later.

# %%
word, keys, values = "london", [], []
looks = [model.step(token, keys, values)[1] for token in encode(word)[:-1]]
marks = ["^", *word]
fig, axes = plt.subplots(1, HEADS, figsize=(12, 3.4), layout="constrained")
for head, ax in enumerate(axes):
    rows = [[getattr(a, "data", a) for a in look[head]] for look in looks]
    ax.imshow([row + [0.0] * (len(marks) - len(row)) for row in rows], cmap="Blues", vmin=0, vmax=1)
    ax.set(xlabel="looks at", ylabel="letter", title=f"head {head + 1}")
    ax.set_xticks(range(len(marks)), marks)
    ax.set_yticks(range(len(marks)), marks)
show("A triangle of weights for each head, a row for each letter of london; each head spreads them in its own way.")

# %% [markdown]
# Each head spreads its weights in its own way. The first row has one letter to look at, so its weight is 1.
#
# ## What you have seen
#
# - A model of language is a loss on the next token; its gradient is that of notebook 1, over some thousand gates.
# - Attention is a mean of values, weighted by a softmax of products.
# - The parts add to a vector, and all of them are learnt at once.
#
# `python -m demos microgpt` trains a little larger one. To put this engine under a program of your own that has a scalar
# `Value`, read `demos/from_micrograd.md`.
