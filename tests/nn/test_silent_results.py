"""Guards against results that were wrong without a word: arguments taken in the wrong order, samples read as one,
parameters not found, steps that moved nothing. What cannot be right must be an error that says so."""

from __future__ import annotations

import math
import random
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import pytest
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

import autograd
from autograd import Value, compile, tanh
from nn import (
    MLP,
    SGD,
    Adam,
    AdamW,
    Concat,
    Layer,
    Module,
    Sequential,
    accuracy,
    clip_gradients,
    evaluate,
    explore_training,
    fit,
    linear_regression,
    minimize,
    monomials,
    plot_boundary,
    plot_points,
    products,
    squared_error,
)

COLUMN, TARGETS = [0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 5.0]
BOTH = pytest.mark.parametrize("compiled", [False, True], ids=["scalars", "compiled"])


# Compiling


def test_inputs_of_a_compiled_function_are_bound_by_their_names() -> None:
    w = Value(3.0)

    def loss(x: Any, y: Any) -> Any:
        return (w * x[0] * x[1] - y[0]) ** 2

    X, Y = [[1.0, 2.0], [2.0, 3.0]], [[5.0], [6.0]]
    program, other = compile(loss, [w], x=2, y=1), compile(loss, [w], y=1, x=2)
    assert other.inputs == program.inputs == {"x": 2, "y": 1}  # in the function's order
    assert other.value_and_grad(X, Y)[0] == program.value_and_grad(X, Y)[0] == (1.0 + 144.0) / 2
    other.compare(loss, X, Y)


def test_names_that_are_not_the_functions_are_refused_and_what_has_none_goes_by_order() -> None:
    with pytest.raises(TypeError, match=r"the function's inputs are x, y, and compile was given the sizes of u, v"):
        compile(lambda x, y: x[0] * y[0], [], u=1, v=1)
    with pytest.raises(TypeError, match=r"the function's inputs are x, y, and compile was given the sizes of x"):
        compile(lambda x, y: x[0] * y[0], [], x=1)
    assert compile(lambda *parts: parts[0][0] - parts[1][0], u=1, v=1)([[3.0]], [[1.0]]).tolist() == [2.0]
    assert compile(Layer.of([[2.0, 1.0]]), u=2)([[3.0, 1.0]]).tolist() == [7.0]  # one input takes any name
    assert compile(lambda x, scale=2.0: scale * x[0], x=1)([[3.0]]).tolist() == [6.0]


def test_what_compile_cannot_take_is_named() -> None:
    model = Layer.of([[2.0, 1.0]])
    with pytest.raises(TypeError, match="compile takes a function of Values, a model, or a recorded Value, not 3"):
        compile(3, x=1)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"parameters are a model or a list of Values, not <nn\.optimisers\.SGD"):
        compile(lambda x: model(x), SGD(model), x=2)
    assert compile(model, x=np.int64(2))([[3.0, 1.0]]).tolist() == [7.0]


def test_an_output_without_inputs_has_a_row_for_every_sample() -> None:
    w, X = Value(3.0), [[1.0], [2.0], [4.0]]
    assert compile(lambda x: w, [w], gradient=False, x=1)(X).tolist() == [3.0, 3.0, 3.0]
    assert compile(lambda x: [w, 2 * w], [w], gradient=False, x=1)(X).tolist() == [[3.0, 6.0]] * 3
    assert compile(lambda x: [w, x[0]], [w], gradient=False, x=1)(X).tolist() == [[3.0, 1.0], [3.0, 2.0], [3.0, 4.0]]
    assert compile(lambda x: Value(5.0), x=1)(X).tolist() == [5.0, 5.0, 5.0]


def test_numbers_for_a_program_are_as_many_as_its_parameters() -> None:
    program = compile(Layer.of([[2.0, 1.0]]), x=2)
    with pytest.raises(ValueError, match=r"flat must have shape \(2,\).* got \(3,\)"):
        program.flat = [1.0, 2.0, 3.0]
    assert program([[3.0, 1.0]]).tolist() == [7.0]


# Samples


