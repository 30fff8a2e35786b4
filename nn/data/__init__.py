"""Data for training: small data sets, splits, batches and scaling."""

from .batching import Data as Data, batches as batches, train_test_split as train_test_split
from .datasets import circles as circles, gaussians as gaussians, moons as moons, spiral as spiral, xor as xor
from .scaling import Scaler as Scaler, standardise as standardise
