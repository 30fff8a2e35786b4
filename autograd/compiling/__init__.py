"""Compiling: one list of statements, which printers write down and runners execute.

tracing and lowering record a function and write its scalar program and gradient down (scalars); sums and blocks find the
sums of products and the matrices in it; statements is the list that comes out: an operation, the rows that it takes and
makes, and where it came from. source writes a statement as an expression of an array module, an object too, which is
printed when somebody asks for the text, and which buffers turns into calls that allocate nothing. tape is the scalar program
itself, for the compiled part. execution and program run them; nothing is decided by looking at text.
"""

from .compiler import compile as compile
from .program import CompiledProgram as CompiledProgram
