/* Recording: a gate's inputs become its output, a node.

   Functions that give a node give a new reference to it, or NotImplemented if an input may know of Values itself, or NULL with
   an error. */

#ifndef RECORD_H
#define RECORD_H

#include "memory.h"
#include "row.h"

INTERNAL extern PyObject *operand_function; /* of value.py */

PyObject *record_one(Row *row, PyObject *x);
PyObject *record_two(Row *row, PyObject *x, PyObject *y);

/* Record a gate with any number of inputs, or more than two; takes over the references to its inputs, which are Values. */
PyObject *record_nodes(Row *row, PyObject *first, PyObject *rest);

PyObject *row_call(PyObject *row, PyObject *const *xs, size_t flags, PyObject *names); /* gate.record(*xs) */

/* Let go of inputs that were made for a node which there will not be. */
PyObject *without(PyObject *first, PyObject *rest, PyObject *answer);

/* Give a new node the scope it was made in; where nothing is recorded, make it a constant. */
int stamp(Node *node);

/* A number in an expression, as a constant. */
static inline PyObject *
new_number(double data)
{
    Node *number = new_node(constant_row, data);
    if (number != NULL)
        number->tick = NUMBER_TICK;
    return (PyObject *)number;
}

#endif
