"""Write scalars. See every gate. A scalar reverse-mode autodiff engine.

A `Value` is a number that records how it was computed. The functions below read that graph. For example:

>>> from autograd import Value, exp
>>> w, x = Value(2.0), Value(-1.0)
>>> f = 1 / (1 + exp(-w * x))
>>> f.backward()
>>> round(w.grad, 6)
-0.104994
"""

import builtins as _builtins
from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from .anomaly import detect_anomaly as detect_anomaly
from .backward import adjoints as adjoints, is_stale as is_stale, topological_order as topological_order
from .beside import FUNCTIONS as _FUNCTIONS
from .context import no_grad as no_grad, scope as scope
from .gate import GATES as GATES, Gate as Gate, Kink as Kink, gate as gate
from .gates import *  # one function for each gate
from .indexing import take as take
from .value import Value as Value

if TYPE_CHECKING:
    from .check import check_gradients as check_gradients, finite_differences as finite_differences
    from .compiling import CompiledProgram as CompiledProgram, SizedPrograms as SizedPrograms, compile as compile
    from .drawing.dot import to_dot as to_dot
    from .drawing.drawing import draw as draw
    from .drawing.explain import explain as explain
    from .drawing.explore import explore as explore
    from .drawing.frames import frames as frames
    from .drawing.page import Page as Page
    from .drawing.playground import playground as playground
    from .drawing.walk import walk as walk
    from .functional import (
        grad as grad,
        hessian as hessian,
        hvp as hvp,
        jacobian as jacobian,
        jvp as jvp,
        linearize as linearize,
        value_and_grad as value_and_grad,
        vjp as vjp,
    )

__version__ = "0.1.0"

# Modules that read graphs and their public names; imported on first use.
_READERS = {
    "check": ("check_gradients", "finite_differences"),
    "compiling": ("CompiledProgram", "SizedPrograms", "compile"),
    "drawing": ("Page", "draw", "explain", "explore", "frames", "playground", "to_dot", "walk"),
    "functional": ("grad", "hessian", "hvp", "jacobian", "jvp", "linearize", "value_and_grad", "vjp"),
}
_MODULES = {name: module for module, names in _READERS.items() for name in names}

# `from autograd import *` must not shadow the built-in sum, max, abs and pow; they are imported by name only.
__all__ = [
    "GATES",
    "Gate",
    "Kink",
    "Value",
    "adjoints",
    "detect_anomaly",
    "gate",
    "is_stale",
    "no_grad",
    "scope",
    "take",
    "topological_order",
]
__all__ += [*_MODULES, *(name for name in GATES if not hasattr(_builtins, name))]

if not TYPE_CHECKING:  # with a __getattr__, type checkers would accept any name

    def __getattr__(name):
        """Import a module on first use; for another library's function, raise with the name to write here."""
        if name in _READERS:
            return _import_module(f".{name}", __name__)
        if name in _MODULES:
            found = globals()[name] = getattr(_import_module(f".{_MODULES[name]}", __name__), name)
            return found
        instead = f": write {_FUNCTIONS[name]}" if name in _FUNCTIONS else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{instead}")

    def __dir__():
        return sorted({*globals(), *_MODULES})
