"""Training: `fit` and its history, schedules, metrics, recipes, and minimisation without a model."""

from . import schedules as schedules
from .descent import minimize as minimize, random_search as random_search
from .history import History as History, Snapshot as Snapshot
from .loop import converged as converged, evaluate as evaluate, fit as fit
from .metrics import accuracy as accuracy, confusion as confusion, r_squared as r_squared, zero_one as zero_one
from .recipes import Recipe as Recipe, Task as Task, recipe as recipe
from .regression import linear_regression as linear_regression, monomials as monomials, products as products
