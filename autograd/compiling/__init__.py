"""Compiling: one list of statements, which printers write down and runners execute.

tracing and lowering record a function and write its scalar program and gradient down (scalars); sums and blocks find the
sums of products and the matrices in it; statements is the list that comes out: an operation, the rows that it takes and
makes, and where it came from. There are three readers, and none of them looks at text:

- source turns a statement into an expression of an array module, which is an object too. Its text is printed on demand, and
  buffers turns it into calls of NumPy that allocate nothing.
- vectors writes statements as code for the compiled part, where a row is a slot and a step runs over a block of samples.
- tape writes the scalar program itself as such code, where statements would stand for few operations.

training writes an optimiser's rule as such code too, for the parameters as its samples: so whole trainings run.

machine holds what all have in common, and machine.h what runs it. passes chooses; execution runs what was chosen, and
where a number is not finite the lines, which say which it is.
"""

from .compiler import compile as compile
from .program import CompiledProgram as CompiledProgram
from .sized import SizedPrograms as SizedPrograms
