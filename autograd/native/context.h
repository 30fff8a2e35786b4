/* The recording of context.py, and the context that new nodes are made in. */

#ifndef CONTEXT_H
#define CONTEXT_H

#include "node.h"

typedef struct {
    PyObject_HEAD
    long long clock;
    PyObject *special, *left; /* lists */
    PyObject *context, *leave; /* context.py's functions; NULL until it sets them */
} Recording;

INTERNAL extern PyTypeObject *recording_type;
INTERNAL extern PyType_Spec recording_spec;
INTERNAL extern Recording *recording; /* the only one */
INTERNAL extern PyObject *context_variable;

PyObject *recording_make(void);
PyObject *call_recording(PyObject *function, PyObject *argument); /* one of context.py's functions */

/* The context that new nodes are made in, a new reference: (scope, whether nodes are recorded, block, context outside). */
PyObject *current_context(void);

static inline int
is_context(PyObject *x)
{
    return PyTuple_CheckExact(x) && PyTuple_GET_SIZE(x) == 4 && PyUnicode_CheckExact(PyTuple_GET_ITEM(x, 0));
}

/* Of core.c's functions. */
PyObject *tick(PyObject *module, PyObject *nothing);

#endif