@BOTH
def test_every_entry_of_x_is_a_sample_in_training_prediction_and_metrics(compiled: bool) -> None:
    def score(outputs: Any, targets: Any) -> float:
        assert len(outputs) == len(targets) == 4
        return accuracy(outputs, [1, 1, 0, 0], threshold=0)

    for X in (COLUMN, [[x] for x in COLUMN], np.array(COLUMN)):
        model = Layer.of([[0.5]], [0.0])
        data = (X, TARGETS)
        history = fit(
            model, data, squared_error, SGD(model.parameters(), 0.1), epochs=2, metrics={"score": score},
            validation=data, compiled=compiled,
        )  # fmt: skip
        outputs, loss = evaluate(model, data, squared_error)
        assert model.predict(X) == outputs == [model(x).data for x in COLUMN]
        assert history.validation[-1] == pytest.approx(loss, rel=1e-12)
    with pytest.raises(ValueError, match=r"takes 2 inputs, and x is the number 1.0: a sample is a list"):
        Layer.of([[1.0, 2.0]]).predict([1.0, 2.0])


@BOTH
def test_targets_may_be_a_list_of_arrays(compiled: bool) -> None:
    X, Y = [[0.0, 1.0], [1.0, 0.0]], [[1.0, 2.0], [3.0, 4.0]]
    found = []
    for data in ((X, Y), (np.array(X), np.array(Y)), ([*map(np.array, X)], [*map(np.array, Y)])):
        model = Layer.of([[0.5, 1.0], [1.0, -1.0]], [0.0, 0.0])
        found.append(fit(model, data, squared_error, SGD(model.parameters(), 0.1), epochs=3, compiled=compiled).cost)
    assert found[0] == found[1] == found[2]


# Training


@BOTH
def test_snapshots_are_in_the_models_order_whatever_the_optimisers(compiled: bool) -> None:
    model = MLP(2, [2, 1], tanh, rng=random.Random(0))
    data = ([[0.0, 1.0], [1.0, 0.5], [0.5, -1.0]], [1.0, 0.0, 1.0])
    optimiser = SGD(model.parameters()[::-1], 0.1)
    history = fit(model, data, squared_error, optimiser, epochs=2, record=True, compiled=compiled)
    assert history.snapshots[-1].parameters == [p.data for p in model.parameters()]
    again = MLP(2, [2, 1], tanh, rng=random.Random(0))
    straight = fit(again, data, squared_error, SGD(again.parameters(), 0.1), epochs=2, record=True, compiled=compiled)
    for one, other in zip(history.snapshots, straight.snapshots, strict=True):
        assert one.parameters == pytest.approx(other.parameters, rel=1e-12)
        assert one.gradients == pytest.approx(other.gradients, rel=1e-12)


@BOTH
def test_snapshots_of_a_part_that_trains_hold_the_whole_model(compiled: bool) -> None:
    model = MLP(2, [2, 1], tanh, rng=random.Random(0))
    before = [p.data for p in model.parameters()]
    last = model.layers[1].parameters()
    data = ([[0.0, 1.0], [1.0, 0.5], [0.5, -1.0]], [1.0, 0.0, 1.0])
    history = fit(model, data, squared_error, SGD(last, 0.1), epochs=2, record=True, compiled=compiled)
    parameters, gradients = history.snapshots[-1].parameters, history.snapshots[-1].gradients
    assert parameters == [*before[:6], *(p.data for p in last)] != before
    assert [*map(math.isnan, gradients)] == [True] * 6 + [False] * 3
    assert explore_training(model, history, data=data).title


def test_the_weights_before_the_first_step_are_kept() -> None:
    model = Layer.of([[0.5]], [0.0])
    history = fit(model, (COLUMN, TARGETS), squared_error, SGD(model.parameters(), 0.1), epochs=2, record=True)
    assert history.initial == [0.5, 0.0] != history.snapshots[0].parameters
    assert fit(model, (COLUMN, TARGETS), squared_error, SGD(model.parameters(), 0.1), epochs=2).initial == []


def test_an_optimiser_of_another_model_is_refused() -> None:
    model, other = Layer.of([[0.5]], [0.0]), Layer.of([[0.5]], [0.0])
    with pytest.raises(ValueError, match=r"the optimiser moves no parameter of .*: write SGD\(model.parameters\(\)"):
        fit(model, (COLUMN, TARGETS), squared_error, SGD(other.parameters(), 0.1))
    fit(model, (COLUMN, TARGETS), squared_error, SGD(model, 0.1), epochs=1)
    assert model.W[0][0].data != 0.5


def test_a_learning_rate_that_was_set_to_no_rate_is_refused() -> None:
    model = Layer.of([[0.5]], [0.0])
    optimiser = SGD(model, 0.1)
    with pytest.raises(ValueError, match=r"the learning rate must be a finite number of at least 0, got -0\.1"):
        optimiser.learning_rate = -0.1


