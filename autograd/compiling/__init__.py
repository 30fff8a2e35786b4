"""Compiling: one list of statements, which printers write down and runners execute.

tracing records a function; lowering writes it and its gradient as a scalar program (scalars). sums and blocks find sums
of products and matrices in that; statements makes the list of statements. A statement holds an operation and the rows
that it reads and writes. The list and the scalar program have these readers, none of which looks at text:

- source turns a statement into an expression of an array module, which is an object too. Its text is printed on demand, and
  buffers turns it into calls of NumPy that allocate nothing.
- vectors writes statements as code for the C machine, where a row is a slot and a step runs over a block of samples.
- tape writes the scalar program itself as such code, for programs with few operations per statement.

training writes an optimiser's rule as such code too, with one sample per parameter, so that a whole training runs in C.

machine assembles the code, and machine.h runs it. forms calls one after the other, from a trace to the code, and chooses the
executor; execution runs it. Where a number is not finite, execution runs the printed lines, to name the line.
"""

from .compiler import compile as compile
from .program import CompiledProgram as CompiledProgram
from .sized import SizedPrograms as SizedPrograms
