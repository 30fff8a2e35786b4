"""The neurons before backpropagation, and the functions that networks of them compute.

>>> from nn import classical
>>> classical.learn_perceptron([(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 1]).perceptron.truth_table().outputs
(0, 1, 1, 1)
>>> bool(classical.separable([0, 1, 1, 0]))
False
"""

from .boolean import (
    convex_region as convex_region,
    dnf_network as dnf_network,
    k_map_groups as k_map_groups,
    one_hot_network as one_hot_network,
    universal_and as universal_and,
    universal_or as universal_or,
)
from .depth import deep_parity as deep_parity, parity as parity, shallow_parity as shallow_parity
from .learning import (
    PerceptronLearning as PerceptronLearning,
    learn_perceptron as learn_perceptron,
    novikoff_bound as novikoff_bound,
    perceptron_loss as perceptron_loss,
)
from .networks import ThresholdNetwork as ThresholdNetwork
from .neurons import (
    McCullochPitts as McCullochPitts,
    Perceptron as Perceptron,
    SigmoidNeuron as SigmoidNeuron,
    Unit as Unit,
)
from .separability import Separability as Separability, separable as separable
from .tables import TruthTable as TruthTable, truth_table as truth_table
from .towers import (
    Approximation as Approximation,
    HiddenLayer as HiddenLayer,
    Tower2D as Tower2D,
    approximate as approximate,
    step_neuron as step_neuron,
    tower as tower,
    tower_2d as tower_2d,
)
from .xor import (
    AND as AND,
    NAND as NAND,
    NOR as NOR,
    NOT as NOT,
    OR as OR,
    XNOR as XNOR,
    XOR as XOR,
    relu_warp as relu_warp,
    xor_by_product as xor_by_product,
    xor_by_relu as xor_by_relu,
    xor_two_layers as xor_two_layers,
    xor_with_skip as xor_with_skip,
)