@BOTH
def test_an_optimiser_of_what_was_frozen_is_refused(compiled: bool) -> None:
    model = Layer.of([[0.5]], [0.0])
    optimiser = SGD(model)
    model.freeze()
    with pytest.raises(ValueError, match=r"every parameter of the optimiser is frozen, .*: model.unfreeze\(\)"):
        fit(model, (COLUMN, TARGETS), squared_error, optimiser, compiled=compiled)


def test_samples_with_names_stay_what_they_are() -> None:
    class Named(NamedTuple):
        left: float
        right: float

    class Difference(Module):
        def __init__(self) -> None:
            self.scale = Value(2.0)

        def forward(self, x: Any) -> Any:
            return self.scale * (x.left - x.right)

    model, data = Difference(), ([Named(3.0, 1.0), Named(2.0, 2.0)], [4.0, 0.0])
    assert model.predict(data[0]) == [4.0, 0.0]
    assert fit(model, data, squared_error, SGD(model), epochs=1).cost == [0.0]


def test_an_interrupt_in_a_metric_leaves_whole_epochs() -> None:
    calls = iter(range(6))

    def metric(outputs: Any, targets: Any) -> float:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return 0.0

    model, data = Layer.of([[0.5]], [0.0]), ([[x] for x in COLUMN], TARGETS)
    history = fit(
        model, data, squared_error, SGD(model.parameters(), 0.1), validation=data, metrics={"a": metric, "b": metric}
    )
    assert history.stopped == "interrupted in epoch 2"
    kept = (history.cost, history.validation, history.learning_rate, *history.metrics.values())
    assert {len(entries) for entries in kept} == {2} == {history.epochs}


@BOTH
def test_a_penalty_may_be_a_number_and_a_callback_may_answer_with_numpys_true(compiled: bool) -> None:
    model, data = Layer.of([[0.5]], [0.0]), ([[x] for x in COLUMN], TARGETS)
    settings: dict[str, Any] = {"compiled": compiled, "epochs": 3}
    optimiser = SGD(model.parameters(), 0.0)
    plain = fit(model, data, squared_error, optimiser, **settings).cost
    assert fit(model, data, squared_error, optimiser, penalty=lambda ps: 1.0, **settings).cost == [c + 1 for c in plain]
    stopped = fit(model, data, squared_error, optimiser, callbacks=[lambda e, m, h: np.True_], **settings)
    assert (stopped.epochs, stopped.stopped) == (1, "a callback said so")


@BOTH
def test_a_gradient_that_is_not_finite_is_not_clipped_to_nan(compiled: bool) -> None:
    w = [Value(1.0), Value(2.0, "slope")]
    w[0].grad, w[1].grad = 3.0, math.inf
    with pytest.raises(FloatingPointError, match="the gradient of slope is inf"):
        clip_gradients(w, 1.0)
    assert [v.grad for v in w] == [3.0, math.inf]
    w[1].grad = 4e200  # its square is beyond the range of floats
    assert clip_gradients(w, 1.0) == 4e200
    assert [v.grad for v in w] == pytest.approx([0.75e-200, 1.0])
    model = Layer.of([[1e50]], [0.0])
    history = fit(
        model, ([[1.0]], [0.0]), lambda o, t: 1e200 * (o - t), SGD(model.parameters(), 1.0), clip=1.0, epochs=1,
        record=True, compiled=compiled,
    )  # fmt: skip
    assert history.snapshots[0].gradients == pytest.approx([math.sqrt(0.5)] * 2)


def test_adamw_is_adam_with_another_decay() -> None:
    w = [Value(1.0)]
    assert (Adam(w).weight_decay, AdamW(w).weight_decay, AdamW(w, weight_decay=0.5).weight_decay) == (0.0, 0.01, 0.5)
    assert "__init__" not in vars(AdamW)


# Modules


class Parts(Module):
    """A model whose parameters stand in dicts and in lists of lists."""

    def __init__(self) -> None:
        self.heads = {"left": Layer.of([[1.0]]), "right": Layer.of([[2.0]])}
        self.blocks = [[Layer.of([[3.0]]), Layer.of([[4.0]])], [Layer.of([[5.0]])]]
        self.scales = {"w": Value(6.0), "v": [Value(7.0), Value(8.0)]}
        self.mixed = [Layer.of([[9.0]]), Value(10.0), None]
        self.array = np.array([Value(11.0), Value(12.0)])


