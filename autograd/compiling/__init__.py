"""Compiling: trace → scalar program and its gradient → sums of products → blocks and arrays → source."""

from .compiler import compile as compile
from .program import CompiledProgram as CompiledProgram
