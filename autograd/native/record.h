/* Recording: computing a gate and making its output, a node. A function that returns a node returns a new reference,
   NotImplemented if an input has a foreign type, or NULL with an error. */

#ifndef RECORD_H
#define RECORD_H

#include "memory.h"
#include "row.h"

INTERNAL extern PyObject *operand_function; /* `operand` of value.py */

PyObject *record_one(Row *row, PyObject *x);
PyObject *record_two(Row *row, PyObject *x, PyObject *y);

/* Record a gate with more than two inputs or a variadic one; steals the references to its inputs, which are Values.
   */
PyObject *record_nodes(Row *row, PyObject *first, PyObject *rest);

PyObject *row_call(PyObject *row, PyObject *const *xs, size_t flags, PyObject *names); /* gate.record(*xs) */

/* Drop the references to inputs of a node that is not made; return `answer`. */
PyObject *without(PyObject *first, PyObject *rest, PyObject *answer);

/* Set the scope of a new node; within no_grad, make it a constant. */
int stamp(Node *node);

/* Return a constant for a number in an expression. */
static inline PyObject *
new_number(double data)
{
    Node *number = new_node(constant_row, data);
    if (number != NULL)
        number->tick = NUMBER_TICK;
    return (PyObject *)number;
}

#endif
