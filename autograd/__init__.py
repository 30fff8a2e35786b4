"""Write scalars. See every gate. A scalar reverse-mode autodiff engine.

A `Value` is one number that remembers how it was made; the functions below read that record. Start with

>>> from autograd import Value, exp
>>> w, x = Value(2.0), Value(-1.0)
>>> f = 1 / (1 + exp(-w * x))
>>> f.backward()
>>> round(w.grad, 6)
-0.104994
"""

from typing import TYPE_CHECKING

from .backward import adjoints as adjoints, is_stale as is_stale
from .check import check_gradients as check_gradients, finite_differences as finite_differences
from .compiling import CompiledProgram as CompiledProgram, compile as compile
from .drawing import Page as Page, draw as draw, explain as explain, explore as explore, to_dot as to_dot
from .elsewhere import FUNCTIONS as _FUNCTIONS
from .functional import (
    grad as grad,
    hessian as hessian,
    jacobian as jacobian,
    linearize as linearize,
    value_and_grad as value_and_grad,
)
from .gates import *  # every row of the table is a function here
from .graph import topological_order as topological_order
from .recording import no_grad as no_grad, scope as scope
from .row import GATES as GATES, Gate as Gate, Kink as Kink, gate as gate
from .value import Value as Value

__version__ = "0.1.0"

if not TYPE_CHECKING:  # a checker would take every name for one of ours

    def __getattr__(name: str) -> None:
        """Say what to write instead of a function of another library."""
        instead = f": write {_FUNCTIONS[name]}" if name in _FUNCTIONS else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{instead}")
