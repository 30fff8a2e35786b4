/* Walk of backward.py: the nodes of a graph in topological order. */

#ifndef WALK_H
#define WALK_H

#include "node.h"

typedef struct {
    PyObject_HEAD
    PyObject *leaves, *gates; /* tuples of Values, inputs first */
    long long changed;        /* the tick of the leaf that was set last */
    unsigned long long number;
} Walk;

INTERNAL extern PyTypeObject *walk_type;
INTERNAL extern PyType_Spec walk_spec;

/* The number n of the last walk. It marks a node 2n when it enters it and 2n + 1 when all its inputs are done. */
INTERNAL extern unsigned long long latest_walk;

PyObject *as_values(PyObject *given); /* a tuple of Values that no other code can change; NULL with an error */

#endif
