"""Guards the lectures' numbers: the worked examples, gates, derivative theory and activations; and the table of all rows.

ROWS lists the rows of the lectures, each with the test that shows it or the reason why it is prose; a
test keeps the list whole. Numbers are exact where they are integers, else to 1e-9 or better.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autograd
from autograd import Value, adjoints, exp, finite_differences, grad, jacobian, linearize, sin, topological_order
from autograd.drawing.flow import local_gradients

LAST = {
    "A": 17,
    "G": 15,
    "W": 7,
    "D": 17,
    "F": 10,
    "N": 18,
    "B": 15,
    "U": 10,
    "L": 21,
    "V": 3,
    "C": 22,
    "O": 19,
    "K": 15,
    "P": 21,
}
ROWS = {
    "A1": "test_w1_sigmoid_neuron",
    "A2": "test_w1_sigmoid_neuron",
    "A3": "test_topological_order",
    "A4": "test_w1_sigmoid_neuron",
    "A5": "test_zero_then_backward_is_idempotent_and_never_changes_data",
    "A6": "test_diamonds_visit_each_gate_once",
    "A7": "test_backward_never_evaluates_forward_again",
    "A8": "test_a8_backward_costs_two_products_a_weight",
    "A9": "test_a_node_used_twice_by_one_gate_collects_twice",
    "A10": "test_leaves_accumulate_and_inner_nodes_are_set_anew",
    "A11": "test_the_walk_of_the_lecture",
    "A12": "test_the_picture_of_the_sigmoid_neuron_shows_the_slides_numbers",
    "A13": "test_a13_another_loss_needs_no_new_derivative",
    "A14": "test_the_gradient_agrees_with_central_differences",
    "A15": "test_conventions_at_kinks_lie_between_the_one_sided_slopes",
    "A16": "test_sensitivities_are_the_grads_of_pre_activations",
    "A17": "test_local_gradients_agree_with_the_complex_step",
    "G1": "test_g1_to_g4_gates_as_gradients_flow",
    "G2": "test_g1_to_g4_gates_as_gradients_flow",
    "G3": "test_g1_to_g4_gates_as_gradients_flow",
    "G4": "test_g1_to_g4_gates_as_gradients_flow",
    "G5": "test_g5_combined",
    "G6": "test_g6_to_g10_local_gradients",
    "G7": "test_g6_to_g10_local_gradients",
    "G8": "test_g6_to_g10_local_gradients",
    "G9": "test_g6_to_g10_local_gradients",
    "G10": "test_g6_to_g10_local_gradients",
    "G11": "test_w3_squared_error",
    "G12": "test_w4_composition",
    "G13": "test_fused_gates_equal_their_compositions",
    "G14": "test_step_and_sign_fire_at_zero_and_pass_no_gradient",
    "G15": "test_lists_or_arguments_defaults_and_keywords",
    "W1": "test_w1_sigmoid_neuron",
    "W2": "test_w2_sum_times",
    "W3": "test_w3_squared_error",
    "W4": "test_w4_composition",
    "W5": "test_w5_multivariate_chain_rule",
    "W6": "test_w6_shared_weights_polynomial",
    "W7": "test_w7_micrograd_readme",
    "D1": "test_d1_the_sign_of_the_slope",
    "D2": "test_d2_d3_errors_of_finite_differences",
    "D3": "test_d2_d3_errors_of_finite_differences",
    "D4": "test_finite_differences_cost_two_evaluations_an_input",
    "D5": "test_w4_composition",
    "D6": "test_d6_local_linearity",
    "D7": "test_d7_steepest_ascent",
    "D8": "test_d8_second_order",
    "D9": "test_w4_composition",
    "D10": "test_d10_d11_jacobians_and_their_transposes",
    "D11": "test_d10_d11_jacobians_and_their_transposes",
    "D12": "test_d12_elementwise_jacobians_are_diagonal",
    "D13": "test_d13_the_softmax_jacobian",
    "D14": "test_d14_d15_jacobian_of_a_composition",
    "D15": "test_d14_d15_jacobian_of_a_composition",
    "D16": "test_one_argument_several_a_list_and_lists_of_lists",
    "D17": "test_d17_the_order_of_products",
    "F1": "test_activations",
    "F2": "test_activations",
    "F3": "test_activations",
    "F4": "test_activations",
    "F5": "test_activations",
    "F6": "prose: the identity is no gate",
    "F7": "test_step_and_sign_fire_at_zero_and_pass_no_gradient",
    "F8": "test_step_and_sign_fire_at_zero_and_pass_no_gradient",
    "F9": "test_d13_the_softmax_jacobian",
    "F10": "test_d12_elementwise_jacobians_are_diagonal",
    "N1": "test_n1_mcculloch_pitts_units",
    "N2": "test_n2_a_perceptron_fires_at_zero",
    "N3": "test_n3_the_bias_is_a_weight_whose_input_is_1",
    "N4": "test_n4_perceptron_learning",
    "N5": "test_n5_xor_is_never_learned",
    "N6": "test_n6_the_bound_on_updates",
    "N7": "test_n7_two_gaussians",
    "N8": "test_n8_the_perceptron_criterion_is_a_loss",
    "N9": "test_n9_linear_regression_agrees_with_the_normal_equations_and_with_descent",
    "N10": "test_n10_n12_features_make_xor_linear",
    "N11": "test_n11_logistic_regression",
    "N12": "test_n12_xor_by_the_product_feature",
    "N13": "test_n13_c10_multinomial_logistic_regression",
    "N14": "test_n14_independent_sigmoids_are_no_distribution",
    "N15": "test_c13_n15_multiclass_hinge",
    "N16": "test_n16_the_sigmoid_neuron",
    "N17": "prose: generative and discriminative, mentioned only",
    "N18": "test_the_boundary_of_a_line_is_where_it_should_be",
    "B1": "test_b1_and_by_a_sigmoid_neuron",
    "B2": "test_b2_gates_by_sigmoid_neurons",
    "B3": "test_b3_the_lectures_proof_for_xor",
    "B4": "test_b4_b5_xor_by_two_layers_and_the_plane_of_its_hidden_neurons",
    "B5": "test_b4_b5_xor_by_two_layers_and_the_plane_of_its_hidden_neurons",
    "B6": "test_b6_xor_by_four_hidden_perceptrons",
    "B7": "test_b7_every_boolean_function_by_one_hot_and_normal_form",
    "B8": "test_b8_two_neurons_are_the_fewest_for_xor",
    "B9": "test_b9_xor_by_relu",
    "B10": "test_b10_universal_gates",
    "B11": "test_b11_a_normal_form_of_four_variables",
    "B12": "test_b12_shallow_parity",
    "B13": "test_b13_deep_parity",
    "B14": "test_b14_a_convex_region",
    "B15": "test_b15_o13_an_mlp_learns_xor",
    "U1": "test_u1_a_step_from_a_steep_sigmoid",
    "U2": "test_u2_a_tower",
    "U3": "test_u3_the_numbers",
    "U4": "test_u4_u5_a_sine_by_towers",
    "U5": "test_u4_u5_a_sine_by_towers",
    "U6": "test_u6_relus_join_points_by_lines",
    "U7": "test_u7_a_jump_is_met_in_the_mean_only",
    "U8": "test_b13_u8_what_depth_is_worth",
    "U9": "prose: a surface plot, which logistic_regression draws",
    "U10": "prose: what is called deep",
    "L1": "test_w1_sigmoid_neuron",
    "L2": "test_the_recursion_equals_the_scalar_engine",
    "L3": "test_counts_of_the_lectures",
    "L4": "test_l4_a_batch_is_the_matrix_formula",
    "L5": "test_l5_linear_layers_collapse_into_one",
    "L6": "test_v1_one_sample",
    "L7": "test_v2_binary",
    "L8": "test_v2_multiclass",
    "L9": "test_b9_xor_by_a_relu_layer",
    "L10": "test_l10_affine_layers_map_midpoints_to_midpoints",
    "L11": "test_l11_sequential_is_composition_and_associative",
    "L12": "test_l12_concat_adds_the_gradients_of_its_branches",
    "L13": "test_a_module_of_ones_own_finds_its_values_in_attributes_and_lists",
    "L14": "test_v3_with_sigmoid",
    "L15": "test_names_and_order_of_parameters",
    "L16": "test_l16_the_last_hidden_layer_comes_apart_in_twelve_frames",
    "L17": "test_l17_the_spiral_is_the_lectures_formula",
    "L18": "test_l18_hidden_neurons_on_four_data_sets",
    "L19": "test_the_simplified_diagram",
    "L20": "test_l20_the_gradient_of_the_pre_activations_is_o_minus_y",
    "L21": "test_b15_o13_an_mlp_learns_xor",
    "V1": "test_v1_one_sample",
    "V2": "test_v2_multiclass",
    "V3": "test_v3_with_sigmoid",
    "C1": "test_c1_c2_c3_squared_errors",
    "C2": "test_c1_c2_c3_squared_errors",
    "C3": "test_c1_c2_c3_squared_errors",
    "C4": "test_c4_binary_cross_entropy",
    "C5": "test_c5_to_c9_softmax_and_cross_entropy",
    "C6": "test_c5_to_c9_softmax_and_cross_entropy",
    "C7": "test_c5_to_c9_softmax_and_cross_entropy",
    "C8": "test_c8_logits_in_the_log_sum_exp_form",
    "C9": "test_c5_to_c9_softmax_and_cross_entropy",
    "C10": "test_n13_c10_multinomial_logistic_regression",
    "C11": "test_c11_density_estimation",
    "C12": "test_c12_zero_one_loss",
    "C13": "test_c13_n15_multiclass_hinge",
    "C14": "test_c14_hinge_with_l2",
    "C15": "test_c15_c16_gradients_of_costs_are_means_and_sums_of_gradients",
    "C16": "test_c15_c16_gradients_of_costs_are_means_and_sums_of_gradients",
    "C17": "test_c17_empirical_risk_is_the_mean_loss_and_has_an_argmin",
    "C18": "test_c18_c19_divergence_and_entropy",
    "C19": "test_c19_descent_on_the_logits_of_q_arrives_at_p",
    "C20": "test_c20_one_hot",
    "C21": "prose: what regularisation prefers; its capacity is K8",
    "C22": "test_c22_a_smaller_proxy_loss_can_mean_more_errors",
    "O1": "test_o1_gradient_descent_on_a_square",
    "O2": "test_o2_the_influence_of_the_step_size",
    "O3": "test_o3_the_convergence_criterion",
    "O4": "test_patience_restores_the_best_weights",
    "O5": "test_zeros_keep_hidden_neurons_identical",
    "O6": "test_o6_batch_gradient_descent",
    "O7": "test_o7_o8_one_epoch_of_stochastic_and_mini_batch_descent",
    "O8": "test_o7_o8_one_epoch_of_stochastic_and_mini_batch_descent",
    "O9": "test_the_variance_of_a_mini_batch_gradient_falls_as_1_over_n",
    "O10": "test_o10_random_search_never_climbs_and_needs_more_evaluations_than_descent",
    "O11": "prose: an analogy",
    "O12": "test_k2_k3_a_saddle_holds_plain_descent_and_momentum_leaves_it_sooner",
    "O13": "test_b15_o13_an_mlp_learns_xor",
    "O14": "test_a_demo_reaches_its_numbers_on_data_that_it_did_not_train_on",
    "O15": "test_o15_a_non_convex_function_has_the_minimum_that_the_start_leads_to",
    "O16": "test_n9_linear_regression_agrees_with_the_normal_equations_and_with_descent",
    "O17": "test_o6_batch_gradient_descent",
    "O18": "prose: what is hard about descent",
    "O19": "prose: the set-up, which is the signature of fit",
    "K1": "test_o15_a_non_convex_function_has_the_minimum_that_the_start_leads_to",
    "K2": "test_k2_k3_a_saddle_holds_plain_descent_and_momentum_leaves_it_sooner",
    "K3": "test_k2_k3_a_saddle_holds_plain_descent_and_momentum_leaves_it_sooner",
    "K4": "test_k4_minima_are_rare_among_critical_points",
    "K5": "test_k5_gradients_over_depth_are_products_of_layer_jacobians",
    "K6": "test_k6_a_linear_net_grows_by_the_spectral_norm",
    "K7": "test_k7_k8_the_test_error_has_the_shape_of_a_u",
    "K8": "test_k8_capacity_the_training_error_of_polynomials_falls_to_0",
    "K9": "test_k9_a_new_sample_turns_the_perceptron_more",
    "K10": "test_step_and_sign_fire_at_zero_and_pass_no_gradient",
    "K11": "prose: deeper is more efficient, which is B13",
    "K12": "prose: folk knowledge",
    "K13": "prose: why gradients are not derived on paper",
    "K14": "test_k14_scalars_and_matrices_have_the_same_gradients",
    "K15": "prose: 2 to the 20th is 1048576",
    "P1": "test_gradients_agree_with_central_differences",
    "P2": "test_gradients_are_sums_over_all_paths",
    "P3": "test_the_order_of_construction_does_not_matter",
    "P4": "test_gradients_are_linear",
    "P5": "test_max_gates_hand_on_the_whole_upstream",
    "P6": "test_fused_gates_equal_their_compositions",
    "P7": "test_d13_the_softmax_jacobian",
    "P8": "test_cross_entropy_is_entropy_plus_divergence",
    "P9": "test_the_recursion_equals_the_scalar_engine",
    "P10": "test_forward_products_and_the_jacobian_of_a_composition",
    "P11": "test_p11_the_gradient_of_a_batch_is_the_mean_of_those_of_its_samples",
    "P12": "test_l5_linear_layers_collapse_into_one",
    "P13": "test_l12_concat_adds_the_gradients_of_its_branches",
    "P14": "test_n3_a_bias_is_a_weight_of_an_input_that_is_1",
    "P15": "test_p15_random_boolean_functions",
    "P16": "test_p16_updates_stay_within_the_bound",
    "P17": "test_a_small_step_downhill_lowers_a_smooth_function",
    "P18": "test_relu_nets_without_bias_are_homogeneous",
    "P19": "test_zero_then_backward_is_idempotent_and_never_changes_data",
    "P20": "test_a_million_gates_record_run_backward_and_replay",
    "P21": "test_every_node_and_edge_is_in_the_text_once",
}


def test_the_table_of_rows_is_whole() -> None:
    assert list(ROWS) == [f"{part}{i}" for part, last in LAST.items() for i in range(1, last + 1)]
    written = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.parent.rglob("test_*.py"))
    for row, shown in ROWS.items():
        assert shown.startswith("prose") or f"def {shown}(" in written, f"row {row}: there is no {shown}"


def close(x: Any) -> Any:
    return pytest.approx(x, rel=1e-9, abs=5e-13)


def test_w1_sigmoid_neuron() -> None:
    w0, x0, w1, x1, w2 = map(Value, (2.0, -1.0, -3.0, -2.0, -3.0))
    f = 1 / (1 + exp(-(w0 * x0 + w1 * x1 + w2)))
    f.backward()
    gates = [node for node in topological_order(f) if node.inputs]
    assert [node.gate.symbol for node in gates if node.gate] == ["×", "×", "+", "+", "*-1", "exp", "+", "1/x"]
    roles = [node.role for node in topological_order(f) if not node.inputs]
    assert (roles.count("input"), roles.count("constant")) == (5, 1)
    assert [node.data for node in gates] == close([-2, 6, 4, 1, -1, 0.367879441171, 1.367879441171, 0.731058578630])
    assert [node.grad for node in gates] == close(
        [0.196611933241] * 4 + [-0.196611933241, -0.534446645389, -0.534446645389, 1]
    )
    assert [leaf.grad for leaf in (w0, x0, w1, x1, w2)] == close(
        [-0.196611933241, 0.393223866483, -0.393223866483, -0.589835799724, 0.196611933241]
    )
    z = Value(1.0)
    autograd.sigmoid(z).backward()
    assert z.grad == close(0.196611933241)
    assert z.grad == pytest.approx(f.data * (1 - f.data), rel=1e-15)


def test_w2_sum_times() -> None:
    x, y, z = Value(-2.0), Value(5.0), Value(-4.0)
    q = x + y
    f = q * z
    f.backward()
    assert (q.data, f.data) == (3.0, -12.0)
    assert (f.grad, z.grad, q.grad, y.grad, x.grad) == (1.0, 3.0, -4.0, -4.0, -4.0)


def test_w3_squared_error() -> None:
    x, y, z, t = Value(-2.0), Value(3.0), Value(1.0), Value(-4.0)
    g = x * y
    f = g + z
    loss = (f - t) ** 2
    loss.backward()
    assert (g.data, f.data, loss.data) == (-6.0, -5.0, 1.0)
    assert (f.grad, g.grad, z.grad, x.grad, y.grad, t.grad) == (-2.0, -2.0, -2.0, -6.0, 4.0, 2.0)


@pytest.mark.parametrize(
    ("x", "value", "slope"),
    [
        (1.0, 2.319776824716, 2.506761534987),
        (0.5, 1.280696357444, 1.240882609167),
        (-1.3, 2.699060234412, 0.834538844626),
    ],
)
def test_w4_composition(x: float, value: float, slope: float) -> None:
    found = autograd.value_and_grad(lambda x: exp(sin(x**2)))(x)
    assert found == close((value, slope))
    assert found[1] == pytest.approx(math.exp(math.sin(x * x)) * math.cos(x * x) * 2 * x, rel=1e-14)


def test_w5_multivariate_chain_rule() -> None:
    x = Value(0.7)
    g1, g2, g3 = x**2, sin(x), exp(x)
    y = g1 * g2 + g3
    y.backward()
    assert (y.data, x.grad) == close((2.329419374217, 3.290430141373))
    paths = [upstream.grad * local for upstream, local in zip((g1, g2, g3), (2 * 0.7, math.cos(0.7), math.exp(0.7)))]
    assert paths == close([0.901904762133, 0.374772671769, 2.013752707470])


def test_w6_shared_weights_polynomial() -> None:
    """A pass that overwrites instead of adding would leave in w1 the path via phi3 (-72) or via phi1 (-144) alone."""
    x0, w1, w2 = Value(2.0), Value(3.0), Value(-1.0)
    x1 = w1 * x0
    x2 = w2 * x0 * x1
    x3 = w1 * x1 * x2
    x3.backward()
    assert (x1.data, x2.data, x3.data) == (6.0, -12.0, -216.0)
    assert (x2.grad, x1.grad) == (18.0, -72.0)
    via_phi3, via_phi1 = x1.data * x2.data, x1.grad * x0.data
    assert (via_phi3, via_phi1) == (-72.0, -144.0)
    assert w1.grad == via_phi3 + via_phi1 == -216.0
    assert (w2.grad, x0.grad) == (216.0, -324.0)


def test_w6_shared_weights_smooth() -> None:
    """The numbers that the lectures leave open: by the engine, by hand per path, and by finite differences."""

    def loss(x0: Any, w1: Any, w2: Any) -> Any:
        x1 = autograd.tanh(w1 * x0)
        x2 = autograd.tanh(x0 + w2 * x1)
        x3 = w1 * (x1 + x2)
        return (x3 - 1) ** 2 / 2

    x0, w1, w2 = 0.5, 2.0, -1.5
    x1 = math.tanh(w1 * x0)
    x2 = math.tanh(x0 + w2 * x1)
    x3 = w1 * (x1 + x2)
    d3 = x3 - 1
    d2 = w1 * d3
    d1 = w1 * d3 + (1 - x2**2) * w2 * d2
    via_phi3, via_phi1 = (x1 + x2) * d3, (1 - x1**2) * x0 * d1
    by_hand = ((1 - x2**2) * d2 + (1 - x1**2) * w1 * d1, via_phi3 + via_phi1, (1 - x2**2) * x1 * d2)
    found = grad(loss)(x0, w1, w2)
    assert found == pytest.approx(by_hand, rel=1e-14)
    assert list(found) == pytest.approx(finite_differences(loss, [x0, w1, w2]), rel=1e-8)
    assert found[1] != pytest.approx(via_phi3, rel=0.01)
    assert found[1] != pytest.approx(via_phi1, rel=0.01)


def test_w7_micrograd_readme() -> None:
    def g(a: Any, b: Any) -> Any:
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + (b + a).relu()
        d += 3 * d + (b - a).relu()
        e = c - d
        f = e**2
        return f / 2.0 + 10.0 / f

    value, slopes = autograd.value_and_grad(g)(-4.0, 2.0)
    assert value == close(24.704081632653)
    assert slopes == close((138.833819241983, 645.577259475219))


def _pulled(root: Value, upstream: float) -> list[float]:
    found = adjoints(root, upstream)
    return [found[input] for input in root.inputs]


def test_g1_to_g4_gates_as_gradients_flow() -> None:
    assert _pulled(Value(3.0) + Value(4.0), 2.0) == [2.0, 2.0]
    assert _pulled(Value(2.0) * Value(3.0), 5.0) == [15.0, 10.0]
    assert _pulled(autograd.maximum(Value(4.0), Value(5.0)), 9.0) == [0.0, 9.0]
    copied = Value(7.0)
    first, second = copied + 0, copied + 0
    (first * 4 + second * 2).backward()
    assert (first.data, second.data, copied.grad) == (7.0, 7.0, 6.0)


def test_g5_combined() -> None:
    x, y, z, w = Value(3.0), Value(-4.0), Value(2.0), Value(-1.0)
    out = 2 * (x * y + autograd.maximum(z, w))
    out.backward()
    assert (out.data, x.grad, y.grad, z.grad, w.grad) == (-20.0, -8.0, 6.0, 2.0, 0.0)


def test_g6_to_g10_local_gradients() -> None:
    def local(node: Value) -> float | None:
        return local_gradients(node)[0]

    x = Value(1.367879441171)
    assert ((1 / x).data, local(1 / x)) == close((0.731058578630, -0.534446645389))
    assert _pulled(x + 1, -0.534446645389)[0] == -0.534446645389
    e = exp(Value(-1.0))
    assert e.data == close(0.367879441171)
    assert _pulled(e, -0.534446645389) == close([-0.196611933241])
    assert _pulled(-Value(1.0), -0.196611933241) == [0.196611933241]
    assert local(autograd.log(Value(0.868935709402))) == close(1.150833127446)


def test_a8_backward_costs_two_products_a_weight() -> None:
    """Forward multiplies once for each weight of an affine layer, backward twice: into the weight and into the input."""
    m, n = 3, 4
    weights = [[Value(0.1 * (i + j)) for j in range(n)] for i in range(m)]
    x = [Value(1.0 + j) for j in range(n)]
    total = autograd.sum([autograd.sum([w * xj for w, xj in zip(row, x)]) for row in weights])
    products = [node for node in topological_order(total) if node.gate is autograd.mul]
    assert len(products) == m * n
    assert sum(len(local_gradients(node)) for node in products) == 2 * m * n


def test_a13_another_loss_needs_no_new_derivative() -> None:
    def losses(y: Any) -> list[Any]:
        return [(y - 1) ** 2, autograd.softplus(-y), autograd.relu(1 - y), -autograd.log(autograd.sigmoid(y))]

    for i in range(4):
        autograd.check_gradients(lambda w, x, i=i: losses(autograd.tanh(w * x))[i], [0.3, 0.7], raises=True)


def test_d1_the_sign_of_the_slope() -> None:
    for x in (-2.0, 3.0):
        slope = grad(lambda x: x**2)(x)
        for eta in (0.1, 0.5, 0.9):
            assert (x - eta * slope) ** 2 < x**2


def test_d2_d3_errors_of_finite_differences() -> None:
    def f(x: Any) -> Any:
        return exp(sin(x**2))

    exact = grad(f)(1.0)

    def error(scheme: Any, step: float) -> float:
        return float(exact) - finite_differences(f, [1.0], scheme=scheme, step=step)[0]

    assert abs(error("forward", 1e-4)) == pytest.approx(1.297e-4, rel=1e-3)
    assert abs(error("forward", 1e-6)) == pytest.approx(1.296e-6, rel=1e-2)
    assert abs(error("forward", 1e-12)) > 1e-5, "round-off"
    assert abs(error("central", 1e-2)) == pytest.approx(7.951e-4, rel=1e-3)
    assert abs(error("central", 1e-4)) == pytest.approx(7.952e-8, rel=1e-3)
    assert error("central", 1e-2) / error("central", 1e-4) == pytest.approx(1e4, rel=1e-2)
    assert abs(error("central", 1e-5)) < 2e-9


def sigmoid_neuron(w0: Any) -> Any:
    return autograd.sigmoid(w0 * -1.0 + 6.0 - 3.0)


def test_d6_local_linearity() -> None:
    tangent = linearize(sigmoid_neuron, 2.0)
    assert sigmoid_neuron(2.01) - sigmoid_neuron(2.0) == pytest.approx(-0.001970656281, abs=5e-13)
    assert tangent(0.01) - tangent(0.0) == pytest.approx(-0.001966119332, abs=5e-13)


def test_d7_steepest_ascent() -> None:
    slopes = grad(lambda v: (v[0] + v[1]) * v[2])([-2.0, 5.0, -4.0])
    assert slopes == [-4.0, -4.0, 3.0]
    norm = math.hypot(*slopes)
    assert norm == close(6.403124237433)
    along = grad(lambda t: (-2 + t * slopes[0] / norm + 5 + t * slopes[1] / norm) * (-4 + t * slopes[2] / norm))(0.0)
    assert along == pytest.approx(norm, rel=1e-14)


def test_d8_second_order() -> None:
    bend = grad(grad(sigmoid_neuron))(2.0) / 2
    assert bend == close(-0.045428873836)
    tangent, u = linearize(sigmoid_neuron, 2.0), 1e-3
    assert (sigmoid_neuron(2 + u) - tangent(u)) / u**2 == pytest.approx(-0.045423, abs=1e-6)
    assert linearize(sigmoid_neuron, 2.0, order=2)(u) == pytest.approx(sigmoid_neuron(2 + u), abs=1e-11)


def test_d10_d11_jacobians_and_their_transposes() -> None:
    """The map (x, y) to (x²y, 5x + sin y) at (2, 0.5): by the engine, by hand, and by finite differences."""

    def f(v: list[Any]) -> list[Any]:
        return [v[0] ** 2 * v[1], 5 * v[0] + sin(v[1])]

    rows = jacobian(f)([2.0, 0.5])
    by_hand = [[2 * 2 * 0.5, 2.0**2], [5.0, math.cos(0.5)]]
    for i, (row, hand) in enumerate(zip(rows, by_hand)):
        assert row == pytest.approx(hand, rel=1e-15)
        assert row == pytest.approx(finite_differences(lambda v, i=i: f(v)[i], [[2.0, 0.5]]), rel=1e-8)
    # dz/dx through z = y0·y1, in both of the lectures' layouts
    outer = grad(lambda y: y[0] * y[1])([y.data for y in f([Value(2.0), Value(0.5)])])
    whole = grad(lambda v: f(v)[0] * f(v)[1])([2.0, 0.5])
    assert whole == pytest.approx([sum(o * row[j] for o, row in zip(outer, rows)) for j in range(2)], rel=1e-14)
    transposed = [list(column) for column in zip(*rows)]
    assert whole == pytest.approx([sum(t * o for t, o in zip(row, outer)) for row in transposed], rel=1e-14)


def test_d12_elementwise_jacobians_are_diagonal() -> None:
    rows = jacobian(lambda z: [autograd.sigmoid(entry) for entry in z])([0.0, 1.0])
    assert [entry for row in rows for entry in row] == close([0.25, 0.0, 0.0, 0.196611933241])


def softmax(z: list[Any]) -> list[Any]:
    total = autograd.logsumexp(z)
    return [exp(entry - total) for entry in z]


def test_d13_the_softmax_jacobian() -> None:
    """Row C6's numbers: J = diag(p) − p pᵀ, symmetric, its rows sum to 0."""
    z = [3.2, 5.1, -1.7, -3.7]
    p = softmax(z)
    assert p == close([0.129965514248, 0.868935709402, 0.000967798998, 0.000130977352])
    assert sum(p) == pytest.approx(1.0, rel=1e-15)
    rows = jacobian(softmax)(z)
    assert rows[0] == close([0.113074479355, -0.112931676321, -0.000125780494, -0.000017022539])
    for i, row in enumerate(rows):
        assert row == pytest.approx([(i == j) * p[i] - p[i] * p[j] for j in range(4)], abs=1e-15)
        assert sum(row) == pytest.approx(0.0, abs=1e-15)
    assert softmax([entry + 1000 for entry in z]) == pytest.approx(p, rel=1e-11)
    value, slopes = autograd.value_and_grad(lambda z: autograd.logsumexp(z) - z[1])(z)
    assert value == close(0.140486138730)
    assert slopes == close([0.129965514248, -0.131064290598, 0.000967798998, 0.000130977352])
    assert sum(slopes) == pytest.approx(0.0, abs=1e-15)


