/* A row of the table as C sees it: the bytecode of its rules beside the Python functions that apply the rules themselves.

   A Row is callable, and is what `gate.record` is. A leaf has a row too, which says its role. */

#ifndef ROW_H
#define ROW_H

#include "bytecode.h"

#define INPUTS_MOST 10 /* maximum number of named inputs, as in gate.py */

typedef struct {
    enum { NOTHING, NUMBER, CELL, FORMULA } kind;
    double number;
    int cell; /* of the inputs and, after them, the output */
    Bytecode *bytecode;
} Slope;

struct Row {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *origin; /* the Gate, or the Role of a leaf */
    PyObject *record; /* where the bytecode does not get on */
    PyObject *pull;
    PyObject *by_count;  /* of a gate with any number of inputs: makes the bytecode for a count */
    PyObject *made; /* what it made, by count; None: the count was seen once; False: there is none */
    Py_ssize_t count;    /* the count seen last, and its bytecode */
    Bytecode *forward, *local;
    int inputs; /* -1 for any number, 0 for a leaf */
    int simple; /* the code of a rule that is one step on the inputs in order; else -1 */
    Slope slope[INPUTS_MOST];
};

INTERNAL extern PyTypeObject *row_type;
INTERNAL extern PyType_Spec row_spec;
INTERNAL extern Row *constant_row, *role_rows[3]; /* of a number in an expression; of all roles */

/* Find the bytecode for a count of inputs: 1, or 0 if there is none, or -1 with an error. It is made when a count is
   recorded for the second time: what comes up once is not worth it. */
int find_bytecode(Row *row, Py_ssize_t count, int recording);

PyObject *bind_function(PyObject *self, PyObject *object, PyObject *type); /* as a method of an object */

#endif
