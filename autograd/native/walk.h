/* Walk of backward.py: the nodes of a graph in topological order. */

#ifndef WALK_H
#define WALK_H

#include "memory.h"

/* An array of nodes that grows. */
typedef struct {
    Node **node;
    Py_ssize_t size, room;
} Nodes;

/* The nodes are borrowed: the roots keep them alive, because the inputs of a node never change. */
typedef struct {
    PyObject_HEAD
    PyObject *roots;
    Nodes nodes;         /* inputs first; leaves where they were reached */
    PyObject *failed;    /* the gate that _pull failed at */
    long long changed;   /* the tick of the leaf that was set last */
    unsigned long long number;
} Walk;

INTERNAL extern PyTypeObject *walk_type;
INTERNAL extern PyType_Spec walk_spec;

/* The number of the last walk, times MARKS. A walk marks a node by this when it enters it, and by more when all its inputs
   are done, which tells what the node is. */
enum { ENTERED, GATE, LEAF, NO_GRADIENT, MARKS };
INTERNAL extern unsigned long long latest_walk;

/* Ask for a node a pass will reach; `i` counts from its end. */
#define AHEAD 8
static inline void
prefetch_at(const Nodes *nodes, Py_ssize_t i)
{
    if (i >= 0 && i < nodes->size)
        PREFETCH(nodes->node[i]);
}

void free_spare(void); /* free the arrays that are kept for the next walk */
PyObject *as_values(PyObject *given); /* a tuple of Values that no other code can change; NULL with an error */

#endif
