/* The walk of backward.py: the nodes of a graph, in order. */

#ifndef WALK_H
#define WALK_H

#include "node.h"

typedef struct {
    PyObject_HEAD
    PyObject *leaves, *gates; /* tuples of Values, each after all its inputs */
    long long changed;        /* when a leaf last was */
    unsigned long long number;
} Walk;

INTERNAL extern PyTypeObject *walk_type;
INTERNAL extern PyType_Spec walk_spec;

/* The number of the last walk. A node's mark is twice the number of a walk while its inputs are being walked, and one more
   when it is done; the marks of other walks mean nothing. */
INTERNAL extern unsigned long long latest_walk;

PyObject *as_values(PyObject *given); /* a tuple of Values that nothing else can change; NULL with an error */

#endif