def test_parameters_are_found_wherever_they_stand() -> None:
    model = Parts()
    assert [p.data for p in model.parameters()] == [float(i) for i in range(1, 13)]
    names = [name for name, _ in model.named_parameters()]
    assert names[:5] == [f"{at}.W[0][0]" for at in ("heads.left", "heads.right", "blocks1_1", "blocks1_2", "blocks2_1")]
    assert names[5:] == ["scales.w", "scales.v[0]", "scales.v[1]", "mixed1.W[0][0]", "mixed2", "array[0]", "array[1]"]
    state = model.state_dict()
    model.load_state_dict({name: (np.array(x) * 2).tolist() for name, x in state.items()})
    assert [p.data for p in model.parameters()] == [2.0 * i for i in range(1, 13)]


def test_tied_tensors_do_not_take_two_states() -> None:
    encoder = Layer.of([[1.0, 2.0]])
    model = Concat(Sequential(encoder), Sequential(encoder))
    state = model.state_dict()
    model.load_state_dict(state)
    first, second = state
    with pytest.raises(ValueError, match=rf"{second}\[0\]\[1\] is the same parameter as {first}\[0\]\[1\]"):
        model.load_state_dict(state | {second: [[1.0, 5.0]]})
    assert encoder.state_dict() == {"W": [[1.0, 2.0]]}


# Descent


def test_descent_from_numpy_and_its_limits() -> None:
    def bowl(x: Any) -> Any:
        return autograd.sum([(v - 1) ** 2 for v in x])

    expected = minimize(bowl, [3.0, 4.0], steps=5)
    for x0 in (np.array([3.0, 4.0]), [np.float32(3.0), 4], (3.0, 4.0)):
        assert minimize(bowl, x0, steps=5) == expected
    assert minimize(lambda x: x * x, np.float32(1.5), steps=3) == minimize(lambda x: x * x, 1.5, steps=3)
    with pytest.raises(
        FloatingPointError, match=r"minimize diverged at step \d+: .*try a smaller learning_rate than 1"
    ):
        minimize(lambda x: x**4, 10.0, learning_rate=1.0)


# Plots


def colours(ax: Any) -> dict[str, Any]:
    """Return the colour of each class that is plotted as points."""
    points = [each for each in ax.collections if not isinstance(each, ContourSet)]
    return {each.get_label(): tuple(each.get_facecolor()[0]) for each in points}


def test_a_class_keeps_its_colour_where_others_are_absent() -> None:
    model = MLP(2, [3, 3], tanh, rng=random.Random(0))
    X = [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]
    draws: list[Any] = [
        lambda y: plot_points(X, y, Figure().subplots()),
        lambda y: plot_boundary(model, X, y, Figure().subplots(), steps=6),
    ]
    for draw in draws:
        every = colours(draw([0, 1, 2]))
        assert len({*every.values()}) == 3
        for y in ([0, 2, 2], [2, 2, 2], [1, 2, 1], np.array([0, 2, 0]), [[0, 0, 1], [1, 0, 0], [0, 0, 1]]):
            assert colours(draw(y)).items() <= every.items()
    one = Layer.of([[1.0, -1.0]])
    both = colours(plot_boundary(one, X, [0, 1, 1], Figure().subplots(), steps=6))
    assert colours(plot_boundary(one, X, [1, 1, 1], Figure().subplots(), steps=6)).items() <= both.items()
    assert colours(plot_boundary(one, X, [-1, 1, 1], Figure().subplots(), steps=6)).keys() == {"class -1", "class 1"}


def test_labels_may_be_names_or_mixed() -> None:
    X = [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]
    assert colours(plot_points(X, ["cat", "dog", "cat"], Figure().subplots())).keys() == {"class cat", "class dog"}
    assert len(colours(plot_points(np.array(X), ["cat", 1, 7.5], Figure().subplots()))) == 3
    with pytest.raises(ValueError, match=r"y\[1\] must.*got None"):
        plot_points(X, ["cat", None, "dog"], Figure().subplots())


# Closed forms


def test_linear_regression_takes_arrays_and_refuses_what_does_not_fit() -> None:
    X, y = [[0.0, 1.0], [1.0, 3.0], [2.0, 0.0], [3.0, 1.0]], [1.0, 3.0, 2.0, 5.0]
    expected = linear_regression(X, y)
    for given in (np.array(X), [np.array(x) for x in X], np.array(X, dtype=np.float32)):
        assert linear_regression(given, np.array(y)) == expected
    assert expected(np.array([1.0, 3.0])) == expected([1.0, 3.0])
    squares = monomials(2)
    assert linear_regression(np.array(COLUMN), TARGETS, squares) == linear_regression(COLUMN, TARGETS, squares)
    assert linear_regression(np.array(X), y, products) == linear_regression(X, y, products)
    with pytest.raises(ValueError, match=r"x must.*got 1"):
        expected([1.0])
    with pytest.raises(TypeError, match=r"y\[0\] must be one number, got the list \[1.0\]: write its one entry alone"):
        linear_regression(X, np.array(y)[:, None])
    with pytest.raises(ValueError, match=r"X\[1\] must.*got 1"):
        linear_regression([[1.0, 2.0], [3.0]], [1.0, 2.0])


