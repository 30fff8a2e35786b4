/* The recording of context.py, and the context of new nodes. */

#ifndef CONTEXT_H
#define CONTEXT_H

#include "node.h"

typedef struct {
    PyObject_HEAD
    long long clock;
    PyObject *special, *left; /* lists */
    PyObject *context, *leave; /* functions of context.py; NULL until it sets them */
} Recording;

INTERNAL extern PyTypeObject *recording_type;
INTERNAL extern PyType_Spec recording_spec;
INTERNAL extern Recording *recording; /* the only one */
INTERNAL extern PyObject *context_variable;

PyObject *recording_make(void);
PyObject *call_recording(PyObject *function, PyObject *argument); /* call `context` or `leave` of context.py */

/* Return the context of new nodes, a new reference: (scope, whether gates are recorded, block, outer context, the function
   to call with each new node, or None). */
PyObject *current_context(void);

static inline int
is_context(PyObject *x)
{
    return PyTuple_CheckExact(x) && PyTuple_GET_SIZE(x) == 5 && PyUnicode_CheckExact(PyTuple_GET_ITEM(x, 0));
}

/* A function of the module core. */
PyObject *tick(PyObject *module, PyObject *nothing);

#endif