def test_d14_d15_jacobian_of_a_composition() -> None:
    """The two hidden layers of row V3: J of the whole is the product of the layers' J, outputs × inputs."""
    layers: list[tuple[list[list[float]], list[float], Callable[[Any], Any]]] = [
        ([[0.1, -0.2], [0.4, 0.3]], [0.05, -0.1], autograd.sigmoid),
        ([[-0.3, 0.2], [0.5, -0.4]], [0.0, 0.1], autograd.sigmoid),
        ([[0.2, -0.1], [-0.5, 0.3], [0.6, 0.4]], [0.1, 0.0, -0.1], lambda z: z),
    ]

    def layer(k: int) -> Callable[[list[Any]], list[Any]]:
        weights, bias, activation = layers[k]
        return lambda x: [activation(autograd.dot(row, x, b)) for row, b in zip(weights, bias)]

    x: list[Any] = [1.0, 2.0]
    product = [[1.0, 0.0], [0.0, 1.0]]
    for k in range(3):
        rows = jacobian(layer(k))(x)
        product = [[sum(a * p[j] for a, p in zip(row, product)) for j in range(2)] for row in rows]
        x = layer(k)(x)
    assert x == close([0.149678924292, -0.098765704263, 0.405079263427])
    whole = jacobian(lambda v: layer(2)(layer(1)(layer(0)(v))))([1.0, 2.0])
    assert [entry for row in whole for entry in row] == pytest.approx([e for row in product for e in row], rel=1e-12)
    p = softmax(x)
    delta = [p[0], p[1], p[2] - 1]
    dx = [sum(d * row[j] for d, row in zip(delta, whole)) for j in range(2)]
    assert dx == pytest.approx([0.000040347734, -0.000457272841], abs=1e-12)
    # D15: the error of the linear approximation is of second order
    errors = []
    for h in (1e-2, 1e-3):
        moved = layer(2)(layer(1)(layer(0)([1 + h, 2 - h])))
        linear = [y + row[0] * h - row[1] * h for y, row in zip(x, whole)]
        errors.append(max(abs(a - b) for a, b in zip(moved, linear)))
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.1)


