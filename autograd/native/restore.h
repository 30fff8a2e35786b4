/* Making a node from its origin and all its inputs. */

#ifndef RESTORE_H
#define RESTORE_H

#include "row.h"

INTERNAL extern PyObject *make_row; /* `_row` of rows.py */

Row *row_of(PyObject *origin); /* the row of a gate or a role, a new reference */

/* Functions of the module core. */
PyObject *restore(PyObject *module, PyObject *args);
PyObject *record_output(PyObject *module, PyObject *args);
PyObject *row_of_gate(PyObject *module, PyObject *gate);
PyObject *record_gate(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
