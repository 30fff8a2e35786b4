/* Bytecode: formulas as lists of steps. C knows no gate. rows.py runs a gate's rules on symbols, lists the steps of
   the formulas, and this interpreter runs the list. So a user's gate runs as fast as a built-in one, and an edited
   row needs no new build. */

#ifndef BYTECODE_H
#define BYTECODE_H

#include "node.h"
#include "opcodes.h" /* written by setup.py from the table of functions */

#define EACH_FUNCTION(X) ONE_OPERAND(X) TWO_OPERANDS(X) THREE_OPERANDS(X)
#define CODE(name, code, expression, may_raise) code,
enum { EACH_FUNCTION(CODE) CODES };

INTERNAL extern const char *const code_names[CODES]; /* the operators of symbols, by code */

typedef struct {
    int code;
    int a, b, c; /* cells of the operands */
} Step;

/* The cells hold the inputs, then the constants, then the result of each step. */
typedef struct {
    PyObject_HEAD
    int inputs, first, steps, outputs; /* first: index of the first step's cell */
    Step *step;
    int *output; /* cells of the results; -1 for None */
    double *cell;
} Bytecode;

INTERNAL extern PyTypeObject *bytecode_type;
INTERNAL extern PyType_Spec bytecode_spec;

/* Run bytecode on the inputs in its cells. Return 0 if Python might have raised for an operand: the caller then runs
   Python's rule, which raises or gives the number. No Python code runs here, so no other caller can use the cells
   meanwhile. */
int run_bytecode(Bytecode *bytecode);

/* Tell whether x is bytecode with these numbers of inputs and outputs; is_formula: with one output, not None. */
int is_bytecode_of(PyObject *x, Py_ssize_t inputs, Py_ssize_t outputs);
int is_formula(PyObject *x, Py_ssize_t inputs);

#endif
