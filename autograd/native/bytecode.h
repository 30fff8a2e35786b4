/* Formulas as bytecode.

   What a row of the table says is not known here: a row's rule, run on symbols, writes its formula down, rows.py lists
   the formula's steps, and this runs the list. So a gate that a user adds runs as fast as one of the table, and nothing
   that was compiled can be older than a row. */

#ifndef BYTECODE_H
#define BYTECODE_H

#include "node.h"
#include "opcodes.h" /* the table of functions, as setup.py writes it */

#define EACH_FUNCTION(X) ONE_OPERAND(X) TWO_OPERANDS(X) THREE_OPERANDS(X)
#define CODE(name, code, expression, refused) code,
enum { EACH_FUNCTION(CODE) CODES };

INTERNAL extern const char *const code_names[CODES]; /* the names that symbols give them */

typedef struct {
    int code;
    int a, b, c; /* the cells of its operands */
} Step;

/* Its cells hold the inputs, then the constants, then the result of each step. */
typedef struct {
    PyObject_HEAD
    int inputs, first, steps, outputs; /* first: the cell of the first step */
    Step *step;
    int *output; /* the cells of the results; -1 where there is none */
    double *cell;
} Bytecode;

INTERNAL extern PyTypeObject *bytecode_type;
INTERNAL extern PyType_Spec bytecode_spec;

/* Run bytecode on the inputs in its cells. False where a function or a division may have refused its operands: Python's
   rule then decides, and words the error. Nothing here runs Python code, so the cells are never used twice at once. */
int run_bytecode(Bytecode *bytecode);

/* Tell whether x is bytecode of so many inputs and outputs; and with one output, which is there. */
int is_bytecode_of(PyObject *x, Py_ssize_t inputs, Py_ssize_t outputs);
int is_formula(PyObject *x, Py_ssize_t inputs);

#endif
