/* How a node is made whole: from its origin and all its inputs. */

#ifndef RESTORE_H
#define RESTORE_H

#include "row.h"

INTERNAL extern PyObject *make_row; /* the function of rows.py */

Row *row_of(PyObject *origin); /* of a gate or a leaf's role; a new reference */

/* Of core.c's functions. */
PyObject *restore(PyObject *module, PyObject *args);
PyObject *record_output(PyObject *module, PyObject *args);
PyObject *row_of_gate(PyObject *module, PyObject *gate);
PyObject *record_gate(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
