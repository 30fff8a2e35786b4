"""Compiling: trace → scalar program and its gradient → sums of products → blocks and arrays → source."""

from .program import CompiledProgram as CompiledProgram, compile as compile
