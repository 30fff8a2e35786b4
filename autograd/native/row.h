/* A row of the table in C: the bytecode of its rules, and the Python functions for the slow path. `gate.record` is
   the Row of a gate, a callable that records it. A leaf's row holds its role. */

#ifndef ROW_H
#define ROW_H

#include "bytecode.h"

#define INPUTS_MOST 10 /* maximum number of named inputs, as in gate.py */

typedef struct {
    enum { NOTHING, NUMBER, CELL, FORMULA } kind;
    double number;
    int cell; /* index of an input or, after these, the output */
    Bytecode *bytecode;
} Slope;

struct Row {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *origin; /* the Gate, or the Role of a leaf */
    PyObject *record; /* the slow path of recording */
    PyObject *pull;
    PyObject *by_count;  /* for a variadic gate: makes the bytecode for a number of inputs */
    PyObject *made; /* bytecode by number of inputs; None: that number was recorded once; False: C lacks a function */
    Py_ssize_t count;    /* the last number of inputs, and its bytecode */
    Bytecode *forward, *local;
    int inputs; /* -1 for any number, 0 for a leaf */
    int simple; /* the opcode if the rule is one step on the inputs in order; else -1 */
    Slope slope[INPUTS_MOST];
};

INTERNAL extern PyTypeObject *row_type;
INTERNAL extern PyType_Spec row_spec;
INTERNAL extern Row *constant_row, *role_rows[3]; /* the rows of constants, and of all roles */

/* Find the bytecode for a number of inputs: 1; 0 if there is none; -1 with an error. It is made when that number is
   recorded for the second time, because making it for a single use would not pay. */
int find_bytecode(Row *row, Py_ssize_t count, int recording);

PyObject *bind_function(PyObject *self, PyObject *object, PyObject *type); /* __get__, so that a Row is a method */

#endif