# Compiled programs on other arrays


def elsewhere(program: autograd.CompiledProgram) -> list[tuple[Any, Any]]:
    """The ways to run a program on the arrays of a module, with what makes such an array."""
    found: list[tuple[Any, Any]] = [(lambda *given: program.run_on(np, *given), np.array)]
    if find_spec("jax"):
        import jax

        found += [(program.to_jax(), jax.numpy.array), (jax.jit(program.to_jax()), jax.numpy.array)]
    if find_spec("torch"):
        import torch

        found.append((program.on_torch(), torch.tensor))
    return found


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "bool", "float32", "float64"])
def test_batches_elsewhere_are_floats_of_the_type_of_theta(dtype: str) -> None:
    p = Value(2.0)
    loss = compile(lambda x: 200.0 * p * x[0] * x[0] + x[1], [p], dtype="float32", x=2)
    outputs = compile(lambda x: [200.0 * x[0] + p, x[1] - 2], [p], dtype="float32", gradient=False, x=2)
    X = np.array([[1, 0], [1, 1], [0, 1]], dtype)
    numbers: list[Any] = X.tolist()
    for (run, array), (row, _) in zip(elsewhere(loss), elsewhere(outputs), strict=True):
        theta = array(np.array([2.0], "float32"))
        cost, gradient = run(theta, array(X))
        assert (float(cost), *np.asarray(gradient).tolist()) == pytest.approx((loss(numbers), 400 / 3), rel=1e-6)
        found = row(theta, array(X))
        assert np.asarray(found).tolist() == outputs(numbers).tolist()
        assert all("float32" in str(made.dtype) for made in (cost, gradient, found))


@pytest.mark.parametrize(
    ("shapes", "error", "message"),
    [
        ([(2,), (3, 2)], TypeError, "x, y: 2 batches, not 1"),
        ([(2,), (3, 2), (3, 1), (3, 1)], TypeError, "x, y: 2 batches, not 3"),
        ([(2,), (3, 3), (3, 1)], ValueError, r"x must have shape \(rows, 2\), got \(3, 3\)"),
        ([(2,), (2, 2), (1, 2)], ValueError, r"y must have shape \(rows, 1\), got \(1, 2\)"),
        ([(2,), (2,), (1, 1)], ValueError, r"x must have shape \(rows, 2\), got \(2,\)"),
        ([(2,), (3, 2), (2,)], ValueError, "y has 2 rows, and x has 3"),
        ([(2,), (3, 2), ()], ValueError, r"y must have shape \(rows, 1\), got \(\)"),
        ([(2,), (3, 2), (1, 1)], ValueError, "y has 1 rows, and x has 3"),
        ([(2,), (0, 2), (0, 1)], ValueError, "x must have shape .* at least one row"),
        ([(3,), (3, 2), (3, 1)], ValueError, r"theta must have shape \(2,\), got \(3,\)"),
        ([(2, 1), (3, 2), (3, 1)], ValueError, r"theta must have shape \(2,\), got \(2, 1\)"),
    ],
)
def test_shapes_elsewhere_are_checked(shapes: list[tuple[int, ...]], error: type[Exception], message: str) -> None:
    w = [Value(1.0), Value(2.0)]
    for gradient in (True, False):
        program = compile(lambda x, y: autograd.dot(w, x) * y[0], w, gradient=gradient, x=2, y=1)
        for run, array in elsewhere(program):
            with pytest.raises(error, match=message):
                run(*(array(np.ones(shape, "float32")) for shape in shapes))


def test_lists_and_whole_numbers_as_parameters_elsewhere_are_refused() -> None:
    w = Value(1.0)
    program = compile(lambda x: w * x[0], [w], x=1)
    for run, array in elsewhere(program):
        with pytest.raises(TypeError, match=r"theta must be an array of floats, got .*int"):
            run(array(np.array([2])), array(np.ones((3, 1), "float32")))
    for run, array in [elsewhere(program)[0], elsewhere(program)[-1]]:
        with pytest.raises(TypeError, match="x must be an array, got "):
            run(array(np.ones(1)), [[1.0]])
        with pytest.raises(TypeError, match="theta must be an array, got "):
            run([1.0], array(np.ones((1, 1))))