def test_d17_the_order_of_products() -> None:
    """vᵀAB from the loss side takes n² products for each matrix, from the input side n³ for AB; the numbers agree."""
    n = 64
    a = [[math.sin(i + 2 * j) for j in range(n)] for i in range(n)]
    b = [[math.cos(3 * i - j) for j in range(n)] for i in range(n)]
    v = [0.5 * i for i in range(n)]
    counted = 0

    def times(x: float, y: float) -> float:
        nonlocal counted
        counted += 1
        return x * y

    def row_times(row: list[float], matrix: list[list[float]]) -> list[float]:
        return [sum(times(x, line[j]) for x, line in zip(row, matrix)) for j in range(n)]

    va = row_times(v, a)
    assert counted == 4096
    counted = 0
    ab = [row_times(row, b) for row in a]
    assert counted == 262144
    assert row_times(va, b) == pytest.approx(row_times(v, ab), rel=1e-9, abs=1e-9)


ACTIVATIONS: dict[str, dict[float, tuple[float, float]]] = {
    "sigmoid": {
        -2: (0.119202922022, 0.104993585404),
        -1: (0.268941421370, 0.196611933241),
        -0.5: (0.377540668798, 0.235003712202),
        0: (0.5, 0.25),
        0.5: (0.622459331202, 0.235003712202),
        1: (0.731058578630, 0.196611933241),
        2: (0.880797077978, 0.104993585404),
    },
    "tanh": {
        -2: (-0.964027580076, 0.070650824853),
        -1: (-0.761594155956, 0.419974341614),
        -0.5: (-0.462117157260, 0.786447732966),
        0: (0, 1),
        0.5: (0.462117157260, 0.786447732966),
        1: (0.761594155956, 0.419974341614),
        2: (0.964027580076, 0.070650824853),
    },
    "relu": {-2: (0, 0), -1: (0, 0), -0.5: (0, 0), 0: (0, 0), 0.5: (0.5, 1), 1: (1, 1), 2: (2, 1)},
    "leaky_relu": {
        -2: (-0.2, 0.1),
        -1: (-0.1, 0.1),
        -0.5: (-0.05, 0.1),
        0: (0, 0.1),
        0.5: (0.5, 1),
        1: (1, 1),
        2: (2, 1),
    },
    "elu": {
        -2: (-0.864664716763, 0.135335283237),
        -1: (-0.632120558829, 0.367879441171),
        -0.5: (-0.393469340287, 0.606530659713),
        0: (0, 1),
        0.5: (0.5, 1),
        1: (1, 1),
        2: (2, 1),
    },
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    for x, expected in ACTIVATIONS[name].items():
        v = Value(x)
        y = getattr(v, name)()
        y.backward()
        assert (y.data, v.grad) == close(expected)


def test_elu_with_another_alpha_jumps_at_zero() -> None:
    left = Value(-1e-12)
    left.elu(0.3).backward()
    assert left.grad == pytest.approx(0.3)
    right = Value(0.0)
    right.elu(0.3).backward()
    assert right.grad == 1.0
