/* The block `with scope(name):`. */

#ifndef SCOPE_H
#define SCOPE_H

#include "node.h"

INTERNAL extern PyTypeObject *scope_type;
INTERNAL extern PyType_Spec scope_spec;

PyObject *scope_make(PyObject *type, PyObject *const *args, size_t flags, PyObject *names); /* scope(name) */

#endif
